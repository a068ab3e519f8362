/** What a client asks for, and whether it can be asked at all: found before anything is stored. */
import type { z } from 'zod';
import { CoordError, hasCode } from '../core/errors.js';
import { forbiddenKey } from '../core/forbidden-keys.js';
import type { JsonObject, JsonValue } from '../core/json.js';
import { MESSAGE_LIMIT_BYTES } from '../core/messages.js';
import type { Slot } from '../core/ports.js';
import { compileSchema } from '../definition/json-schema.js';
import { concurrencyKey, resolveVariables } from '../definition/variables.js';
import { allSteps, type WorkflowStep } from '../definition/steps.js';
import { definitionHash, type WorkflowDefinition } from '../definition/workflow.js';

export interface StartRequest {
  readonly definition: WorkflowDefinition;
  /** The definitions of the runs inside, as the loader gives them. */
  readonly inner?: readonly WorkflowDefinition[];
  readonly task: JsonObject;
  /** Repository to work on, and the commit to start from; the run gets the branch `coord/<run id>`. */
  readonly workspace: { readonly repo: string; readonly base: string } | null;
  /** The same key starts the same run, once. Drawn when left out. */
  readonly idempotencyKey?: string;
}

export interface SignalRequest {
  readonly name: string;
  readonly data?: JsonValue;
  readonly by: string;
  readonly idempotencyKey?: string;
}

export interface DecideRequest {
  /** Path of the step that asks. */
  readonly step: string;
  /** The question, as the run's view names it; left out: whatever the step asks now. */
  readonly token?: string;
  readonly choice: string;
  readonly data?: JsonValue;
  readonly by: string;
  /** What it changes in the draft that it was shown, as a JSON merge patch (RFC 7396). */
  readonly edits?: JsonValue;
  /** Where it was answered, for the history. */
  readonly from?: string;
  readonly idempotencyKey?: string;
}

const innerOf = new WeakMap<WorkflowDefinition, readonly WorkflowStep[]>();

/** Throws DEFINITION_MISSING when a run inside could not be loaded: it would be set aside, and its step wait for ever. */
export function checkInner(definition: WorkflowDefinition, inner: readonly WorkflowDefinition[]): void {
  const given = new Set(inner.map(definitionHash));
  for (const one of [definition, ...inner]) {
    let steps = innerOf.get(one);
    if (steps === undefined) {
      steps = [...allSteps(one.steps)].filter((step) => step.type === 'workflow');
      innerOf.set(one, steps);
    }
    const missing = steps.find((step) => step.definition === null || !given.has(step.definition));
    if (missing === undefined) continue;
    throw new CoordError(
      'DEFINITION_MISSING',
      `step "${missing.id}" of ${one.name} runs the workflow "${missing.workflow}", whose definition is not given; pass "inner" as loadWorkflow returns it`,
    );
  }
}

/** The same error, and what can be done about a run that cannot be read. */
export function withCure(run: string, error: unknown): unknown {
  if (hasCode(error, 'RUN_UNREADABLE'))
    return new CoordError(
      'RUN_UNREADABLE',
      `run ${run} cannot be read: ${error.message}; \`coord repair ${run}\` says what can be done`,
      { cause: error },
    );
  if (!hasCode(error, 'DEFINITION_MISSING')) return error;
  const cure = `start its workflow once more, which stores it, then \`coord repair ${run} --release\``;
  return new CoordError('DEFINITION_MISSING', `run ${run} cannot be read: ${error.message}; ${cure}`, { cause: error });
}

/** Throws TASK_INVALID, or EXPRESSION_FAILED when the task leaves a variable empty. */
export function checkTask(definition: WorkflowDefinition, task: JsonObject): void {
  const forbidden = forbiddenKey(task);
  if (forbidden !== null)
    throw new CoordError(
      'TASK_INVALID',
      `the task has the key "${forbidden}", which nothing may read; choose another name`,
    );
  const issues = definition.input === null ? [] : compileSchema(definition.input)(task);
  if (issues.length > 0) {
    const listed = issues.map((issue) => `${issue.path === '' ? 'task' : issue.path}: ${issue.message}`).join('; ');
    throw new CoordError('TASK_INVALID', `the task does not fit the input schema of ${definition.name}: ${listed}`);
  }
  resolveVariables(definition, task);
}

/** The slot that the run takes a place in, or null. Throws EXPRESSION_FAILED. */
export function slotOf(definition: WorkflowDefinition, task: JsonObject): Slot | null {
  const key = concurrencyKey(definition, task);
  return key === null || definition.concurrency === null ? null : { key, limit: definition.concurrency.limit };
}

/** Throws USAGE for what the run would not take. */
export function parseBody<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > MESSAGE_LIMIT_BYTES) {
    const limit = `more than ${String(MESSAGE_LIMIT_BYTES)}; put large things into files or artifacts`;
    throw new CoordError('USAGE', `${what} has ${String(bytes)} bytes of JSON, ${limit}`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new CoordError('USAGE', `${what} cannot be sent: ${parsed.error.issues.map(issueWords).join('; ')}`);
}

const KEY_LENGTH = 255;

/** Throws USAGE for what cannot be an idempotency key. */
export function checkKey(key: string | undefined): void {
  if (key === '') throw new CoordError('USAGE', 'the idempotency key is empty; leave it out, or name one');
  if (key === undefined || key.length <= KEY_LENGTH) return;
  const lengths = `${String(key.length)} characters; ${String(KEY_LENGTH)} are allowed`;
  throw new CoordError('USAGE', `the idempotency key has ${lengths}`);
}

/** `its name is empty`. */
function issueWords(issue: z.core.$ZodIssue): string {
  const what = issue.path.length === 0 ? 'it' : `its ${issue.path.map(String).join('.')}`;
  if (issue.code === 'too_small' && issue.origin === 'string') return `${what} is empty`;
  if (issue.code === 'too_big' && issue.origin === 'string')
    return `${what} is too long; at most ${String(issue.maximum)} characters are allowed`;
  if (issue.code === 'unrecognized_keys') return `it has fields that are not known: ${issue.keys.join(', ')}`;
  return `${what} is not of the type that it must be`;
}
