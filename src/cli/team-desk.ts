/** What `coord init` needs from the rest of the program to find, and to write down, who works for a project. */

/** Somebody on this machine who can play roles. */
export interface Colleague {
  /** As `--with` names it: `claude`, `anthropic`, `ollama`. */
  readonly id: string;
  readonly title: string;
  /** Whether it can change files. */
  readonly edits: boolean;
  /** Of an endpoint: the models that it offers, at least one. Null: it chooses by itself. */
  readonly models: readonly string[] | null;
}

export interface TeamFile {
  /** Relative to the folder. */
  readonly file: string;
  readonly created: boolean;
  readonly persona: string;
}

export interface TeamDesk {
  /** Those that are there, in the order in which one is taken. */
  colleagues(): Promise<readonly Colleague[]>;
  /** Writes a persona for each role that the colleague can play; what is there stays. Throws USAGE. */
  write(
    folder: string,
    who: { readonly colleague: Colleague; readonly model: string | null },
  ): Promise<readonly TeamFile[]>;
}
