/** What a condition or template may read: the whole of it, and nothing else is in reach. */
import type { JsonObject, JsonValue } from '../core/json.js';
import type { ArtifactRef } from '../core/messages.js';

/** An earlier step, as `steps.<id>` shows it. */
export interface StepScope {
  /** The reply's verdict, or `skipped`. */
  readonly status: string;
  readonly result: JsonValue;
  readonly artifacts: readonly ArtifactRef[];
}

export interface Scope {
  readonly task: JsonObject;
  readonly variables: JsonObject;
  readonly context: { readonly state: ReadonlyMap<string, JsonValue> };
  readonly steps: { readonly [id: string]: StepScope };
  readonly run: { readonly id: string; readonly workflow: string };
}

export const ROOT_NAMES = ['task', 'variables', 'context', 'steps', 'run'] as const;
export type RootName = (typeof ROOT_NAMES)[number];

export const STEP_FIELDS = ['status', 'result', 'artifacts'] as const;
export const RUN_FIELDS = ['id', 'workflow'] as const;

export function isRootName(name: string): name is RootName {
  return (ROOT_NAMES as readonly string[]).includes(name);
}
