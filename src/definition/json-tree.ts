/**
 * Plain values of a program as the tree that the readers of files read, so that there is one reader. A place is the
 * path of a value, such as `steps[2].retries`: its node is told apart by a number, and stands on a line of its own.
 */
import type { JsonValue } from '../core/json.js';
import { BLOCKED_NAMES } from '../expression/limits.js';
import { quoted } from '../expression/problem.js';
import type { Range } from './problem.js';
import type { MapEntry, ScalarNode, TreeNode } from './tree.js';
import { WORKFLOW_LIMITS } from './workflow.js';

export interface JsonTree {
  readonly tree: TreeNode;
  /** Stands in for the text of a file: as many lines as there are values. */
  readonly text: string;
  /** The path of what stands on a line, counted from 1. */
  readonly pathOf: (line: number) => string;
}

/** The tree of a value, or a text that says why it has none: it is no JSON, too deep, too large, or has a name that is not accepted. */
export function treeOfJson(value: unknown): JsonTree | string {
  const paths: string[] = [];
  const converter = new Converter((path) => {
    paths.push(path);
    return { start: paths.length - 1, end: paths.length };
  });
  const tree = converter.convert(value);
  if (typeof tree === 'string') return tree;
  return { tree, text: '\n'.repeat(paths.length), pathOf: (line) => paths[line - 1] ?? '' };
}

/** As `treeOfJson`, with every node at one place of a file. */
export function treeAt(value: unknown, range: Range): TreeNode | string {
  return new Converter(() => range).convert(value);
}

/** A node that no file has, at the place of what it was made from. */
export function scalarAt(value: ScalarNode['value'], range: Range): ScalarNode {
  const place = { start: range.start, end: range.end };
  return { kind: 'scalar', value, source: JSON.stringify(value), part: () => place, ...place };
}

/** `steps[2].retries`, and `params["a b"]` where a name is none. */
export function pathBelow(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${String(key)}]`;
  if (!/^[A-Za-z_$][\w$-]{0,99}$/.test(key)) return `${path}[${quoted(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}

class Converter {
  readonly #place: (path: string) => Range;
  #values = 0;
  #refusal: string | null = null;

  constructor(place: (path: string) => Range) {
    this.#place = place;
  }

  convert(value: unknown): TreeNode | string {
    const tree = this.#node(value, '', 0);
    return this.#refusal ?? tree;
  }

  #node(value: unknown, path: string, depth: number): TreeNode {
    const range = this.#place(path);
    if (this.#refusal !== null) return scalarAt(null, range);
    if (++this.#values > WORKFLOW_LIMITS.values)
      return this.#refuse(range, `there are more than ${String(WORKFLOW_LIMITS.values)} values`);
    if (depth > WORKFLOW_LIMITS.depth)
      return this.#refuse(range, `lists and maps are nested deeper than ${String(WORKFLOW_LIMITS.depth)} levels`);
    if (Array.isArray(value)) {
      const items = value.map((item: unknown, index) => this.#node(item, pathBelow(path, index), depth + 1));
      return { kind: 'list', items, ...range };
    }
    if (typeof value === 'object' && value !== null) return this.#map(value, { path, range, depth });
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return scalarAt(value, range);
    if (typeof value === 'number' && Number.isFinite(value)) return scalarAt(value, range);
    return this.#refuse(
      range,
      `${path === '' ? 'it' : path} is ${typeof value === 'number' ? 'no finite number' : `a ${typeof value}`}, which is no JSON`,
    );
  }

  #map(value: object, { path, range, depth }: { path: string; range: Range; depth: number }): TreeNode {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
      return this.#refuse(range, `${path === '' ? 'it' : path} is an object of a class, which is no JSON`);
    const entries: MapEntry[] = [];
    for (const [key, member] of Object.entries(value as Readonly<Record<string, JsonValue | undefined>>)) {
      if (member === undefined) continue;
      if (BLOCKED_NAMES.has(key)) return this.#refuse(range, `the name ${quoted(key)} is not accepted`);
      const below = this.#node(member, pathBelow(path, key), depth + 1);
      entries.push({ key, keyRange: { start: below.start, end: below.end }, value: below });
    }
    return { kind: 'map', entries, ...range };
  }

  #refuse(range: Range, why: string): TreeNode {
    this.#refusal ??= why;
    return scalarAt(null, range);
  }
}
