/**
 * Confirmed mode: what a client or a worker is told to be done is first on replicas too. Behind scripts that acknowledge
 * goes a WAIT on the same connection. Since a WAIT holds up all that follows it there, these scripts have a connection of
 * their own, and those that come meanwhile go out together, with one WAIT for all: a slow replica delays, and does not pile up.
 */
import type { Clock } from '../core/clock.js';
import { CoordError, messageOf } from '../core/errors.js';
import type { Argument } from './commands.js';
import { NotSent } from './error-classes.js';
import type { Link } from './link.js';

/** Which replies of which scripts somebody relies on. The others change nothing, or only what can be found out again. */
const ACKNOWLEDGEMENTS: Readonly<Record<string, readonly string[]>> = {
  admit: ['ADMITTED', 'REPEATED'],
  tell: ['ADMITTED', 'REPEATED'],
  begin: ['GO'],
  reply: ['OK', 'REPEATED'],
};

export interface Confirm {
  readonly replicas: number;
  readonly withinMs: number;
}

/** The answer to a command and how far the replicas were behind it. */
interface Confirmed {
  readonly reply: unknown;
  /** How many replicas have it; null when that was not to be learnt. */
  readonly replicas: number | null;
  readonly trouble: string;
}

interface Sent {
  readonly command: string;
  readonly args: readonly Argument[];
  readonly asking: boolean;
  readonly deadlineMs: number;
}

interface Job extends Sent {
  readonly giveUpAt: number;
  readonly done: (confirmed: Confirmed) => void;
  readonly failed: (error: unknown) => void;
}

export class Confirmer {
  readonly #confirm: Confirm;
  readonly #clock: Clock;
  readonly #queues = new WeakMap<Link, Job[]>();

  constructor(confirm: Confirm, clock: Clock) {
    this.#confirm = confirm;
    this.#clock = clock;
  }

  /** Whether a script needs to go through here at all. */
  static concerns(script: string): boolean {
    return Object.hasOwn(ACKNOWLEDGEMENTS, script);
  }

  /** How much longer than others a command may take that is confirmed: a batch that is under way, and its own. */
  get extraMs(): number {
    return 2 * this.#confirm.withinMs;
  }

  /** Rejects as the command does. */
  send(link: Link, command: Sent): Promise<Confirmed> {
    return new Promise((resolve, reject) => {
      const job = { ...command, giveUpAt: this.#clock.now() + command.deadlineMs, done: resolve, failed: reject };
      const waiting = this.#queues.get(link);
      if (waiting !== undefined) return void waiting.push(job);
      this.#queues.set(link, [job]);
      void this.#flush(link);
    });
  }

  /** Throws NOT_CONFIRMED for an acknowledgement that too few replicas have. */
  check(script: string, { reply, replicas, trouble }: Confirmed): unknown {
    const word = Array.isArray(reply) ? String(reply[0]) : '';
    const { replicas: wanted, withinMs } = this.#confirm;
    if (!(ACKNOWLEDGEMENTS[script] ?? []).includes(word) || (replicas ?? 0) >= wanted) return reply;
    const have =
      replicas === null ? `nobody knows how many of ${String(wanted)}` : `${String(replicas)} of ${String(wanted)}`;
    const why = trouble === '' ? '' : ` (${trouble})`;
    throw new CoordError(
      'NOT_CONFIRMED',
      `${script}: stored on the master; ${have} replicas have it after ${String(withinMs)} ms${why}. Repeat it with the same key`,
    );
  }

  async #flush(link: Link): Promise<void> {
    for (;;) {
      const queued = this.#queues.get(link) ?? [];
      if (queued.length === 0) break;
      this.#queues.set(link, []);
      const late = queued.filter((job) => job.giveUpAt <= this.#clock.now());
      for (const job of late) job.failed(new NotSent('it was never sent, so long did the replicas take'));
      await this.#batch(
        link,
        queued.filter((job) => !late.includes(job)),
      );
    }
    this.#queues.delete(link);
  }

  async #batch(link: Link, jobs: readonly Job[]): Promise<void> {
    if (jobs.length === 0) return;
    const { replicas, withinMs } = this.#confirm;
    // All in one go: nothing comes between them on this connection.
    const answers = Promise.allSettled(jobs.map(({ command, args, asking }) => link.call(command, args, asking)));
    const state = await link.call('WAIT', [replicas, withinMs]).then(
      (count) => ({ replicas: Number(count), trouble: '' }),
      (error: unknown) => ({ replicas: null, trouble: messageOf(error) }),
    );
    for (const [index, answer] of (await answers).entries())
      if (answer.status === 'fulfilled') jobs[index]?.done({ reply: answer.value, ...state });
      else jobs[index]?.failed(answer.reason);
  }
}
