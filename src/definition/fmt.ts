/**
 * Rewrites a workflow file in the present spelling. What the old words mean is known to respell.ts alone: here its tree is
 * laid over the YAML document, so that comments, order and whatever was spelled well stay as they are.
 */
import {
  type Document,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  Pair,
  parseDocument,
  Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import { CoordError, messageOf } from '../core/errors.js';
import { readDocument } from './document.js';
import { formatProblems } from './frame.js';
import { parseText } from './parse.js';
import { Problems } from './problem.js';
import { respellWorkflow } from './respell.js';
import type { CustomStepType } from './step-types.js';
import { type MapEntry, readTree, toJson, type TreeNode } from './tree.js';
import { definitionHash, type WorkflowDefinition } from './workflow.js';

export interface FmtOptions {
  /** Name of the file, for problems; one that ends with `.json` stays JSON. */
  readonly file: string;
  /** Step types of plugins, by name. */
  readonly types?: ReadonlyMap<string, CustomStepType> | undefined;
  /** Whether problems are shown in color; not, by default. */
  readonly color?: boolean;
}

/**
 * The text in the present spelling; the very text when there is nothing to rewrite. Throws DEFINITION_INVALID with every
 * problem of the file, or when it cannot be rewritten without changing what it means.
 */
export function respellText(text: string, options: FmtOptions): string {
  const before = definitionOf(text, options);
  const problems = new Problems(text, options.file);
  const tree = readTree(text, problems);
  const document = readDocument(text, problems);
  if (tree === null || tree.kind !== 'map' || document === null) return text;
  const respelled = respellWorkflow(tree, new Set(options.types?.keys() ?? []), problems);
  if (isSame(tree, respelled)) return text;
  let why = 'its meaning would change';
  try {
    const written = options.file.endsWith('.json')
      ? `${JSON.stringify(toJson(respelled), null, 2)}\n`
      : writtenAs(text, document, respelled);
    if (definitionHash(definitionOf(written, options)) === definitionHash(before)) return written;
  } catch (error) {
    // An anchor that was rewritten away leaves an alias behind that names nothing.
    why = messageOf(error).split('\n')[0] ?? '';
  }
  // An alias may stand for two things that are spelled differently from now on: such a file is for people.
  const way = 'write out its aliases (*name) first, or rewrite it by hand';
  throw new CoordError('DEFINITION_INVALID', `${options.file} cannot be rewritten: ${why}; ${way}`);
}

function definitionOf(text: string, { file, types, color = false }: FmtOptions): WorkflowDefinition {
  const { reading, problems } = parseText(text, { file, personas: null, types });
  const errors = problems.list().filter(({ severity }) => severity === 'error');
  if (reading !== null && errors.length === 0) return reading.definition;
  throw new CoordError('DEFINITION_INVALID', formatProblems(errors, text, { color }));
}

function isSame(before: TreeNode, after: TreeNode): boolean {
  if (before === after) return true;
  if (before.kind === 'scalar') return after.kind === 'scalar' && before.value === after.value;
  if (before.kind === 'list')
    return (
      after.kind === 'list' &&
      before.items.length === after.items.length &&
      before.items.every((item, index) => isSameOrNone(item, after.items[index]))
    );
  return (
    after.kind === 'map' &&
    before.entries.length === after.entries.length &&
    before.entries.every((entry, index) => {
      const other = after.entries[index];
      return entry.key === other?.key && isSame(entry.value, other.value);
    })
  );
}

function isSameOrNone(before: TreeNode, after: TreeNode | undefined): boolean {
  return after !== undefined && isSame(before, after);
}

/** In the style of the file, as far as it can be told from it. */
function writtenAs(text: string, document: Document.Parsed, tree: TreeNode): string {
  const contents = laidOver(document.contents, tree, document);
  if (contents !== null) document.contents = contents as typeof document.contents;
  const padded = { seq: /\[ \S/.test(text), map: /\{ \S/.test(text) || !/\{[\w"']/.test(text) };
  const padding = document.toString({
    lineWidth: 0,
    flowCollectionPadding: padded.seq || padded.map,
    indentSeq: !/^( *)(?! |-)[^\n#]*:\s*\n\1- /m.test(text),
    indent: /^ {4}\S/m.test(text) && !/^ {2}\S/m.test(text) ? 4 : 2,
  });
  const written = tightened(padding, padded);
  return text.includes('\r\n') ? written.replace(/\r?\n/g, '\r\n') : written;
}

/** YAML's own writer pads `[ ]` and `{ }` alike; many files do so with one of them only. */
function tightened(text: string, padded: { readonly seq: boolean; readonly map: boolean }): string {
  if (padded.seq === padded.map) return text;
  const spaces: number[] = [];
  visit(parseDocument(text), {
    Collection: (_key, { flow, range, items }) => {
      if (flow !== true || range === null || range === undefined || items.length === 0) return;
      const [start, end] = range;
      if ((text[start] === '[') === padded.seq) return;
      for (const at of [start + 1, end - 2]) if (text[at] === ' ') spaces.push(at);
    },
  });
  let out = '';
  let from = 0;
  for (const at of spaces.toSorted((a, b) => a - b)) {
    out += text.slice(from, at);
    from = at + 1;
  }
  return out + text.slice(from);
}

/** The node changed to what the tree says. Depth is bounded by the reader. */
function laidOver(node: Node | null, tree: TreeNode, document: Document.Parsed): Node | null {
  if (isMap(node) && tree.kind === 'map') {
    layEntries(node as YAMLMap<Node, Node | null>, tree.entries, document);
    return node;
  }
  if (isSeq(node) && tree.kind === 'list' && node.items.length === tree.items.length) {
    node.items = node.items.map((item, index) => {
      const inner = tree.items[index];
      return inner === undefined ? item : laidOver(item as Node | null, inner, document);
    });
    return node;
  }
  if (isScalar(node) && tree.kind === 'scalar') return node.value === tree.value ? node : rescaled(node, tree.value);
  // An alias is what its anchor is, which is rewritten where it stands.
  if (node !== null && !isMap(node) && !isSeq(node) && !isScalar(node)) return node;
  const made = created(tree, document);
  if (node !== null && typeof node.comment === 'string') made.commentBefore = node.comment;
  return made;
}

function rescaled(node: Scalar, value: unknown): Scalar {
  const scalar = new Scalar(value);
  const { comment, commentBefore, spaceBefore, type } = node;
  if (comment !== undefined) scalar.comment = comment;
  if (commentBefore !== undefined) scalar.commentBefore = commentBefore;
  if (spaceBefore !== undefined) scalar.spaceBefore = spaceBefore;
  if (type !== undefined && typeof node.value === 'string' && typeof value === 'string') scalar.type = type;
  return scalar;
}

function created(tree: TreeNode, document: Document.Parsed): Node {
  const flow = tree.kind === 'list' && tree.items.every(({ kind }) => kind === 'scalar');
  return document.createNode(toJson(tree), { flow });
}

type Entry = Pair<Node, Node | null>;

function layEntries(map: YAMLMap<Node, Node | null>, entries: readonly MapEntry[], document: Document.Parsed): void {
  const open = new Map<number | undefined, Entry>();
  for (const item of map.items) if (isPair(item)) open.set(item.key.range?.[0], item);
  const items = entries.map((entry): Entry => {
    const pair = open.get(entry.keyRange.start);
    if (pair === undefined || !isOf(pair, entry))
      return new Pair<Node, Node | null>(new Scalar(entry.key), created(entry.value, document));
    open.delete(entry.keyRange.start);
    if (isScalar(pair.key) && pair.key.value !== entry.key) pair.key = rescaled(pair.key, entry.key);
    pair.value = laidOver(pair.value ?? null, entry.value, document);
    return pair;
  });
  keepComments(map, { items, dropped: new Set(open.values()) });
  map.items = items;
}

/** Entries that were made up stand at the place of another one, so the place alone does not tell. */
function isOf(pair: Entry, { key, value }: MapEntry): boolean {
  const start = pair.value?.range?.[0];
  return (
    (isScalar(pair.key) && pair.key.value === key) || start === undefined || start === value.start || isAliased(pair)
  );
}

function isAliased({ value }: Entry): boolean {
  return value !== null && !isMap(value) && !isSeq(value) && !isScalar(value);
}

/** What was said beside a key that is gone is said before the next one that is not. */
function keepComments(
  map: YAMLMap<Node, Node | null>,
  { items, dropped }: { readonly items: readonly Entry[]; readonly dropped: ReadonlySet<Entry> },
): void {
  if (dropped.size === 0) return;
  const old = new Set(map.items);
  let comments: string[] = [];
  const say = (pair: Entry): void => {
    const { commentBefore } = pair.key;
    pair.key.commentBefore = [...comments, ...(typeof commentBefore === 'string' ? [commentBefore] : [])].join('\n');
    comments = [];
  };
  for (const pair of map.items) {
    if (dropped.has(pair)) comments.push(...commentsOf(pair));
    else if (comments.length > 0) say(pair);
  }
  const made = items.find((pair) => !old.has(pair));
  if (comments.length > 0 && made !== undefined) say(made);
  if (comments.length > 0)
    map.comment = [map.comment, ...comments].filter((text) => typeof text === 'string').join('\n');
}

function commentsOf({ key, value }: Entry): readonly string[] {
  return [key.commentBefore, key.comment, value?.comment].filter((comment) => typeof comment === 'string');
}
