/** What coord knows of one coding-agent CLI: how it is called without a terminal, and what its output means. */
import type { Usage } from '../../core/exchange.js';

/** What an agent may do unasked: `read-only` looks, `edit` changes files of its folder, `full` does anything. */
export const PERMISSIONS = ['read-only', 'edit', 'full'] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** One call of the CLI. */
export interface AgentCall {
  readonly permission: Permission;
  /** Null: what the CLI is set to. */
  readonly model: string | null;
  readonly tools: readonly string[];
  readonly maxTurns: number | null;
  readonly maxCostUsd: number | null;
  /** The conversation to go on with; null for a new one. */
  readonly session: string | null;
  /** Names a new conversation, for a CLI that takes its name from outside. */
  readonly newSession: string;
  /** A file with the prompt, for a CLI that cannot read it from standard input. */
  readonly promptFile: string;
  /** A folder of this attempt, for what the CLI would else leave in the worktree. */
  readonly scratch: string;
}

/** What has been read from a CLI's output. */
export interface AgentSaid {
  /** Its last message. */
  readonly text: string;
  readonly session: string | null;
  readonly usage: Usage;
  /** What the CLI itself reports as having gone wrong; null for nothing. */
  readonly failure: string | null;
  /** When it says that it may be used again, ms since the epoch; null when it does not say, or not so. */
  readonly resumesAt: number | null;
}

/** Reads a CLI's standard output line by line. */
export interface AgentReader {
  /** Returns a line of progress, or null. */
  line(text: string): string | null;
  said(): AgentSaid;
}

export interface AgentPreset {
  readonly program: string;
  /** Without the program itself. */
  argv(call: AgentCall): readonly string[];
  /** Whether the prompt is written to standard input; else the CLI reads `promptFile`. */
  readonly prompt: 'stdin' | 'file';
  /** Environment variables it is given besides those that every command gets. */
  readonly environment: readonly string[];
  /** Variables that are set for it. */
  set(call: AgentCall): Readonly<Record<string, string>>;
  reader(call: AgentCall): AgentReader;
  /** Whether a conversation can be gone on with. */
  readonly resumes: boolean;
  readonly permissions: readonly Permission[];
  /** Keys of the persona file that it has no use for. */
  readonly ignores: readonly ('max_turns' | 'tools')[];
  /** What to run when nobody is logged in. */
  readonly login: string;
  /** How to get it. */
  readonly install: string;
  /** Exit codes whose meaning it documents. */
  readonly exits: Readonly<Record<number, string>>;
  /** Untracked entries at the top of the worktree that are its own and no part of the work. */
  readonly litter: RegExp | null;
}

/** Several arguments or names that hold no spaces. */
export const words = (text: string): readonly string[] => text.split(' ');

/** Variables by which any of them finds its way out. */
export const NETWORK = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'https_proxy', 'http_proxy', 'no_proxy'];
export const CERTIFICATES = ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS', 'REQUESTS_CA_BUNDLE'];
