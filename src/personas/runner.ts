/** The contract between the worker host and a kind of persona: what an attempt is given and what it hands back. */
import type { Finding } from '../core/finding.js';
import type { JsonObject, JsonValue } from '../core/json.js';
import type { AttemptError, PersonaReply, PersonaRequest } from '../core/exchange.js';

/** An artifact as produced, before it is stored. */
export interface RawArtifact {
  readonly name: string;
  readonly type: string;
  readonly content: Uint8Array;
}

/** What an attempt came to, with artifacts still in hand. */
export interface RawReply extends Omit<PersonaReply, 'artifacts' | 'commit' | 'tree'> {
  readonly artifacts: readonly RawArtifact[];
  /** Whether the service that the attempt has called is in trouble; left out when none was called, or it is not known. Not part of the reply. */
  readonly endpoint?: 'ok' | 'failed' | undefined;
}

export interface AttemptContext {
  /** Aborted on timeout, cancel, a lost claim or the worker's stop: the attempt must end soon. */
  readonly signal: AbortSignal;
  /** The run's worktree, where the attempt works; null for a run without a workspace. */
  readonly directory: string | null;
  /** Names this attempt and its input; hand it to outside systems as idempotency key. */
  readonly token: string;
  /** Id of the worker process. */
  readonly worker: string;
  /** Reports a line of progress; the last one before each heartbeat is shown. */
  progress(line: string): void;
  /** Told as soon as a process group works for the attempt, so that it can be found if this process dies. */
  groupStarted(pid: number): void;
}

/** What is wrong with a pass's result by the step's JSON Schema, each as a phrase; none when it fits. */
export type ResultCheck = (schema: JsonObject, result: JsonValue) => readonly string[];

/** One kind of persona. An attempt that went wrong is a reply with an error, never a rejection. */
export interface PersonaRunner {
  run(request: PersonaRequest, context: AttemptContext): Promise<RawReply>;
}

/** A kind as `runnerFor` gives it: it can also be looked at before any run needs it. */
export interface PersonaKind extends PersonaRunner {
  /** Whether what it needs is there; does nothing that costs or changes anything. Never rejects. */
  check(signal: AbortSignal): Promise<readonly Finding[]>;
  /** Whether it understands plain words, so that asking it for something small proves that it works. */
  readonly understandsWords: boolean;
  /** The address that it calls, as it is shown; left out by kinds that call none, null when it is not known. */
  readonly endpoint?: string | null;
}

/** What a function persona is called with besides the request. */
export type FunctionContext = Pick<AttemptContext, 'signal' | 'directory' | 'token' | 'progress'>;

/** A function that serves a persona; its value follows the same rules as a command's JSON. */
export type PersonaFunction = (request: PersonaRequest, context: FunctionContext) => unknown;

/** A reply that holds nothing but an error. */
export function errorReply(errorClass: AttemptError['class'], message: string): RawReply {
  const text = message.length > 8_000 ? `${message.slice(0, 8_000)}…` : message;
  const status = errorClass === 'REJECTED' ? 'fail' : 'error';
  return { status, result: null, error: { class: errorClass, message: text }, artifacts: [] };
}
