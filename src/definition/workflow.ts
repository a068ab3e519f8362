/**
 * A workflow as everything inside knows it: one normal form of plain JSON with every field present. It is what is
 * hashed, stored, pinned by runs and compiled; YAML is only one way to write it down.
 */
import { z } from 'zod';
import { parseDuration } from '../core/duration.js';
import { CoordError, messageOf } from '../core/errors.js';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue, sha256 } from '../core/json.js';
import type { RunBudget } from './ask-policy.js';
import { DEFINITION_FORMAT, workflowSchema } from './stored.js';
import type { Duration, JsonSchema, StepDefinition } from './steps.js';

export interface WorkflowDefinition {
  readonly format: 2;
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** What the task must look like; null for any object. */
  readonly input: JsonSchema | null;
  /** What the run's result must look like; null for anything. */
  readonly output: JsonSchema | null;
  /** Texts inside may be templates; null: the result of the last step. */
  readonly result: JsonValue;
  /** Texts inside may be templates that read `task` and other variables. The overlay of an environment is merged in. */
  readonly variables: JsonObject;
  /** How long a run may take, in seconds or as a template; null for no limit. */
  readonly timeout: Duration | null;
  /** Attempts and inner runs of one run that are under way at the same time; null for no limit. */
  readonly max_concurrent_steps: number | null;
  /** How many runs with the same key may be under way; the others wait for their turn. Template text. */
  readonly concurrency: { readonly key: string; readonly limit: number } | null;
  /**
   * How long an ended run is kept, in seconds. Left out: as long as the namespace says. It may be, like `states`, since
   * definitions that say nothing of it have the hash that they always had.
   */
  readonly retention?: Retention | undefined;
  /** The most that a run may use. Left out: no limit. */
  readonly budget?: RunBudget | undefined;
  /** `required`: the run completes only with what a `verify` step has seen to work. */
  readonly evidence?: 'required' | undefined;
  /** The states of what the run works on, the first one first. Left out by workflows that say nothing of it. */
  readonly states?: readonly WorkState[] | undefined;
  readonly steps: readonly StepDefinition[];
}

export interface WorkState {
  readonly name: string;
  /** What may follow; null: anything. */
  readonly to: readonly string[] | null;
  /** Expressions that must give something that is not empty when a step enters it. */
  readonly requires: readonly string[];
}

export type Retention = number | 'forever';

export { STEP_ID, WORKFLOW_LIMITS } from './limits.js';

/** A stored definition, from the JSON text it was stored as. Throws DEFINITION_INVALID, or FORMAT_UNKNOWN for a newer one. */
export function readDefinition(json: string): WorkflowDefinition {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new CoordError('DEFINITION_INVALID', `the stored definition is not JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const format = formatOf(value);
  if (format > DEFINITION_FORMAT) {
    throw new CoordError(
      'FORMAT_UNKNOWN',
      `the definition has format ${String(format)}, this coord knows up to ${String(DEFINITION_FORMAT)}; upgrade coord`,
    );
  }
  const parsed = workflowSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new CoordError('DEFINITION_INVALID', `the stored definition cannot be read: ${z.prettifyError(parsed.error)}`);
}

/** Whether a newer coord has written the stored definition. */
export function isNewerDefinition(json: string): boolean {
  try {
    return formatOf(JSON.parse(json)) > DEFINITION_FORMAT;
  } catch {
    return false;
  }
}

function formatOf(value: unknown): number {
  const format = isJsonObject(value) ? value['format'] : null;
  return typeof format === 'number' ? format : DEFINITION_FORMAT;
}

/** The content hash that runs pin: equal definitions have equal hashes, whatever their files look like. */
export function definitionHash(definition: WorkflowDefinition): string {
  return sha256(canonicalJson(definition as unknown as JsonValue));
}

/** The key of `concurrency` when only a number is written: all runs of the workflow count together. */
export function keyOfRuns(name: string): string {
  return name.replaceAll('{{', "{{ '{{' }}");
}

/** The name that a step's outcome has in `context.state`: `code-review` is `code_review_status` and `code_review_result`. */
export function stateName(stepId: string, kind: 'result' | 'status'): string {
  return `${stepId.replaceAll('-', '_')}_${kind}`;
}

/** Milliseconds of a number of seconds, or of a text as `parseDuration` takes it; null for anything else. */
export function millisecondsOf(value: JsonValue): number | null {
  if (typeof value === 'number') return value * 1_000;
  return typeof value === 'string' ? parseDuration(value) : null;
}

/** Milliseconds since the epoch of ISO 8601 text that has a date; null for anything else. */
export function parseTime(value: JsonValue): number | null {
  const time = typeof value === 'string' && /^\d{4}-\d{2}-\d{2}/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? null : time;
}
