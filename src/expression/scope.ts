/** What a condition or template may read: the whole of it, and nothing else is in reach. */
import type { JsonObject, JsonValue } from '../core/json.js';
import type { ArtifactRef } from '../core/exchange.js';

/** An earlier step, as `steps.<id>` shows it. */
export interface StepScope {
  /** The reply's verdict, or `skipped`. */
  readonly status: string;
  readonly result: JsonValue;
  readonly artifacts: readonly ArtifactRef[];
}

/** An artifact of a step before, as `artifacts['report.md']` shows it. */
export interface ArtifactScope extends ArtifactRef {
  /** Id of the step that made it. */
  readonly step: string;
}

export interface Scope {
  readonly task: JsonObject;
  readonly variables: JsonObject;
  readonly context: { readonly state: ReadonlyMap<string, JsonValue> };
  readonly steps: { readonly [id: string]: StepScope };
  /** By name; of artifacts with the same name, the one of the nearest step. */
  readonly artifacts: { readonly [name: string]: ArtifactScope };
  readonly run: { readonly id: string; readonly workflow: string };
  /** The innermost round or item; null when there is none around. */
  readonly loop: JsonObject | null;
}

export const ROOT_NAMES = ['task', 'variables', 'context', 'steps', 'artifacts', 'run', 'loop'] as const;
export type RootName = (typeof ROOT_NAMES)[number];

export const STEP_FIELDS = ['status', 'result', 'artifacts'] as const;
export const RUN_FIELDS = ['id', 'workflow'] as const;
export const ARTIFACT_FIELDS = ['name', 'sha256', 'size', 'type', 'step'] as const;
/** What `loop` has in a `loop`, in the order it is told to people. */
export const ROUND_FIELDS = ['round', 'previous'] as const;
/** What `loop` has in a `for_each`. */
export const ITEM_FIELDS = ['index', 'item', 'count'] as const;

export function isRootName(name: string): name is RootName {
  return (ROOT_NAMES as readonly string[]).includes(name);
}
