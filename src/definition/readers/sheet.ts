/**
 * One map of a file while it is read: its values by kind, each with the type it must have. On the way it collects what
 * the expressions in it read. What does not fit is reported and read as absent.
 */
import type { JsonObject, JsonValue } from '../../core/json.js';
import { hasHoles } from '../../expression/template.js';
import { describe, Fields, isText, type Located } from '../fields.js';
import { checkSchema } from '../json-schema.js';
import type { Problems } from '../problem.js';
import type { Duration, JsonSchema } from '../steps.js';
import {
  type ListNode,
  type MapNode,
  nodeUnder,
  type ScalarNode,
  toJson,
  toJsonObject,
  type TreeNode,
} from '../tree.js';
import { conditionUse, templateUses, type Use } from '../uses.js';
import { millisecondsOf, WORKFLOW_LIMITS } from '../workflow.js';

const DURATION = 'seconds above 0, or a duration such as "30s", "5m" or "1h"';

export class Sheet {
  readonly fields: Fields;
  readonly problems: Problems;
  /** What is read before the step starts. */
  readonly uses: Use[] = [];
  /** What is read at the end of each round. */
  readonly inside: Use[] = [];

  constructor(node: MapNode, owner: string, problems: Problems) {
    this.fields = new Fields(node, owner, problems);
    this.problems = problems;
  }

  get owner(): string {
    return this.fields.owner;
  }

  /** A text that is taken as it is. */
  text(key: string): string | null {
    return this.fields.text(key)?.value ?? null;
  }

  /** A text whose holes are rendered later. */
  template(key: string): string | null {
    const node = this.fields.text(key);
    if (node !== null) this.use(key, node);
    return node?.value ?? null;
  }

  /** As `template`; null is reported when the key is not there. */
  needed(key: string, hint: string): string {
    if (!this.fields.has(key)) this.fields.missing(key, hint);
    return this.template(key) ?? '';
  }

  condition(key: string, into: Use[] = this.uses): string | null {
    const hint = 'A condition is an expression in quotes, for example "task.urgent === true".';
    const node = this.fields.text(key, hint);
    if (node === null) return null;
    const use = conditionUse(node, key, this.problems);
    if (use !== null) into.push(use);
    if (use?.references.length === 0)
      this.problems.warn('constant-condition', node, 'the condition reads nothing, so it is always the same');
    return node.value;
  }

  /** Seconds above 0, or template text. */
  duration(key: string): Duration | null {
    const node = this.fields.scalar(key, DURATION);
    return node === null ? null : this.#duration(key, node);
  }

  /** A list of such, or one alone; null when the key is not there. */
  durations(key: string): readonly Duration[] | null {
    const node = this.fields.node(key);
    if (node === null) return null;
    const items = node.kind === 'list' ? node.items : [node];
    return items.flatMap((item) => {
      if (item.kind === 'scalar') return this.#duration(key, item) ?? [];
      this.problems.add(
        'wrong-type',
        item,
        `"${key}" of ${this.owner} must be a list of durations, not ${describe(item)}`,
      );
      return [];
    });
  }

  /** A whole number, or template text that gives one. */
  count(key: string, limits: { readonly from: number; readonly to: number }): number | string | null {
    const wanted = wantedCount(limits);
    const node = this.fields.scalar(key, wanted);
    if (node !== null && typeof node.value === 'string' && hasHoles(node.value))
      return this.#template(key, node, node.value);
    return node === null ? null : this.#whole(key, node, limits);
  }

  /** A whole number that is known when the file is loaded. */
  number(key: string, limits: { readonly from: number; readonly to: number }): number | null {
    const node = this.fields.scalar(key, wantedCount(limits));
    return node === null ? null : this.#whole(key, node, limits);
  }

  /** One of a closed list of words. */
  word<T extends string>(key: string, words: readonly T[], hint: string | null = null): T | null {
    const node = this.fields.text(key);
    if (node === null) return null;
    const found = words.find((word) => word === node.value);
    if (found !== undefined) return found;
    const guess = this.problems.suggest(node.value, words) || hint;
    this.fields.refuse(key, `one of ${words.join(', ')}`, guess);
    return null;
  }

  /** A list of texts, or one text alone. */
  texts(key: string, what: string): readonly Located<string>[] {
    const node = this.fields.node(key);
    if (node === null) return [];
    const items = isText(node) ? [node] : (this.fields.list(key, `a list of ${what}`)?.items ?? []);
    return items.flatMap((item) => {
      if (isText(item)) return [{ value: item.value, start: item.start, end: item.end }];
      this.problems.add(
        'wrong-type',
        item,
        `"${key}" of ${this.owner} must be a list of ${what}; ${describe(item)} is none`,
      );
      return [];
    });
  }

  /** A map whose texts may be templates. */
  values(key: string): JsonObject | null {
    const node = this.fields.map(key, 'a map');
    if (node === null) return null;
    this.use(key, node);
    return toJsonObject(node);
  }

  /** Any value whose texts may be templates. */
  value(key: string): JsonValue {
    const node = this.fields.node(key);
    if (node === null) return null;
    this.use(key, node);
    return toJson(node);
  }

  /** A JSON Schema: a map, or `true` for anything. */
  schema(key: string): JsonSchema | null {
    const node = this.fields.node(key);
    if (node === null) return null;
    if (node.kind === 'scalar' && node.value === true) return true;
    if (node.kind !== 'map') {
      this.fields.refuse(key, 'a JSON Schema: a map such as { type: object }, or true for anything');
      return null;
    }
    const schema = toJsonObject(node);
    const found = checkSchema(schema);
    for (const { path, message } of found) {
      const where = path.length === 0 ? '' : `at ${path.map(String).join('.')}, `;
      this.problems.add(
        'invalid-schema',
        nodeBelow(node, path),
        `"${key}" of ${this.owner} is no schema that can be used: ${where}${message}`,
      );
    }
    return found.length === 0 ? schema : null;
  }

  steps(key: string): ListNode | null {
    return this.fields.list(key, 'a list of steps', 'Every step starts with "- ", for example "- id: planning".');
  }

  /** Reports that the key is needed, unless it is there. */
  need(key: string, hint: string): void {
    if (!this.fields.has(key)) this.fields.missing(key, hint);
  }

  use(key: string, node: TreeNode): void {
    this.uses.push(...templateUses(node, key, this.problems));
  }

  #duration(key: string, node: ScalarNode): Duration | null {
    const { value } = node;
    if (typeof value === 'string' && hasHoles(value)) return this.#template(key, node, value);
    const ms = millisecondsOf(value);
    // Milliseconds are the smallest that any clock here tells, so 1.005 is not 1.0049999999999999.
    if (ms !== null && Math.round(ms) >= 1 && ms <= WORKFLOW_LIMITS.timeoutMs) return Math.round(ms) / 1_000;
    const wanted = `${DURATION}, up to 365 days`;
    this.problems.add('wrong-type', node, `"${key}" of ${this.owner} must be ${wanted}, not ${describe(node)}`);
    return null;
  }

  #template(key: string, node: ScalarNode, value: string): string {
    this.use(key, node);
    return value;
  }

  #whole(key: string, { value }: ScalarNode, { from, to }: { from: number; to: number }): number | null {
    if (typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to) return value;
    this.fields.refuse(key, wantedCount({ from, to }));
    return null;
  }
}

function wantedCount({ from, to }: { readonly from: number; readonly to: number }): string {
  return `a whole number from ${String(from)} to ${String(to)}`;
}

/** The place of a member, or of the nearest thing around it that is there. */
export function nodeBelow(node: TreeNode, path: readonly (string | number)[]): TreeNode {
  let at = node;
  for (const key of path) {
    const next = at.kind === 'list' ? at.items[Number(key)] : at.kind === 'map' ? nodeUnder(at, String(key)) : null;
    if (next === undefined || next === null) break;
    at = next;
  }
  return at;
}
