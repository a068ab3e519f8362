/** What the command line says about a chaos run. */
import { parseArgs } from 'node:util';
import { type Kind, KINDS, type Weights } from './faults.js';
import type { FsyncMode } from './server.js';

export interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly fsync: FsyncMode;
  /** Ends before its time when all that are given are reached. */
  readonly goals: { readonly kills: number | null; readonly runs: number | null; readonly transitions: number | null };
  /** Folder of the compiled programs that are put to the test; null for those beside this one. */
  readonly build: string | null;
  /** `failpoints`: short, and nearly everything happens between two round trips. */
  readonly focus: 'everything' | 'failpoints';
  /** Where all figures go as JSON. */
  readonly json: string | null;
  /** Folder that is emptied, and where everything that is written stays; null: it is removed when nothing was found. */
  readonly keep: string | null;
  readonly weights: Weights;
  /** Runs under way at the same time. */
  readonly width: number;
}

/** What a run has that is about what happens between two round trips: little else. */
const FOCUSED: Weights = {
  ...onlyOf(['coordinator killed', 'worker killed', 'connection cut', 'cut after a request']),
  'scripts flushed': 1,
};

/** Of these kinds one each, and none of the others. */
export function onlyOf(kinds: readonly Kind[]): Weights {
  return Object.fromEntries(
    Object.keys(KINDS).map((kind) => [kind, kinds.some((one) => one === kind) ? 1 : 0]),
  ) as Weights;
}

export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string' },
      fsync: { type: 'string', default: 'always' },
      kills: { type: 'string' },
      runs: { type: 'string' },
      transitions: { type: 'string' },
      build: { type: 'string' },
      focus: { type: 'string', default: 'everything' },
      json: { type: 'string' },
      keep: { type: 'string' },
      width: { type: 'string', default: '48' },
      without: { type: 'string', multiple: true, default: [] },
    },
  });
  const without = new Set(values.without);
  const all = Object.keys(KINDS) as Kind[];
  for (const name of without)
    if (!all.some((kind) => kind === name)) throw new Error(`--without ${name}: faults are ${all.join(', ')}`);
  const focus = oneOf('focus', values.focus, ['everything', 'failpoints']);
  return {
    minutes: positive('minutes', values.minutes),
    seed: values.seed === undefined ? Date.now() % 1_000_000 : positive('seed', values.seed),
    fsync: oneOf('fsync', values.fsync, ['always', 'everysec', 'no']),
    goals: {
      kills: values.kills === undefined ? null : positive('kills', values.kills),
      runs: values.runs === undefined ? null : positive('runs', values.runs),
      transitions: values.transitions === undefined ? null : positive('transitions', values.transitions),
    },
    build: values.build ?? null,
    focus,
    json: values.json ?? null,
    keep: values.keep ?? null,
    width: positive('width', values.width),
    weights: {
      ...(focus === 'failpoints' ? FOCUSED : KINDS),
      ...Object.fromEntries([...without].map((kind) => [kind, 0])),
    },
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`--${name} ${text} is not a number above 0`);
}

function oneOf<T extends string>(name: string, text: string, known: readonly T[]): T {
  const found = known.find((item) => item === text);
  if (found !== undefined) return found;
  throw new Error(`--${name} ${text} is none of ${known.join(', ')}`);
}
