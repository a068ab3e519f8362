/**
 * Named places where a test makes this process die or stall, compiled in because random kills never hit the
 * windows between two round trips. Unset costs one comparison per place. COORD_FAILPOINTS holds, separated by commas:
 *
 *     name:nth:action                 the nth pass of that place; `*` counts every place
 *     random:seed:probability:action  any pass of any place, drawn from the seed, again and again
 *
 * Actions: `kill` (SIGKILL to this process), `throw`, `stall=ms` (nothing in this process moves meanwhile, as in a long
 * collection of garbage or under SIGSTOP). Before acting a line goes to COORD_FAILPOINT_LOG.
 */
import { appendFileSync } from 'node:fs';
import { CoordError } from './errors.js';

interface Armed {
  /** Place that is meant; null for any. */
  readonly name: string | null;
  readonly action: string;
  /** For the log: the nth pass, or `random`. */
  readonly when: string;
  /** Whether this pass is the one. */
  readonly due: () => boolean;
}

const ACTION = 'kill|throw|stall=[1-9]\\d{0,6}';
const COUNTED = new RegExp(`^(?!random:)(.+):(\\d+):(${ACTION})$`);
const DRAWN = new RegExp(`^random:(\\d+):(0?\\.\\d+|1|0):(${ACTION})$`);

export class Failpoints {
  readonly #armed: readonly Armed[];
  readonly #log: string | undefined;

  /** `text` as in COORD_FAILPOINTS, `log` as in COORD_FAILPOINT_LOG. */
  constructor(text: string | undefined, log: string | undefined) {
    this.#log = log;
    this.#armed = (text ?? '')
      .split(',')
      .filter((part) => part !== '')
      .map((part) => drawn(part) ?? counted(part) ?? refuse(part));
  }

  pass(name: string): void {
    if (this.#armed.length === 0) return;
    for (const armed of this.#armed)
      if ((armed.name === null || armed.name === name) && armed.due()) this.#act(armed, name);
  }

  #act({ action, when }: Armed, name: string): void {
    if (this.#log !== undefined) appendFileSync(this.#log, `${name}:${when}:${action} pid ${String(process.pid)}\n`);
    if (action.startsWith('stall=')) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(action.slice('stall='.length)));
      return;
    }
    if (action === 'kill') process.kill(process.pid, 'SIGKILL');
    throw new CoordError('FAILPOINT', `failpoint ${name}:${when} was hit`);
  }
}

export const noFailpoints = new Failpoints(undefined, undefined);

function counted(part: string): Armed | null {
  const match = COUNTED.exec(part);
  if (match === null) return null;
  const [, name = '', nth = '', action = ''] = match;
  let passed = 0;
  return { name: name === '*' ? null : name, action, when: nth, due: () => ++passed === Number(nth) };
}

function drawn(part: string): Armed | null {
  const match = DRAWN.exec(part);
  if (match === null) return null;
  const [, seed = '', probability = '', action = ''] = match;
  const next = numbersFrom(Number(seed));
  return { name: null, action, when: 'random', due: () => next() < Number(probability) };
}

function refuse(part: string): never {
  const forms = 'name:nth:action or random:seed:probability:action, with kill, throw or stall=ms as action';
  throw new CoordError('USAGE', `COORD_FAILPOINTS: "${part}" is not ${forms}`);
}

/** Numbers from 0 to 1, always the same ones for a seed (mulberry32). */
function numbersFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
