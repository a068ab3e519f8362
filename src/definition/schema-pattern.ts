/**
 * The patterns of JSON Schema, matched in time that grows with the text and not beyond: JavaScript's own matcher tries
 * alternatives one after the other, and `(a+)+$` or `.*a.*b.*c` on a few kilobytes would stop the process for hours.
 * All alternatives are followed at once here, so what would need a memory of what matched, and looking around, is refused.
 */
import { messageOf } from '../core/errors.js';
import { SCHEMA_LIMITS } from './schema-words.js';

export interface TextPattern {
  /** Units of work for one test of a text of `length` characters. */
  cost(length: number): number;
  /** Whether any part of the text matches; a text that is too long is the caller's to refuse. */
  test(text: string): boolean;
}

export type PatternResult =
  | { readonly ok: true; readonly pattern: TextPattern }
  | { readonly ok: false; readonly message: string };

/** Most steps of the compiled pattern: `{100}` writes what it repeats out. */
const OPERATIONS = 1_000;
const VISITS = 10_000;

type Edge = 'end' | 'inside-word' | 'start' | 'word-edge';
type Node =
  | { readonly kind: 'one'; readonly matches: (character: string) => boolean }
  | { readonly kind: 'edge'; readonly at: Edge }
  | { readonly kind: 'sequence'; readonly parts: readonly Node[] }
  | { readonly kind: 'choice'; readonly options: readonly Node[] }
  | { readonly kind: 'repeat'; readonly body: Node; readonly least: number; readonly most: number };

type Operation =
  | { readonly kind: 'one'; readonly matches: (character: string) => boolean }
  | { readonly kind: 'edge'; readonly at: Edge }
  /** Goes on behind it and at each of `to`. */
  | { readonly kind: 'fork'; to: number }
  | { readonly kind: 'jump'; to: number }
  | { readonly kind: 'found' };

/** Why a pattern cannot be used; never leaves this file. */
interface Refusal {
  readonly refused: string;
}

/** Reads a pattern; never throws. */
export function readPattern(source: string): PatternResult {
  if (source.length > SCHEMA_LIMITS.pattern) {
    const size = `${String(source.length)} characters, more than ${String(SCHEMA_LIMITS.pattern)}`;
    return { ok: false, message: `the pattern has ${size}; write a shorter one` };
  }
  const unicode = syntaxError(source, 'u') === null;
  const error = unicode ? null : syntaxError(source, '');
  if (error !== null) return { ok: false, message: error };
  const node = new PatternReader(source, unicode).read();
  if ('refused' in node) return { ok: false, message: node.refused };
  const program = new Program();
  if (!program.add(node)) {
    return { ok: false, message: 'the pattern repeats too much when its counts are written out; use smaller counts' };
  }
  return { ok: true, pattern: matcher(program.operations, unicode) };
}

function syntaxError(source: string, flags: string): string | null {
  try {
    return new RegExp(source, flags) instanceof RegExp ? null : '';
  } catch (error) {
    return `the pattern is no regular expression: ${messageOf(error).replace(/^Invalid regular expression: /, '')}`;
  }
}

const QUANTIFIER = /(?:[*+?]|\{(\d+)(?:,(\d*))?\})\??/y;
const ESCAPE = /\\(?:u[0-9a-f]{4}|x[0-9a-f]{2}|c[a-z]|[\s\S])/iy;
const UNICODE_ESCAPE =
  /\\(?:u\{[0-9a-f]+\}|u[Dd][89ABab][0-9a-f]{2}\\u[Dd][C-Fc-f][0-9a-f]{2}|u[0-9a-f]{4}|x[0-9a-f]{2}|c[a-z]|p\{[^}]*\}|[\s\S])/iuy;
const CLASS = /\[(?:\\[\s\S]|[^\]\\])*\]/y;

/** Reads what JavaScript has accepted as a regular expression, so only what is not wanted must be looked for. */
class PatternReader {
  readonly #source: string;
  readonly #unicode: boolean;
  #at = 0;

  constructor(source: string, unicode: boolean) {
    this.#source = source;
    this.#unicode = unicode;
  }

  read(): Node | Refusal {
    return this.#choice();
  }

  #choice(): Node | Refusal {
    const options: Node[] = [];
    for (;;) {
      const option = this.#sequence();
      if ('refused' in option) return option;
      options.push(option);
      if (this.#source[this.#at] !== '|') return options.length === 1 ? option : { kind: 'choice', options };
      this.#at++;
    }
  }

  #sequence(): Node | Refusal {
    const parts: Node[] = [];
    while (this.#at < this.#source.length && this.#source[this.#at] !== '|' && this.#source[this.#at] !== ')') {
      const atom = this.#atom();
      if ('refused' in atom) return atom;
      parts.push(this.#quantified(atom));
    }
    return { kind: 'sequence', parts };
  }

  #quantified(body: Node): Node {
    const text = this.#take(QUANTIFIER);
    if (text === null) return body;
    const counts = /^\{(\d+)(,)?(\d*)\}/.exec(text);
    if (counts === null) {
      return { kind: 'repeat', body, least: text[0] === '+' ? 1 : 0, most: text[0] === '?' ? 1 : Infinity };
    }
    const least = Number(counts[1]);
    if (counts[2] === undefined) return { kind: 'repeat', body, least, most: least };
    return { kind: 'repeat', body, least, most: counts[3] === '' ? Infinity : Number(counts[3]) };
  }

  #atom(): Node | Refusal {
    const character = this.#source[this.#at] ?? '';
    switch (character) {
      case '^':
      case '$':
        this.#at++;
        return { kind: 'edge', at: character === '^' ? 'start' : 'end' };
      case '(':
        return this.#group();
      case '[':
        return this.#one(this.#take(CLASS) ?? '');
      case '\\':
        return this.#escape();
      default: {
        const whole = this.#unicode ? String.fromCodePoint(this.#source.codePointAt(this.#at) ?? 0) : character;
        this.#at += whole.length;
        // A brace or bracket that JavaScript takes for itself when nothing can be repeated or closed.
        return /[{}\]]/.test(whole) ? { kind: 'one', matches: (text) => text === whole } : this.#one(whole);
      }
    }
  }

  #group(): Node | Refusal {
    const opening = this.#take(/\((?:\?(?:[:=!]|<[=!]|<[^>]*>|[^)]))?/y) ?? '(';
    if (/^\(\?<?[=!]/.test(opening))
      return { refused: 'the pattern looks ahead or behind; say it without (?= and (?!' };
    if (!/^\((?:\?:|\?<[^>]*>)?$/.test(opening)) return { refused: `the pattern has a group "${opening}"; write (?:` };
    const body = this.#choice();
    this.#at++;
    return body;
  }

  #escape(): Node | Refusal {
    const next = this.#source[this.#at + 1] ?? '';
    if (/[1-9k]/.test(next)) return { refused: 'the pattern refers back to a group; say it without \\1 and \\k' };
    const text = this.#take(this.#unicode ? UNICODE_ESCAPE : ESCAPE) ?? '';
    if (next === 'b') return { kind: 'edge', at: 'word-edge' };
    if (next === 'B') return { kind: 'edge', at: 'inside-word' };
    return this.#one(text);
  }

  /** JavaScript decides about single characters: its classes and escapes are what they are there. */
  #one(source: string): Node {
    const single = new RegExp(`^(?:${source})$`, this.#unicode ? 'u' : '');
    const known = new Map<string, boolean>();
    return {
      kind: 'one',
      matches: (character) => {
        const before = known.get(character);
        if (before !== undefined) return before;
        const matches = single.test(character);
        if (known.size < 1_000) known.set(character, matches);
        return matches;
      },
    };
  }

  /** What a sticky pattern finds here, and moves behind it. */
  #take(sticky: RegExp): string | null {
    sticky.lastIndex = this.#at;
    const text = sticky.exec(this.#source)?.[0] ?? null;
    this.#at += text?.length ?? 0;
    return text;
  }
}

class Program {
  readonly operations: Operation[] = [];
  #visits = 0;

  /** False when it would be too large. */
  add(node: Node): boolean {
    return this.#write(node) && this.#push({ kind: 'found' });
  }

  #push(operation: Operation): boolean {
    this.operations.push(operation);
    return this.operations.length <= OPERATIONS;
  }

  #write(node: Node): boolean {
    if (++this.#visits > VISITS) return false;
    switch (node.kind) {
      case 'sequence':
        return node.parts.every((part) => this.#write(part));
      case 'choice':
        return this.#writeChoice(node.options);
      case 'repeat':
        return this.#writeRepeat(node);
      default:
        return this.#push(node);
    }
  }

  #writeChoice(options: readonly Node[]): boolean {
    const ends: { to: number }[] = [];
    for (const [index, option] of options.entries()) {
      const fork = { kind: 'fork' as const, to: 0 };
      if (index < options.length - 1 && !this.#push(fork)) return false;
      if (!this.#write(option)) return false;
      const end = { kind: 'jump' as const, to: 0 };
      if (!this.#push(end)) return false;
      ends.push(end);
      fork.to = this.operations.length;
    }
    for (const end of ends) end.to = this.operations.length;
    return true;
  }

  #writeRepeat({ body, least, most }: Node & { kind: 'repeat' }): boolean {
    for (let count = 0; count < least; count++) if (!this.#write(body)) return false;
    if (most === Infinity) {
      const fork = { kind: 'fork' as const, to: 0 };
      const start = this.operations.length;
      if (!this.#push(fork) || !this.#write(body) || !this.#push({ kind: 'jump', to: start })) return false;
      fork.to = this.operations.length;
      return true;
    }
    const forks: { to: number }[] = [];
    for (let count = least; count < most; count++) {
      const fork = { kind: 'fork' as const, to: 0 };
      if (!this.#push(fork) || !this.#write(body)) return false;
      forks.push(fork);
    }
    for (const fork of forks) fork.to = this.operations.length;
    return true;
  }
}

function matcher(operations: readonly Operation[], unicode: boolean): TextPattern {
  return {
    cost: (length) => 1 + Math.ceil((length * operations.length) / 100),
    test: (text) => finds(operations, unicode ? Array.from(text) : text.split('')),
  };
}

function finds(operations: readonly Operation[], text: readonly string[]): boolean {
  const seenAt = new Int32Array(operations.length).fill(-1);
  let current: number[] = [];
  for (let position = 0; position <= text.length; position++) {
    // A match may start anywhere.
    const open = [...current, 0];
    const waiting: number[] = [];
    while (open.length > 0) {
      const at = open.pop() ?? 0;
      const operation = operations[at];
      if (operation === undefined || seenAt[at] === position) continue;
      seenAt[at] = position;
      if (operation.kind === 'found') return true;
      if (operation.kind === 'one') waiting.push(at);
      else if (operation.kind === 'jump') open.push(operation.to);
      else if (operation.kind === 'fork') open.push(operation.to, at + 1);
      else if (isEdge(operation.at, text, position)) open.push(at + 1);
    }
    const character = text[position];
    if (character === undefined) return false;
    current = waiting.filter((at) => matchesOne(operations[at], character)).map((at) => at + 1);
  }
  return false;
}

function matchesOne(operation: Operation | undefined, character: string): boolean {
  return operation?.kind === 'one' && operation.matches(character);
}

function isEdge(edge: Edge, text: readonly string[], position: number): boolean {
  if (edge === 'start') return position === 0;
  if (edge === 'end') return position === text.length;
  return (isWord(text[position - 1]) !== isWord(text[position])) === (edge === 'word-edge');
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /^\w$/.test(character);
}
