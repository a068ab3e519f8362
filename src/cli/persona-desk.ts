/** What `coord persona` needs from the rest of the program. */
import type { Finding } from '../core/finding.js';
import type { PersonaReply } from '../core/exchange.js';
import type { Trial } from '../core/trial.js';

/** A persona as a list shows it. */
export interface KnownPersona {
  readonly name: string;
  readonly kind: string;
  readonly description: string;
  /** Absolute path of its file; null for one that comes without. */
  readonly file: string | null;
  /** Attempts that one worker runs at the same time. */
  readonly concurrency: number;
  /** What does the work, in a few words: a command, a model, a function. */
  readonly by: string;
  readonly tools: readonly string[];
  readonly prompt: string;
}

export interface PersonaSurvey {
  /** By name. */
  readonly personas: readonly KnownPersona[];
  /** What is wrong with other files, one line each: `file:line:column code: message`. */
  readonly problems: readonly string[];
}

/** What a persona of any kind can take over. */
export interface KnownRole {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly description: string;
  readonly changes: boolean;
}

export interface TrialArtifact {
  readonly name: string;
  readonly type: string;
  readonly content: Uint8Array;
}

/** What a persona has answered; nothing of it is stored. */
export interface TrialReply extends Omit<PersonaReply, 'artifacts' | 'commit'> {
  readonly artifacts: readonly TrialArtifact[];
  readonly tookMs: number;
}

/** Where personas are looked for. */
export interface PersonaPlace {
  /** Project folder. */
  readonly directory: string;
  /** Folders besides the project's own and the one that comes with coord, first wins. */
  readonly personas: readonly string[];
}

export interface PersonaDesk {
  survey(place: PersonaPlace): Promise<PersonaSurvey>;
  /** Those that come with coord. */
  roles(): readonly KnownRole[];
  /** Throws PERSONA_NOT_FOUND. `ask`: also asks it for something small, where it understands words. */
  check(
    place: PersonaPlace,
    wanted: { readonly persona: string; readonly ask: boolean; readonly signal: AbortSignal },
  ): Promise<readonly Finding[]>;
  /** Asks it once, without a run and without a store. Throws PERSONA_NOT_FOUND, WORKSPACE_INVALID. */
  try(place: PersonaPlace, trial: Trial): Promise<TrialReply>;
}
