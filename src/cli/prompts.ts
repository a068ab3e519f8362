/** Questions on a terminal, one at a time. Whoever leaves one (Ctrl-C, Escape) answers null. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoordError } from '../core/errors.js';

export interface PromptOption {
  readonly value: string;
  readonly label: string;
}

export interface Prompts {
  /** Yes or no, default yes. */
  confirm(question: string): Promise<boolean | null>;
  /** One of several; the first is marked. */
  select(question: string, options: readonly PromptOption[]): Promise<string | null>;
  /** Any of several. */
  several(question: string, options: readonly PromptOption[]): Promise<readonly string[] | null>;
  /** A line of text; `check` says what is wrong with it. */
  text(
    question: string,
    more: { readonly usual: string; readonly check: (text: string) => string | null },
  ): Promise<string | null>;
  /** Shows something to judge by. */
  show(title: string, text: string): void;
  /** The text as the person leaves it in their editor (VISUAL, EDITOR). Throws USAGE when that cannot be started. */
  edit(text: string, name: string): Promise<string>;
}

/** Those of this terminal. Loaded on demand: prompts cost as much time to import as a whole `coord list` takes. */
export function terminalPrompts(env: Readonly<Record<string, string | undefined>>): Prompts {
  return {
    confirm: async (message) => {
      const { confirm, isCancel } = await import('@clack/prompts');
      const answer = await confirm({ message, initialValue: true });
      return isCancel(answer) ? null : answer;
    },
    select: async (message, options) => {
      const { isCancel, select } = await import('@clack/prompts');
      const answer = await select({ message, options: options.map((option) => ({ ...option })) });
      return isCancel(answer) ? null : answer;
    },
    several: async (message, options) => {
      const { isCancel, multiselect } = await import('@clack/prompts');
      const answer = await multiselect({ message, options: options.map((option) => ({ ...option })), required: false });
      return isCancel(answer) ? null : answer;
    },
    text: async (message, { usual, check }) => {
      const { isCancel, text } = await import('@clack/prompts');
      const validate = (value: string | undefined): string | undefined => check(value ?? '') ?? undefined;
      const answer = await text({ message, placeholder: usual, validate });
      return isCancel(answer) ? null : answer;
    },
    show: (title, text) => {
      process.stdout.write(`${title}\n${text.replace(/^/gm, '  ')}\n\n`);
    },
    edit: async (text, name) => {
      const folder = await mkdtemp(join(tmpdir(), 'coord-edit-'));
      try {
        const file = join(folder, name);
        await writeFile(file, text, { mode: 0o600 });
        await editorOn(env['VISUAL'] ?? env['EDITOR'] ?? 'vi', file);
        return await readFile(file, 'utf8');
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

/** The editor as people write it, with its options: `code --wait`. */
async function editorOn(editor: string, file: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = spawn(`${editor} "$1"`, ['sh', file], { shell: '/bin/sh', stdio: 'inherit' });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else
        reject(new CoordError('USAGE', `the editor "${editor}" ended with code ${String(code)}; set VISUAL or EDITOR`));
    });
  });
}
