/** A steady load, and its commits as they happen: what recovery times are measured under. */
import { setTimeout as sleep } from 'node:timers/promises';
import { chain, factsOf, timeOf, until } from './processes.mjs';

const OPEN = ['pending', 'running', 'waiting'];
const REFILL_EVERY_MS = 20;

/** Keeps so many runs open until it is stopped: of five steps, when no other definition is given. */
export class Load {
  #cast;
  #open;
  #definition;
  #started = 0;
  #stopped = false;
  #running;

  constructor(cast, { open, definition = chain(5) }) {
    this.#cast = cast;
    this.#open = open;
    this.#definition = definition;
    this.#running = this.#run();
  }

  async stop() {
    this.#stopped = true;
    await this.#running;
  }

  async #run() {
    const { client } = this.#cast;
    for (; !this.#stopped; await sleep(REFILL_EVERY_MS)) {
      const counts = await Promise.all(OPEN.map((status) => this.#cast.count(status)));
      const missing = this.#open - counts.reduce((sum, count) => sum + count, 0);
      for (let index = 0; index < missing; index++) {
        const idempotencyKey = `load-${++this.#started}`;
        await until('a start', () =>
          client.start({ definition: this.#definition, task: {}, workspace: null, idempotencyKey }).catch(() => null),
        );
      }
    }
  }
}

/** Follows the feed on a connection of its own, and knows when the store committed what. */
export class Commits {
  #cast;
  #redis;
  #at = [];
  #stopped = false;
  #running;

  constructor(cast) {
    this.#cast = cast;
    this.#redis = cast.observer();
    this.#running = this.#follow();
  }

  get count() {
    return this.#at.length;
  }

  async stop() {
    this.#stopped = true;
    this.#redis.disconnect();
    await this.#running;
  }

  /** The first commit at or after that time, by the store's clock, ms. */
  async firstSince(time) {
    return await until('a commit', () => this.#at.find((at) => at >= time), {
      everyMs: 1,
    });
  }

  /** Until commits come regularly again. */
  async untilSteady(count) {
    const from = this.count;
    await until('a steady load', () => this.count >= from + count);
  }

  async #follow() {
    let after = '0';
    while (!this.#stopped) {
      try {
        const reply = await this.#redis.xread('COUNT', 1_000, 'BLOCK', 500, 'STREAMS', this.#cast.keys.feed, after);
        for (const [id, fields] of reply?.[0][1] ?? []) {
          after = id;
          // What workers report has no cause, and is no commit.
          if (factsOf(fields).some(({ cause }) => cause !== null)) this.#at.push(timeOf(id));
        }
        if (this.#at.length > 20_000) this.#at = this.#at.slice(-10_000);
      } catch (error) {
        if (!this.#stopped && !/Connection is closed/.test(error.message)) await sleep(1);
      }
    }
  }
}
