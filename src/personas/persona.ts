/** What personas are: the checked definitions that persona files, and programs, give. */
import type { AgentName } from './agents/presets.js';
import type { Permission } from './agents/preset.js';
import type { ProcessLimits } from './limits.js';
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
  readonly limits: ProcessLimits;
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

/** A large language model, asked over HTTP. */
export interface ModelPersona extends PersonaBase {
  readonly kind: 'model';
  readonly model: string;
  /** Whose protocol its endpoint speaks. */
  readonly provider: 'anthropic' | 'openai';
  /** The whole address that is called. */
  readonly endpoint: string;
  /** Name of the environment variable that holds the key; null: it is called without one. */
  readonly keyVariable: string | null;
  /** Of one answer. */
  readonly maxTokens: number;
  /** Null: as the provider has it. */
  readonly temperature: number | null;
  /** How its answers are kept in form, besides by words: by a schema, as some JSON, or not at all. */
  readonly format: 'json' | 'schema' | 'text';
  /** Dollars per million tokens; null: what it costs is not known. */
  readonly price: { readonly input: number; readonly output: number } | null;
}

/** A service that takes requests over HTTP and answers with replies. */
export interface HttpPersona extends PersonaBase {
  readonly kind: 'http';
  readonly endpoint: { readonly url: string } | { readonly variable: string };
  /** Name of the environment variable that holds the secret by which requests are signed; null: they are not. */
  readonly secretVariable: string | null;
}

/** People, who are asked instead of working. */
export interface HumanPersona extends PersonaBase {
  readonly kind: 'human';
  /** What they are asked; empty: for one answer. */
  readonly questions: readonly { readonly id: string; readonly ask: string }[];
  /** Whether they say pass or fail. */
  readonly verdict: boolean;
}

/** A coding-agent CLI. */
export interface AgentPersona extends PersonaBase {
  readonly kind: 'agent';
  readonly agent: AgentName;
  readonly permission: Permission;
  /** What is run in place of the CLI's own name; null for that. */
  readonly command: readonly string[] | null;
  /** Further arguments, after coord's own. */
  readonly args: readonly string[];
  /** Names of variables passed through in addition to those that the CLI needs. */
  readonly env: readonly string[];
  readonly limits: ProcessLimits;
  /** How long it may print nothing before that is told, and before it is ended, ms. */
  readonly stall: { readonly warnMs: number; readonly killMs: number };
  readonly maxTurns: number | null;
}

/** Commands in a clean worktree, run by coord itself. */
export interface VerifyPersona extends PersonaBase {
  readonly kind: 'verify';
}

export type PersonaDefinition =
  | AgentPersona
  | CommandPersona
  | FunctionPersona
  | GitPersona
  | HttpPersona
  | HumanPersona
  | ModelPersona
  | VerifyPersona;

export const PERSONA_NAME = /^[a-z][a-z0-9-]{0,63}$/;
