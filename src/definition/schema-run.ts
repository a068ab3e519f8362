/** One check of one value against a schema: where it stands, what it has found, and what it has spent. */
import { isJsonObject, type JsonValue } from '../core/json.js';
import { didYouMean } from '../core/suggest.js';
import { quoted } from '../expression/problem.js';
import { pathBelow } from './json-tree.js';
import { SCHEMA_LIMITS } from './schema-words.js';

export interface SchemaIssue {
  /** Such as `items[0].score`; empty for the value itself. */
  readonly path: string;
  /** What is wrong with what stands there. */
  readonly message: string;
}

/** Checks one value; what is wrong with it goes to the run. */
export type Check = (value: JsonValue, run: SchemaRun) => void;

export class SchemaRun {
  issues: SchemaIssue[] = [];
  /** Why the check was given up, or null. */
  abandoned: string | null = null;
  readonly #path: (string | number)[] = [];
  #most: number = SCHEMA_LIMITS.issues;
  #work: number = SCHEMA_LIMITS.work;
  #calls = 0;

  report(message: string, ...keys: (string | number)[]): void {
    this.take({ path: pathText([...this.#path, ...keys]), message });
  }

  take(issue: SchemaIssue): void {
    if (!this.isDone) this.issues.push(issue);
  }

  /** The path of the value that is looked at. */
  get here(): string {
    return pathText(this.#path);
  }

  /** Nothing that is still found would be told. */
  get isDone(): boolean {
    return this.abandoned !== null || this.issues.length >= this.#most;
  }

  /** Counts work before it is done; false when there is none left to spend. */
  spend(work: number): boolean {
    this.#work -= work;
    if (this.#work < 0) this.abandoned ??= 'cannot be checked: it is too large for its schema';
    return this.abandoned === null;
  }

  call(check: Check, value: JsonValue): void {
    if (this.isDone || !this.spend(1)) return;
    if (this.#calls >= SCHEMA_LIMITS.calls) {
      this.abandoned = 'cannot be checked: it is nested too deep for its schema';
      return;
    }
    this.#calls++;
    check(value, this);
    this.#calls--;
  }

  /** Checks a member of the value. */
  callAt(key: string | number, check: Check, value: JsonValue): void {
    if (this.isDone) return;
    this.#path.push(key);
    this.call(check, value);
    this.#path.pop();
  }

  /** What `check` would report, `most` issues of it, without reporting it. */
  attempt(check: Check, value: JsonValue, most: number = SCHEMA_LIMITS.issues): readonly SchemaIssue[] {
    const { issues } = this;
    const before = this.#most;
    this.issues = [];
    this.#most = most;
    this.call(check, value);
    const found = this.issues;
    this.issues = issues;
    this.#most = before;
    return found;
  }

  passes(check: Check, value: JsonValue): boolean {
    return this.attempt(check, value, 1).length === 0;
  }
}

/** Whether a value has lists and objects inside each other beyond the limit; needs no stack itself. */
export function isTooDeep(value: JsonValue): boolean {
  let layer: JsonValue[] = [value];
  for (let depth = 0; layer.length > 0; depth++) {
    if (depth > SCHEMA_LIMITS.valueDepth) return true;
    const next: JsonValue[] = [];
    for (const item of layer) {
      if (typeof item !== 'object' || item === null) continue;
      for (const member of Array.isArray(item) ? (item as readonly JsonValue[]) : Object.values(item)) {
        if (typeof member === 'object' && member !== null) next.push(member);
      }
    }
    layer = next;
  }
  return false;
}

function pathText(path: readonly (string | number)[]): string {
  return path.reduce<string>(pathBelow, '');
}

/** A value for messages: `the text "high"`. */
export function shown(value: JsonValue): string {
  if (Array.isArray(value)) return 'a list';
  if (isJsonObject(value)) return 'an object';
  if (typeof value === 'string') return `the text ${quoted(value)}`;
  return typeof value === 'number' ? `the number ${String(value)}` : JSON.stringify(value);
}

/** ` Did you mean "x"?` or nothing; nothing where looking for it could take long. */
export function guess(word: string, known: readonly string[]): string {
  const { words, characters } = SCHEMA_LIMITS.guessed;
  return word.length > characters || known.length > words ? '' : didYouMean(word, known);
}

/** `1 item`, `2 items`. */
export function counted(count: number, what: string, plural = `${what}s`): string {
  return `${String(count)} ${count === 1 ? what : plural}`;
}
