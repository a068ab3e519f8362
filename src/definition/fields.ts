/** Reads the members of one YAML map, each with the type it must have. What does not fit is reported and read as absent. */
import { quoted } from '../expression/problem.js';
import type { Problems, Range } from './problem.js';
import type { ListNode, MapEntry, MapNode, ScalarNode, TextNode, TreeNode } from './tree.js';

/** A value and where it stands. */
export interface Located<T> extends Range {
  readonly value: T;
}

export interface Keys {
  readonly known: readonly string[];
  /** Words that other systems use for a known key. */
  readonly meant: Readonly<Record<string, string>>;
}

export class Fields {
  /** What the map is, for messages: `the workflow`, `step "qa"`. */
  readonly owner: string;
  readonly range: Range;
  readonly #entries: ReadonlyMap<string, MapEntry>;
  readonly #problems: Problems;
  /** Keys that unknown ones were taken for: one mistake is one problem. */
  readonly #meant = new Set<string>();

  constructor(node: MapNode, owner: string, problems: Problems) {
    this.owner = owner;
    this.#entries = new Map(node.entries.map((entry) => [entry.key, entry]));
    this.#problems = problems;
    // A missing key is missing at the map's first key: the whole map would underline half the file.
    this.range = node.entries[0]?.keyRange ?? node;
  }

  /**
   * Reports every key that is not known; `hintOf` may say what such a key means elsewhere. With `guessed` only those that
   * look like a known one.
   */
  only(keys: Keys, hintOf: (key: string) => string | null = () => null, guessed = false): void {
    for (const { key, keyRange } of this.#entries.values()) {
      if (keys.known.includes(key)) continue;
      const meant = Object.hasOwn(keys.meant, key) ? keys.meant[key] : undefined;
      const guess =
        meant === undefined || !keys.known.includes(meant)
          ? (hintOf(key) ?? this.#problems.suggest(key, keys.known))
          : `Did you mean "${meant}"?`;
      const target = /^Did you mean "(.*)"\?$/.exec(guess)?.[1];
      if (target !== undefined) this.#meant.add(target);
      else if (guessed) continue;
      this.#problems.add(
        'unknown-key',
        keyRange,
        `unknown key ${quoted(key)} in ${this.owner}`,
        guess || `Known keys are ${keys.known.join(', ')}.`,
      );
    }
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** What stands under `key`, of whatever kind. */
  node(key: string): TreeNode | null {
    return this.#entries.get(key)?.value ?? null;
  }

  /** Every key with the place of its value; the place of the key itself where the value is empty. */
  get places(): ReadonlyMap<string, Range> {
    return new Map(
      [...this.#entries].map(([key, { value, keyRange }]) => [key, isEmpty(value) ? keyRange : placeOf(value)]),
    );
  }

  /** Whether something that is no key was taken for this one. */
  isMeant(key: string): boolean {
    return this.#meant.has(key);
  }

  /** Reports that `key` is needed; `hint` says what to write. */
  missing(key: string, hint: string): null {
    if (this.#meant.has(key)) return null;
    this.#problems.add('missing-key', this.range, `${this.owner} has no "${key}"`, hint);
    return null;
  }

  /** The scalar under `key`, or null when there is none; anything else is reported as not being `wanted`. */
  scalar(key: string, wanted: string): ScalarNode | null {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    const { value } = entry;
    if (value.kind === 'scalar' && value.value !== null) return value;
    return this.#wrong(entry, wanted);
  }

  /** A text; `hint` is added when something else is there. */
  text(key: string, hint: string | null = null): TextNode | null {
    const node = this.scalar(key, 'a text');
    if (node === null) return null;
    if (isText(node)) return node;
    const shown = `${key}: "${node.source}"`;
    this.#problems.add(
      'wrong-type',
      node,
      `"${key}" of ${this.owner} must be a text, not ${describe(node)}`,
      hint ?? `Put it in quotes: ${shown}`,
    );
    return null;
  }

  /** `hint` is added when something else is there. */
  list(key: string, wanted: string, hint: string | null = null): ListNode | null {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    return entry.value.kind === 'list' ? entry.value : this.#wrong(entry, wanted, hint);
  }

  map(key: string, wanted: string): MapNode | null {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    return entry.value.kind === 'map' ? entry.value : this.#wrong(entry, wanted);
  }

  /** Reports that what stands under `key` is not `wanted`. */
  refuse(key: string, wanted: string, hint: string | null = null): null {
    const entry = this.#entries.get(key);
    return entry === undefined ? null : this.#wrong(entry, wanted, hint);
  }

  #wrong(entry: MapEntry, wanted: string, hint: string | null = null): null {
    const { value } = entry;
    const at = isEmpty(value) ? entry.keyRange : value;
    this.#problems.add(
      'wrong-type',
      at,
      `"${entry.key}" of ${this.owner} must be ${wanted}, not ${describe(value)}`,
      hint,
    );
    return null;
  }
}

function placeOf({ start, end }: Range): Range {
  return { start, end };
}

export function isText(node: TreeNode): node is TextNode {
  return node.kind === 'scalar' && typeof node.value === 'string';
}

function isEmpty(node: TreeNode): boolean {
  return node.kind === 'scalar' && node.value === null;
}

/** The kind of a YAML value, for messages. */
export function describe(node: TreeNode): string {
  if (node.kind === 'list') return 'a list';
  if (node.kind === 'map') return 'a map';
  if (node.value === null) return 'empty';
  if (typeof node.value === 'string') return `the text ${quoted(node.value)}`;
  return typeof node.value === 'number' ? `the number ${node.source}` : String(node.value);
}
