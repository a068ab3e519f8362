/**
 * A workflow as everything inside knows it: one normal form of plain JSON with every field present. It is what is
 * hashed, stored, pinned by runs and compiled; YAML is only one way to write it down.
 */
import { z } from 'zod';
import { CoordError, messageOf } from '../core/errors.js';
import { canonicalJson, type JsonObject, type JsonValue, jsonObjectSchema, sha256 } from '../core/json.js';

export interface StepDefinition {
  readonly id: string;
  /** Template text. */
  readonly name: string;
  readonly type: 'persona-request';
  readonly persona: string;
  readonly dependencies: readonly string[];
  /** An expression, or null: always. */
  readonly condition: string | null;
  /** Seconds, or template text that gives seconds or a duration such as `5m`; null for no limit. */
  readonly timeout: number | string | null;
  /** Further attempts after the first, or template text that gives their number. */
  readonly retries: number | string;
  /** Texts inside may be templates. */
  readonly params: JsonObject;
}

export interface WorkflowDefinition {
  readonly format: 1;
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** In the order they are written; texts inside may be templates that read `task` and the variables above. */
  readonly variables: JsonObject;
  readonly steps: readonly StepDefinition[];
}

export const WORKFLOW_LIMITS = {
  bytes: 1024 * 1024,
  /** Lists and maps inside each other. */
  depth: 50,
  /** Values of a file, with every alias written out. */
  values: 100_000,
  steps: 2_000,
  retries: 100,
  /** 365 days. */
  timeoutMs: 365 * 86_400_000,
} as const;

/** What the id of a step and the name of a persona look like. No `|`: ids become parts of timer names. */
export const STEP_ID = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

const stepSchema = z.strictObject({
  id: z.string().regex(STEP_ID),
  name: z.string(),
  type: z.literal('persona-request'),
  persona: z.string().regex(STEP_ID),
  dependencies: z.array(z.string()),
  condition: z.string().nullable(),
  timeout: z.union([z.number().positive(), z.string()]).nullable(),
  retries: z.union([z.int().min(0).max(WORKFLOW_LIMITS.retries), z.string()]),
  params: jsonObjectSchema,
}) satisfies z.ZodType<StepDefinition>;

const workflowSchema = z.strictObject({
  format: z.literal(1),
  name: z.string(),
  version: z.string(),
  description: z.string(),
  variables: jsonObjectSchema,
  steps: z.array(stepSchema),
}) satisfies z.ZodType<WorkflowDefinition>;

/** A stored definition, from the JSON text it was stored as. Throws DEFINITION_INVALID. */
export function readDefinition(json: string): WorkflowDefinition {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new CoordError('DEFINITION_INVALID', `the stored definition is not JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const parsed = workflowSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new CoordError('DEFINITION_INVALID', `the stored definition cannot be read: ${z.prettifyError(parsed.error)}`);
}

/** The content hash that runs pin: equal definitions have equal hashes, whatever their files look like. */
export function definitionHash(definition: WorkflowDefinition): string {
  return sha256(canonicalJson(definition as unknown as JsonValue));
}

/** The name that a step's outcome has in `context.state`: `code-review` is `code_review_status` and `code_review_result`. */
export function stateName(stepId: string, kind: 'result' | 'status'): string {
  return `${stepId.replaceAll('-', '_')}_${kind}`;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `1500ms`, `30s`, `5m`, `1.5h`, `2d`, or of a bare number of seconds; null for anything else. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)\s*(ms|s|m|h|d)?$/.exec(text.trim());
  if (match === null) return null;
  return Number(match[1]) * (UNIT_MS[match[2] ?? 's'] ?? 1_000);
}
