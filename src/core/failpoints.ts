/**
 * Named places where a test makes this process die or stall, compiled in because random kills never hit the
 * windows between two round trips. `COORD_FAILPOINTS=name:nth:action[,…]` arms them; unset costs one comparison.
 * Actions: `kill` (SIGKILL to this process), `throw`. Before acting a line goes to COORD_FAILPOINT_LOG.
 */
import { appendFileSync } from 'node:fs';
import { CoordError } from './errors.js';

interface Armed {
  readonly nth: number;
  readonly action: string;
  count: number;
}

export class Failpoints {
  readonly #armed = new Map<string, Armed>();
  readonly #log: string | undefined;

  /** `text` as in COORD_FAILPOINTS; `*` as name counts every failpoint that is passed. */
  constructor(text: string | undefined, log: string | undefined) {
    this.#log = log;
    for (const part of (text ?? '').split(',').filter((item) => item !== '')) {
      const match = /^(.+):(\d+):(kill|throw)$/.exec(part);
      if (match === null)
        throw new CoordError('USAGE', `COORD_FAILPOINTS: "${part}" is not name:nth:kill or name:nth:throw`);
      this.#armed.set(match[1] ?? '', { nth: Number(match[2]), action: match[3] ?? '', count: 0 });
    }
  }

  pass(name: string): void {
    if (this.#armed.size === 0) return;
    this.#hit(this.#armed.get(name), name);
    this.#hit(this.#armed.get('*'), name);
  }

  #hit(armed: Armed | undefined, name: string): void {
    if (armed === undefined || ++armed.count !== armed.nth) return;
    if (this.#log !== undefined)
      appendFileSync(this.#log, `${name}:${String(armed.nth)}:${armed.action} pid ${String(process.pid)}\n`);
    if (armed.action === 'kill') process.kill(process.pid, 'SIGKILL');
    throw new CoordError('FAILPOINT', `failpoint ${name} was hit ${String(armed.nth)} times`);
  }
}

export const noFailpoints = new Failpoints(undefined, undefined);
