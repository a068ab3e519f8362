/**
 * A YAML document as a tree of plain values that all know their place. Aliases are written out under a limit;
 * tags, and keys that reach for more than data, are refused.
 */
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type Scalar } from 'yaml';
import type { JsonObject, JsonValue } from '../core/json.js';
import { BLOCKED_NAMES } from '../expression/limits.js';
import { quoted } from '../expression/problem.js';
import { readDocument } from './document.js';
import type { Problems, Range } from './problem.js';
import { offsetsOf } from './scalar-offsets.js';
import { WORKFLOW_LIMITS } from './workflow.js';

export interface ScalarNode extends Range {
  readonly kind: 'scalar';
  readonly value: null | boolean | number | string;
  /** As it is written: the version `1.10` is not the number 1.1. */
  readonly source: string;
  /** The place in the file of a part of a text value, whatever quotes, escapes or folding it is written with. */
  readonly part: (offset: number, length: number) => Range;
}

export type TextNode = ScalarNode & { readonly value: string };

export interface ListNode extends Range {
  readonly kind: 'list';
  readonly items: readonly TreeNode[];
}

export interface MapEntry {
  readonly key: string;
  readonly keyRange: Range;
  readonly value: TreeNode;
}

export interface MapNode extends Range {
  readonly kind: 'map';
  readonly entries: readonly MapEntry[];
}

export type TreeNode = ScalarNode | ListNode | MapNode;

/** The document's tree; null when nothing in it can be relied on. Syntax errors are reported, and what is left is read. */
export function readTree(text: string, problems: Problems): TreeNode | null {
  const document = readDocument(text, problems);
  return document === null || document.contents === null
    ? null
    : new Converter(text, problems).convert(document.contents);
}

/** What stands under a key, or null. */
export function nodeUnder({ entries }: MapNode, key: string): TreeNode | null {
  return entries.find((entry) => entry.key === key)?.value ?? null;
}

/** The tree as JSON. */
export function toJson(node: TreeNode): JsonValue {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(toJson);
  return toJsonObject(node);
}

export function toJsonObject(node: MapNode): JsonObject {
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, toJson(value)]));
}

const CORE_TAGS: ReadonlySet<string> = new Set(
  ['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((name) => `tag:yaml.org,2002:${name}`),
);

class Converter {
  readonly #text: string;
  readonly #problems: Problems;
  /** Converted nodes by anchor; undefined while the node is being converted. */
  readonly #anchors = new Map<string, { node: TreeNode; size: number } | undefined>();
  #values = 0;

  constructor(text: string, problems: Problems) {
    this.#text = text;
    this.#problems = problems;
  }

  /** Null as a whole when there are more values than the limit. */
  convert(node: Node): TreeNode | null {
    const tree = this.#node(node);
    return this.#values > WORKFLOW_LIMITS.values ? null : tree;
  }

  #node(node: Node | null): TreeNode {
    const range = rangeOf(node);
    if (this.#values > WORKFLOW_LIMITS.values) return nothing(range);
    const before = this.#values++;
    if (this.#values > WORKFLOW_LIMITS.values) this.#tooMany(range);
    if (node === null) return nothing(range);
    if (isAlias(node)) return this.#alias(node.source, range);
    if (node.tag !== undefined && !CORE_TAGS.has(node.tag)) {
      const tag = node.tag.replace('tag:yaml.org,2002:', '!!');
      this.#problems.addLast(
        'yaml-unsafe',
        range,
        `the tag ${quoted(tag)} is not accepted`,
        'Write the value without a tag.',
      );
    }
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, undefined);
    const tree = this.#content(node, range);
    if (anchor !== undefined) this.#anchors.set(anchor, { node: tree, size: this.#values - before });
    return tree;
  }

  #content(node: Node, range: Range): TreeNode {
    if (isMap(node)) return { kind: 'map', entries: this.#entries(node.items as Pair<Node, Node | null>[]), ...range };
    if (isSeq(node))
      return { kind: 'list', items: node.items.map((item) => this.#node(item as Node | null)), ...range };
    return isScalar(node) ? this.#scalar(node, range) : nothing(range);
  }

  #entries(pairs: readonly Pair<Node, Node | null>[]): readonly MapEntry[] {
    const entries = new Map<string, MapEntry>();
    for (const pair of pairs) {
      const keyRange = rangeOf(pair.key);
      const key = isScalar(pair.key) ? pair.key.value : null;
      if (typeof key !== 'string') {
        this.#problems.add('yaml-unsafe', keyRange, 'a key can only be a text');
      } else if (key === '<<') {
        this.#problems.add('yaml-unsafe', keyRange, 'merge keys are not part of YAML 1.2', 'Write the members out.');
      } else if (BLOCKED_NAMES.has(key)) {
        this.#problems.add('yaml-unsafe', keyRange, `the key ${quoted(key)} is not accepted`, 'Choose another name.');
      } else if (entries.has(key)) {
        this.#problems.add('duplicate-key', keyRange, `the key ${quoted(key)} is there already`, 'Keep one of them.');
      } else {
        entries.set(key, { key, keyRange, value: this.#node(pair.value ?? null) });
      }
    }
    return [...entries.values()];
  }

  #scalar(node: Scalar, range: Range): TreeNode {
    const { value } = node;
    const source = this.#text.slice(range.start, range.end);
    if (typeof value === 'number') {
      const exact = Number.isFinite(value) && (Number.isSafeInteger(value) || !/^[-+]?\d+$/.test(source));
      if (!exact)
        this.#problems.addLast(
          'wrong-type',
          range,
          `${quoted(source)} is not a number that can be kept exactly`,
          'Put it in quotes to keep it as a text.',
        );
      return { kind: 'scalar', value: exact ? value : 0, source, part: () => range, ...range };
    }
    if (typeof value !== 'string')
      return { ...nothing(range), source, value: typeof value === 'boolean' ? value : null };
    // The offsets are only needed for a problem inside the text, so they are found when one is reported.
    const part = (offset: number, length: number): Range => {
      const offsets = offsetsOf(this.#text, { ...range, type: node.type ?? 'PLAIN', value });
      const start = offsets[offset] ?? range.end;
      return { start, end: Math.max(start + 1, (offsets[offset + length - 1] ?? start) + 1) };
    };
    return { kind: 'scalar', value, source, part, ...range };
  }

  #alias(name: string, range: Range): TreeNode {
    const target = this.#anchors.get(name);
    if (target === undefined) {
      const what = this.#anchors.has(name)
        ? `the alias *${name} stands inside what it names`
        : `the alias *${name} names nothing above it`;
      this.#problems.add('yaml-unsafe', range, what);
      return nothing(range);
    }
    this.#values += target.size;
    if (this.#values > WORKFLOW_LIMITS.values) this.#tooMany(range);
    return target.node;
  }

  #tooMany(range: Range): void {
    this.#problems.add(
      'too-large',
      range,
      `the file has more than ${String(WORKFLOW_LIMITS.values)} values, with its aliases written out`,
    );
  }
}

function nothing(range: Range): ScalarNode {
  return { kind: 'scalar', value: null, source: '', part: () => range, ...range };
}

function rangeOf(node: Node | null): Range {
  const [start, end] = node?.range ?? [0, 0];
  return { start, end };
}
