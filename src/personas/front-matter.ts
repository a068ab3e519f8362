/**
 * Front matter: splits a Markdown text and reads its YAML keys, keeping the place of each for problems.
 * Anchors, tags and nested maps have no use in it and are refused by the readers, which take plain values only.
 */
import { parseDuration } from '../core/duration.js';
import { didYouMean } from '../core/suggest.js';
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';

export type ProblemCode =
  | 'bad_value'
  | 'duplicate_name'
  | 'misplaced_key'
  | 'missing_key'
  | 'no_front_matter'
  | 'not_readable'
  | 'refused_variable'
  | 'syntax'
  | 'too_large'
  | 'unknown_key';

export interface FrontMatterProblem {
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
  readonly code: ProblemCode;
  readonly message: string;
}

/** The YAML between the first two `---` lines and the trimmed rest, or null when there is no front matter. */
export function splitFrontMatter(text: string): { yaml: string; body: string } | null {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  if (lines[0]?.trimEnd() !== '---') return null;
  const end = lines.findIndex((line, index) => index > 0 && line.trimEnd() === '---');
  if (end === -1) return null;
  const body = lines
    .slice(end + 1)
    .join('\n')
    .trim();
  return { yaml: lines.slice(1, end).join('\n'), body };
}

export class FrontMatter {
  readonly problems: FrontMatterProblem[] = [];
  /** False when the YAML could not be read at all; the problems say why. */
  readonly readable: boolean;
  readonly #fields = new Map<string, { readonly key: Node | null; readonly value: unknown }>();
  readonly #places = new LineCounter();
  readonly #firstLine: number;

  constructor(yaml: string, firstLine: number) {
    this.#firstLine = firstLine;
    const document = parseDocument(yaml, { lineCounter: this.#places, prettyErrors: false });
    for (const error of document.errors) this.#add(error.pos[0], 'syntax', error.message);
    const contents: unknown = document.contents;
    const empty = contents === null || (isScalar(contents) && contents.value === null);
    if (!empty && !isMap(contents)) this.#add(0, 'syntax', 'front matter must be YAML keys, such as "kind: command"');
    if (isMap(contents)) for (const pair of contents.items) this.#field(pair);
    this.readable = document.errors.every((error) => error.code === 'DUPLICATE_KEY') && (empty || isMap(contents));
  }

  get keys(): readonly string[] {
    return [...this.#fields.keys()];
  }

  has(key: string): boolean {
    return this.#fields.has(key);
  }

  /** A text, or null when the key is missing or has another type (which is reported). */
  text(key: string): string | null {
    if (!this.has(key)) return null;
    const value = scalar(this.#fields.get(key)?.value);
    if (typeof value === 'string') return value;
    const plain = typeof value === 'number' || typeof value === 'boolean';
    const hint = plain ? `; quote it: "${String(value)}"` : '';
    return this.#wrong(key, `${key} must be a text${hint}`);
  }

  integer(key: string, range: { readonly least: number; readonly most: number }): number | null {
    if (!this.has(key)) return null;
    const value = scalar(this.#fields.get(key)?.value);
    if (typeof value === 'number' && Number.isInteger(value) && value >= range.least && value <= range.most)
      return value;
    return this.#wrong(key, `${key} must be a whole number from ${String(range.least)} to ${String(range.most)}`);
  }

  number(key: string, range: { readonly least: number; readonly most: number }): number | null {
    if (!this.has(key)) return null;
    const value = scalar(this.#fields.get(key)?.value);
    if (typeof value === 'number' && value >= range.least && value <= range.most) return value;
    return this.#wrong(key, `${key} must be a number from ${String(range.least)} to ${String(range.most)}`);
  }

  boolean(key: string): boolean | null {
    if (!this.has(key)) return null;
    const value = scalar(this.#fields.get(key)?.value);
    return typeof value === 'boolean' ? value : this.#wrong(key, `${key} must be true or false`);
  }

  choice<T extends string>(key: string, words: readonly T[]): T | null {
    const text = this.text(key);
    if (text === null) return null;
    const word = words.find((known) => known === text);
    return word ?? this.#wrong(key, `${key} must be one of ${words.map((known) => `"${known}"`).join(', ')}`);
  }

  /** Milliseconds of a duration such as `30s` or `5m`; null when it is missing or is none (reported). */
  duration(key: string): number | null {
    if (!this.has(key)) return null;
    const value = scalar(this.#fields.get(key)?.value);
    const ms = typeof value === 'number' ? value * 1000 : typeof value === 'string' ? parseDuration(value) : null;
    if (ms !== null && ms > 0) return ms;
    return this.#wrong(key, `${key} must be a duration, such as "30s", "5m" or "1h"`);
  }

  /** The members of a map of plain values; null when it is missing or is none (reported). */
  members(key: string, known: readonly string[]): ReadonlyMap<string, unknown> | null {
    if (!this.has(key)) return null;
    const value = this.#fields.get(key)?.value;
    const example = known.map((name) => `${name}: …`).join(', ');
    if (!isMap(value)) return this.#wrong(key, `${key} must be a map, such as { ${example} }`);
    const members = new Map<string, unknown>();
    for (const pair of value.items) {
      const name = scalar(pair.key);
      if (typeof name === 'string' && known.includes(name)) members.set(name, scalar(pair.value));
      else
        this.report(key, 'unknown_key', `${key}: key "${String(name)}" is unknown.${didYouMean(String(name), known)}`);
    }
    return members;
  }

  /** A list of texts, or null (reported). */
  list(key: string): readonly string[] | null {
    const value = this.#fields.get(key)?.value;
    const items = isSeq(value) ? value.items.map((item) => scalar(item)) : [null];
    const texts = items.filter((item) => typeof item === 'string');
    if (texts.length === items.length) return texts;
    return this.#wrong(key, `${key} must be a list of texts, such as ["a", "b"]; numbers and true/false need quotes`);
  }

  /** A list of texts, or one text with commas, as agent files write it. */
  textOrList(key: string): readonly string[] | null {
    if (isSeq(this.#fields.get(key)?.value)) return this.list(key);
    const words = this.text(key)?.split(',') ?? [];
    return words.map((word) => word.trim()).filter((word) => word !== '');
  }

  /** Adds a problem at the key, or at the first line when the key is missing. */
  report(key: string, code: ProblemCode, message: string): void {
    this.#add(this.#fields.get(key)?.key?.range?.[0] ?? null, code, message);
  }

  sortedProblems(): readonly FrontMatterProblem[] {
    return this.problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  }

  #field(pair: Pair): void {
    const name = scalar(pair.key);
    const key = isScalar(pair.key) ? pair.key : null;
    if (typeof name === 'string') {
      // Of a key that is there twice, which is a problem already, the first counts.
      if (!this.#fields.has(name)) this.#fields.set(name, { key, value: pair.value });
    } else this.#add(key?.range?.[0] ?? 0, 'syntax', 'keys must be plain words');
  }

  #wrong(key: string, message: string): null {
    this.report(key, 'bad_value', message);
    return null;
  }

  #add(offset: number | null, code: ProblemCode, message: string): void {
    const place = offset === null ? { line: 0, col: 1 } : this.#places.linePos(offset);
    const line = offset === null ? 1 : Math.max(place.line, 1) + this.#firstLine - 1;
    this.problems.push({ line, column: Math.max(place.col, 1), code, message });
  }
}

function scalar(node: unknown): unknown {
  return isScalar(node) ? node.value : undefined;
}
