/** Reads the plain values of a test file, each with its place, and keeps the names that only the workflow can judge. */
import { parseDuration } from '../core/duration.js';
import type { JsonObject } from '../core/json.js';
import { describe, Fields, isText } from '../definition/fields.js';
import type { Problems, Range } from '../definition/problem.js';
import { type MapNode, toJsonObject, type TreeNode } from '../definition/tree.js';
import { WORKFLOW_LIMITS } from '../definition/workflow.js';
import { quoted } from '../expression/problem.js';
import { badPattern } from './match.js';

/** A name in the file that must be one of the workflow's. */
export interface Mention extends Range {
  readonly name: string;
  /** `reply`: a step, a path, `@persona` or `*`. */
  readonly kind: 'reply' | 'decision' | 'step';
}

/** An expression of a property, with its place. */
export interface WrittenExpression {
  readonly source: string;
  readonly part: (offset: number, length: number) => Range;
}

export interface Reading {
  readonly problems: Problems;
  readonly mentions: Mention[];
  readonly expressions: WrittenExpression[];
}

/** A value as it is, or an empty map when it is not there. */
export function objectOf(fields: Fields, key: string): JsonObject {
  const map = fields.map(key, 'a map');
  return map === null ? {} : toJsonObject(map);
}

/** Milliseconds of `90`, `1.5h`, `200ms`; null when it is none, which is reported. */
export function durationOf(node: TreeNode, what: string, { problems }: Reading): number | null {
  const written = node.kind === 'scalar' && node.value !== null ? parseDuration(String(node.value)) : null;
  if (written !== null && written <= WORKFLOW_LIMITS.timeoutMs) return Math.round(written);
  const hint = 'For example 90, "5m" or "1.5h"; at most 365 days.';
  problems.add('wrong-type', node, `${what} must be a duration, not ${describe(node)}`, hint);
  return null;
}

export function flagOf(fields: Fields, key: string, { problems }: Reading): boolean {
  const node = fields.scalar(key, 'true or false');
  if (node === null) return false;
  if (typeof node.value !== 'boolean')
    problems.add('wrong-type', node, `"${key}" of ${fields.owner} must be true or false, not ${describe(node)}`);
  return node.value === true;
}

/** A list of texts, or one text. */
export function textsOf(node: TreeNode, what: string, { problems }: Reading): readonly (Range & { value: string })[] {
  const items = node.kind === 'list' ? node.items : [node];
  return items.flatMap((item) => {
    if (isText(item)) return [item];
    problems.add('wrong-type', item, `${what} must be a text, not ${describe(item)}`);
    return [];
  });
}

/** One of a closed list of words; null when it is none, which is reported. */
export function wordOf<T extends string>(
  node: Range & { readonly value: string },
  { known, what, reading }: { known: readonly T[]; what: string; reading: Reading },
): T | null {
  const found = known.find((word) => word === node.value);
  if (found !== undefined) return found;
  const hint = reading.problems.suggest(node.value, known) || `Known are ${known.join(', ')}.`;
  reading.problems.add('wrong-type', node, `${what} cannot be ${quoted(node.value)}`, hint);
  return null;
}

/** The map below a key as fields, with its entries for open keys; null when there is none. */
export function mapOf(
  fields: Fields,
  key: string,
  { owner, reading }: { owner: string; reading: Reading },
): Block | null {
  const node = fields.map(key, 'a map');
  return node === null ? null : { node, fields: new Fields(node, owner, reading.problems) };
}

export interface Block {
  readonly node: MapNode;
  readonly fields: Fields;
}

/** Reports every pattern in a value that is none. */
export function checkPatterns(node: TreeNode, reading: Reading): void {
  if (node.kind === 'list') for (const item of node.items) checkPatterns(item, reading);
  else if (node.kind === 'map') for (const { value } of node.entries) checkPatterns(value, reading);
  else if (isText(node)) {
    const problem = badPattern(node.value);
    if (problem !== null) reading.problems.add('wrong-type', node, `${quoted(node.value)} is no pattern: ${problem}`);
  }
}
