/** What personas are: the checked definitions that persona files, and programs, give. */
import type { Role } from './role.js';
import type { PersonaFunction } from './runner.js';

export interface PersonaBase {
  readonly name: string;
  readonly description: string;
  /** What it is told to do: its role, then the body of its file; empty for none. */
  readonly prompt: string;
  /** The role that it has taken over; left out for none. */
  readonly role?: Role | undefined;
  /** Absolute path of its file; null for a persona that a program defined. */
  readonly file: string | null;
  /** Attempts that one worker runs at the same time. */
  readonly concurrency: number;
  /** Tools that it may use; empty: what its kind allows by itself. */
  readonly tools: readonly string[];
  readonly model: string | null;
}

/** What is known of a file before the keys of its kind are read. */
export interface FilePlace {
  readonly base: PersonaBase;
  /** Relative paths are resolved against it. */
  readonly folder: string;
}

export interface CommandPersona extends PersonaBase {
  readonly kind: 'command';
  /** Program and arguments; paths that were relative to the file are absolute here. */
  readonly command: readonly string[];
  /** Names of variables passed through in addition to the base allow-list. */
  readonly env: readonly string[];
  readonly output: 'json' | 'text';
}

export interface FunctionPersona extends PersonaBase {
  readonly kind: 'function';
  /** The function itself, or where to import it from. */
  readonly run: PersonaFunction | { readonly module: string; readonly export: string };
}

/** Git operations in the run's worktree, done by coord itself. */
export interface GitPersona extends PersonaBase {
  readonly kind: 'git';
  /** Branches of remotes that are never pushed to; null: `main`, `master` and the remote's default branch. */
  readonly protected: readonly string[] | null;
}

/** Commands in a clean worktree, run by coord itself. */
export interface VerifyPersona extends PersonaBase {
  readonly kind: 'verify';
}

export type PersonaDefinition = CommandPersona | FunctionPersona | GitPersona | VerifyPersona;

export const PERSONA_NAME = /^[a-z][a-z0-9-]{0,63}$/;
