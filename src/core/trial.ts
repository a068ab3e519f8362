/** Asking a persona once, without a run: what is asked. */
import type { JsonObject } from './json.js';

export interface Trial {
  readonly persona: string;
  readonly task: JsonObject;
  readonly params: JsonObject;
  /** Where it works, absolute; null: in an empty folder that is removed afterwards. */
  readonly directory: string | null;
  readonly timeoutMs: number;
  /** Ends it early. */
  readonly signal: AbortSignal;
  /** A line of what it does. */
  progress(line: string): void;
}
