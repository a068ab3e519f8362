/**
 * Templates of other documents: `${task.title || 'x'}` is read as `{{ task?.title || 'x' }}`. Only what starts with a
 * name that expressions know is one; `${HOME}` stays the text it is.
 */
import { EXPRESSION_LIMITS } from '../expression/limits.js';
import { isRootName } from '../expression/scope.js';
import { isText } from './fields.js';
import type { Problems, Range } from './problem.js';
import type { ScalarNode, TextNode, TreeNode } from './tree.js';

interface Rewritten {
  readonly text: string;
  /** For every character of the text, and its end, the character it comes from. */
  readonly origin: readonly number[];
}

/** The node with every such text in it rewritten; the same node when there is none. */
export function withoutLegacyTemplates(node: TreeNode, problems: Problems): TreeNode {
  if (node.kind === 'list') {
    const items = node.items.map((item) => withoutLegacyTemplates(item, problems));
    return items.every((item, index) => item === node.items[index]) ? node : { ...node, items };
  }
  if (node.kind === 'map') {
    const entries = node.entries.map((entry) => {
      const value = withoutLegacyTemplates(entry.value, problems);
      return value === entry.value ? entry : { ...entry, value };
    });
    return entries.every((entry, index) => entry === node.entries[index]) ? node : { ...node, entries };
  }
  return isText(node) && node.value.includes('${') ? rewrittenNode(node, problems) : node;
}

function rewrittenNode(node: TextNode, problems: Problems): ScalarNode {
  const { holes, modern } = holesOf(node.value);
  const [first] = holes;
  if (first === undefined) return node;
  if (modern) {
    const at = node.part(first.start, first.end - first.start);
    const message = 'the text has both kinds of templates, {{ }} and ${ }';
    problems.add('expression', at, message, 'Write {{ }} for all of them.');
    return node;
  }
  const { text, origin } = rewrite(node.value, holes);
  const part = (offset: number, length: number): Range => {
    const start = origin[offset] ?? node.value.length;
    const end = origin[Math.max(offset, offset + length - 1)] ?? start;
    return node.part(start, Math.max(1, end - start + 1));
  };
  return { ...node, value: text, part };
}

/** The text with its `${ }` as `{{ }}`; null when there is none, or when it has `{{ }}` as well. */
export function modernTemplate(text: string): string | null {
  const { holes, modern } = holesOf(text);
  return holes.length === 0 || modern ? null : rewrite(text, holes).text;
}

/** Every `${ }` that is a template, and whether `{{ }}` occurs too. */
function holesOf(text: string): { readonly holes: readonly Range[]; readonly modern: boolean } {
  const holes: Range[] = [];
  let modern = false;
  for (let at = 0; at < text.length; ) {
    const modernHere = text.startsWith('{{', at);
    if (!modernHere && !(text.startsWith('${', at) && isTemplate(text.slice(at + 2, at + 64)))) {
      at++;
      continue;
    }
    modern ||= modernHere;
    const closing = modernHere ? '}}' : '}';
    const close = closingOf(text, at + 2, closing);
    // The compiler of templates says what is wrong with an open "{{".
    if (close === -1 && modernHere) break;
    if (close === -1) at += 2;
    else {
      if (!modernHere) holes.push({ start: at, end: close + 1 });
      at = close + closing.length;
    }
  }
  return { holes, modern };
}

/** Offset of `closing` outside of quotes, or -1; no further away than an expression may be long. */
function closingOf(text: string, start: number, closing: string): number {
  let quote: string | null = null;
  const end = Math.min(text.length, start + EXPRESSION_LIMITS.characters + 2);
  for (let at = start; at < end; at++) {
    const character = text[at];
    if (quote !== null) {
      if (character === '\\') at++;
      else if (character === quote) quote = null;
    } else if (character === '"' || character === "'") quote = character;
    else if (text.startsWith(closing, at)) return at;
    else if (character === '\n' && closing === '}') return -1;
  }
  return -1;
}

function isTemplate(content: string): boolean {
  const name = /^\s*([A-Za-z_]\w*)(?![\w$])/.exec(content)?.[1];
  return name !== undefined && isRootName(name);
}

function rewrite(text: string, holes: readonly Range[]): Rewritten {
  const parts: string[] = [];
  const origin: number[] = [];
  const put = (part: string, from: (index: number) => number): void => {
    parts.push(part);
    for (let index = 0; index < part.length; index++) origin.push(from(index));
  };
  let at = 0;
  for (const { start, end } of holes) {
    const before = at;
    put(text.slice(at, start), (index) => before + index);
    put('{{ ', () => start);
    const content = text.slice(start + 2, end - 1);
    for (const { part, from } of expressionParts(content))
      put(part, (index) => start + 2 + from + (part === '?.' ? 0 : index));
    put(' }}', () => end - 1);
    at = end;
  }
  put(text.slice(at), (index) => at + index);
  origin.push(text.length);
  return { text: parts.join(''), origin };
}

/** The expression in pieces. With a `||`, what it stands for may be missing on the way, so members are read with `?.`. */
function expressionParts(content: string): readonly { readonly part: string; readonly from: number }[] {
  if (!content.includes('||')) return [{ part: content, from: 0 }];
  const pieces: { part: string; from: number }[] = [];
  // Texts in quotes and the fixed name `context.state` stay; a dot or bracket behind a name or bracket becomes optional.
  const pattern =
    /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\bcontext\.state\.|(?<=[\w$\])])\.(?=[A-Za-z_$])|(?<=[\w$\])])(?=\[)/g;
  let at = 0;
  for (const match of content.matchAll(pattern)) {
    if (match[0] !== '.' && match[0] !== '') continue;
    pieces.push({ part: content.slice(at, match.index), from: at }, { part: '?.', from: match.index });
    at = match.index + match[0].length;
  }
  pieces.push({ part: content.slice(at), from: at });
  return pieces;
}
