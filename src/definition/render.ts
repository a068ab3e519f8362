/** What the rendered fields of a step must be: numbers in range, durations, texts, times. Each failure names step and field. */
import { CoordError } from '../core/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.js';
import type { Scope } from '../expression/scope.js';
import type { PlannedStep } from './plan.js';
import { whereOf, within } from './plan-expressions.js';
import { millisecondsOf, parseTime, WORKFLOW_LIMITS } from './workflow.js';

/** What one attempt is asked with. */
export interface RenderedRequest {
  readonly name: string;
  readonly params: JsonObject;
  readonly timeoutMs: number | null;
  readonly queueMs: number | null;
}

/** The rendered value of a field, null when the step does not have it. Throws EXPRESSION_FAILED. */
export function renderField(step: PlannedStep, field: string, scope: Scope): JsonValue {
  return step.templates[field]?.render(scope) ?? null;
}

export function renderText(step: PlannedStep, field: string, scope: Scope): string | null {
  const value = renderField(step, field, scope);
  if (value === null) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  return refuse(step, field, { wanted: 'a text', value });
}

export function renderObject(step: PlannedStep, field: string, scope: Scope): JsonObject {
  const value = renderField(step, field, scope) ?? {};
  return isJsonObject(value) ? value : refuse(step, field, { wanted: 'a map', value });
}

/** Milliseconds, or null when the step does not have the field. */
export function renderDuration(step: PlannedStep, field: string, scope: Scope): number | null {
  const value = renderField(step, field, scope);
  return value === null ? null : renderMs(step.definition.id, field, value);
}

/** Milliseconds of a rendered duration in a field of a step. Throws EXPRESSION_FAILED. */
export function renderMs(id: string, field: string, value: JsonValue): number {
  return whereOf(id, field, () => durationMs(value));
}

export function renderCount(
  step: PlannedStep,
  field: string,
  { scope, from, to }: { scope: Scope; from: number; to: number },
): number | null {
  const value = renderField(step, field, scope);
  if (value === null) return null;
  if (typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to) return value;
  return refuse(step, field, { wanted: `a whole number from ${String(from)} to ${String(to)}`, value });
}

export function renderList(step: PlannedStep, field: string, scope: Scope): readonly JsonValue[] {
  const value = renderField(step, field, scope);
  if (!Array.isArray(value)) return refuse(step, field, { wanted: 'a list', value });
  const items = value as readonly JsonValue[];
  if (items.length <= WORKFLOW_LIMITS.items) return items;
  const wanted = `a list of at most ${String(WORKFLOW_LIMITS.items)} items`;
  return refuse(step, field, { wanted, value: `${String(items.length)} items` });
}

/** A time as ms since the epoch, from ISO 8601 text. */
export function renderTime(step: PlannedStep, field: string, scope: Scope): number | null {
  const value = renderField(step, field, scope);
  if (value === null) return null;
  return parseTime(value) ?? refuse(step, field, { wanted: 'a time such as "2026-01-31T09:00:00Z"', value });
}

/** Milliseconds of a rendered workflow timeout. Throws EXPRESSION_FAILED. */
export function workflowTimeout(value: JsonValue): number {
  return within('timeout', () => durationMs(value));
}

function durationMs(value: JsonValue): number {
  const ms = millisecondsOf(value);
  const rounded = ms === null ? 0 : Math.round(ms);
  if (rounded >= 1 && rounded <= WORKFLOW_LIMITS.timeoutMs) return rounded;
  const text = JSON.stringify(value).slice(0, 60);
  throw new CoordError(
    'EXPRESSION_FAILED',
    `seconds above 0, or a duration such as "5m", up to 365 days is expected, not ${text}`,
  );
}

function refuse(step: PlannedStep, field: string, { wanted, value }: { wanted: string; value: JsonValue }): never {
  const text = JSON.stringify(value).slice(0, 60);
  return whereOf(step.definition.id, field, () => {
    throw new CoordError('EXPRESSION_FAILED', `${wanted} is expected, not ${text}`);
  });
}
