/**
 * YAML text to one YAML document, and the one door by which YAML comes in: size and depth are refused before
 * anything recursive runs, and syntax errors are said in the order and at the places that help.
 */
import { Composer, type CST, type Document, Parser, visit, type YAMLError } from 'yaml';
import type { Problems, Range } from './problem.js';
import { WORKFLOW_LIMITS } from './workflow.js';

/** The first document of a text, with its syntax errors reported; null when nothing in it can be relied on. */
export function readDocument(text: string, problems: Problems): Document.Parsed | null {
  if (refusedAsText(text, problems)) return null;
  const tokens: CST.Token[] = [];
  for (const token of new Parser().parse(text)) {
    const deep = tooDeep(token);
    if (deep !== null) {
      problems.add('too-large', deep, `lists and maps are nested deeper than ${String(WORKFLOW_LIMITS.depth)} levels`);
      return null;
    }
    tokens.push(token);
  }
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    stringKeys: true,
    uniqueKeys: false,
    prettyErrors: false,
  });
  const [document, second] = firstTwo(composer.compose(tokens, true, text.length));
  if (document === undefined) return null;
  if (second !== undefined) {
    const start = second.range[0];
    problems.add(
      'yaml-syntax',
      { start, end: start + 3 },
      'a second document starts here',
      'A file holds one workflow.',
    );
  }
  const { yaml } = document.directives ?? {};
  if (yaml?.explicit === true && yaml.version !== '1.2') {
    problems.add(
      'yaml-unsafe',
      { start: 0, end: 5 },
      `YAML ${yaml.version} is not read, only YAML 1.2`,
      'Remove the %YAML line.',
    );
    return null;
  }
  reportSyntax(document, text, problems);
  return document;
}

const SYNTAX_HINTS: Readonly<Record<string, string>> = {
  BAD_INDENT: 'Keys of one map start in the same column.',
  BLOCK_AS_IMPLICIT_KEY: 'Keys of one map start in the same column: check how this line and the next are indented.',
  MULTILINE_IMPLICIT_KEY: 'A colon may be missing, or the indentation is wrong.',
  TAB_AS_INDENT: 'Indent with spaces.',
};

/** The first syntax error of every line: those behind it on the same line mostly follow from it. */
function reportSyntax(document: Document.Parsed, text: string, problems: Problems): void {
  const lines = new Set<number>();
  for (const error of document.errors.slice(0, 200)) {
    const line = problems.lineOf(error.pos[0]);
    if (lines.has(line)) continue;
    lines.add(line);
    const { start, end, message, hint } = syntaxOf(error, document, text);
    problems.add('yaml-syntax', { start, end }, message, hint);
  }
}

interface Said extends Range {
  readonly message: string;
  readonly hint: string | null;
}

/** The parser's words say what it wanted; where it is known what the author did, that is said instead. */
function syntaxOf({ code, message, pos }: YAMLError, document: Document.Parsed, text: string): Said {
  const [start, end] = pos;
  if (code === 'NON_STRING_KEY') {
    if (text.slice(start - 1, start + 1) !== '{{')
      return { start, end, message: 'a key can only be a text', hint: null };
    const hint = 'For example name: "Do {{ task.title }}".';
    return { start: start - 1, end, message: 'a text that starts with a template must stand in quotes', hint };
  }
  const open = code === 'MISSING_CHAR' || code === 'BAD_INDENT' ? unclosed(document, text, start) : null;
  if (open !== null) {
    const what = text[open] === '[' || text[open] === '{' ? 'bracket' : 'quote';
    return { start: open, end: open + 1, message: `the ${what} that opens here is never closed`, hint: null };
  }
  if (code === 'BLOCK_AS_IMPLICIT_KEY' && /^[^\n]*:(?:\s|$)/m.test(lineFrom(text, start)))
    return { start, end, message: 'the text has a colon in it, so it must stand in quotes', hint: null };
  return { start, end, message: lowerFirst(message), hint: hintOf(code, message) };
}

function lineFrom(text: string, start: number): string {
  const end = text.indexOf('\n', start);
  return text.slice(start, end === -1 ? text.length : end);
}

function hintOf(code: string, message: string): string | null {
  if (message.startsWith('Implicit map keys')) return 'Behind a key there is a colon and a space: "key: value".';
  return SYNTAX_HINTS[code] ?? null;
}

/** Where the quoted text or the list or map in brackets begins that ends at `end` without its closing mark: its author must look there. */
function unclosed(document: Document.Parsed, text: string, end: number): number | null {
  let found: number | null = null;
  visit(document, {
    Scalar: (_key, node) => {
      if (node.type?.startsWith('QUOTE_') === true && node.range?.[1] === end) found = node.range[0];
    },
    Collection: (_key, node) => {
      if (node.flow !== true || node.range === null || node.range === undefined) return;
      const [from, to] = node.range;
      if (from < end && to >= end && !/[\]}]$/.test(text.slice(from, to).trimEnd())) found = from;
    },
  });
  return found;
}

function refusedAsText(text: string, problems: Problems): boolean {
  const { bytes } = WORKFLOW_LIMITS;
  const size = Buffer.byteLength(text);
  if (size > bytes) {
    problems.add('too-large', { start: 0, end: 1 }, `the file has ${String(size)} bytes, more than ${String(bytes)}`);
    return true;
  }
  // With the u flag only a surrogate without its other half matches.
  const bad = /\0|[\uD800-\uDFFF]/u.exec(text);
  if (bad === null) return false;
  const what = bad[0] === '\0' ? 'a NUL character' : 'half of a surrogate pair';
  problems.add(
    'yaml-unsafe',
    { start: bad.index, end: bad.index + 1 },
    `the file contains ${what}`,
    'Save it as plain UTF-8 text.',
  );
  return true;
}

function firstTwo(documents: Iterable<Document.Parsed>): Document.Parsed[] {
  const found: Document.Parsed[] = [];
  for (const document of documents) if (found.push(document) === 2) break;
  return found;
}

/** The first token below the limit. Without recursion: it runs before anything has bounded the depth. */
function tooDeep(token: CST.Token): Range | null {
  const stack: { token: CST.Token; depth: number }[] = [{ token, depth: 0 }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const inner = top.token;
    if (inner.type === 'document' && inner.value !== undefined) stack.push({ token: inner.value, depth: 0 });
    if (!('items' in inner)) continue;
    if (top.depth === WORKFLOW_LIMITS.depth) return { start: inner.offset, end: inner.offset + 1 };
    for (const { key, value } of inner.items) {
      for (const child of [key, value])
        if (child !== undefined && child !== null) stack.push({ token: child, depth: top.depth + 1 });
    }
  }
  return null;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
