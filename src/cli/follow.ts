/**
 * Follows a run until it ends or Ctrl-C, and where that is wanted until it waits for people. What is told goes to a `Teller`; meanwhile it sees to it
 * that somebody moves the run, since after a kill that is all a run needs.
 */
import { CoordError, messageOf } from '../core/errors.js';
import type { Fact } from '../core/facts.js';
import { runHasEnded } from '../core/statuses.js';
import type { RunView } from '../core/views.js';
import type { Hosting, Session } from './application.js';
import type { Call } from './call.js';
import { EXIT, EXIT_OF_RUN } from './exit-codes.js';
import { hintsFor } from './hints.js';
import { asksInside } from './inner-runs.js';
import { type Ask, asksOf } from './render/waiting.js';

/** Who is told what happens to a run that is followed. */
export interface Teller {
  fact(fact: Fact): void;
  /** Something for the person that is no fact. */
  note(text: string): void;
  /** Why the run does not move, when that has not changed for a while; empty when it does. */
  hints(hints: readonly string[]): void;
  /** Told once of everything that waits for people or a signal; `inner`: it is a run inside that asks. */
  ask(ask: Ask, inner: boolean): void;
  /** Called about five times a second, for those that draw; `offsetMs` from this process' clock to the store's. */
  tick(offsetMs: number): Promise<void>;
  /** Called once, on every way out; with the last state of the run unless it could not be read. */
  close(last: RunView | null): void;
}

export interface FollowWant {
  readonly session: Session;
  readonly run: string;
  /** Folders of personas, for a host that has to be started; null for those of the host before. */
  readonly personas: readonly string[] | null;
  /** Null when nobody moves the run yet. */
  readonly hosting: Hosting | null;
  readonly teller: Teller;
  /** Whether to leave a run that waits for people or a signal, instead of waiting with it. */
  readonly untilWaiting?: boolean | undefined;
}

export type Followed =
  | { readonly detached: false; readonly view: RunView }
  /** The person left before the run came to rest; `view` is null when the store did not answer any more. */
  | { readonly detached: true; readonly view: RunView | null };

const ATTEND_MS = 2_000;
const TICK_MS = 200;
const TRY_AGAIN_MS = 500;
/** A hint is told when it was true this often in a row: a run that begins is hosted and served within seconds. */
const HINT_AFTER = 4;

export async function follow(call: Call, want: FollowWant): Promise<Followed> {
  return new Following(call, want).untilRest();
}

/** The exit code of a command that followed. */
export function exitOf(followed: Followed): number {
  if (followed.detached) return EXIT.interrupted;
  const { quarantined, status } = followed.view;
  return quarantined === null ? EXIT_OF_RUN[status] : EXIT.failed;
}

class Following {
  readonly #call: Call;
  readonly #want: FollowWant;
  readonly #stop = new AbortController();
  #hosting: Hosting | null;
  #interrupts = 0;
  #failure: { readonly error: unknown } | null = null;
  #offsetMs = 0;
  #hints = { text: '', seen: 0 };
  #left = false;
  readonly #asked = new Set<string>();
  #leave: () => void = () => undefined;
  readonly #leaving = new Promise<void>((resolve) => {
    this.#leave = resolve;
  });

  constructor(call: Call, want: FollowWant) {
    this.#call = call;
    this.#want = want;
    this.#hosting = want.hosting;
  }

  async untilRest(): Promise<Followed> {
    const { teller } = this.#want;
    const release = this.#call.io.onInterrupt(() => this.#interrupted());
    let view: RunView | null = null;
    try {
      const loops = [this.#guard(() => this.#tellFacts()), this.#guard(() => this.#attend()), this.#tick()];
      // Who leaves does not wait for a host that is being started, or for a store that does not answer.
      await Promise.race([Promise.all(loops), this.#leaving]);
      if (this.#left) {
        view = await this.#get().catch(() => null);
        return view !== null && (await this.#isAtRest(view).catch(() => false))
          ? { detached: false, view }
          : { detached: true, view };
      }
      if (this.#failure !== null) throw this.#failure.error;
      view = await this.#patiently(() => this.#get());
      return { detached: false, view };
    } finally {
      teller.close(view);
      release();
    }
  }

  #get(): Promise<RunView> {
    return this.#want.session.client.get(this.#want.run);
  }

  /** The first failure ends all three loops. */
  async #guard(loop: () => Promise<void>): Promise<void> {
    try {
      await loop();
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#stop.abort();
  }

  async #tellFacts(): Promise<void> {
    const { session, run, teller } = this.#want;
    const told = new Set<string>();
    const tell = (fact: Fact): void => {
      const text = JSON.stringify(fact);
      if (!told.has(text)) teller.fact(fact);
      told.add(text);
    };
    while (!this.#stop.signal.aborted) {
      try {
        for await (const fact of session.client.follow(run, this.#stop.signal)) tell(fact);
        // The run may end between two looks at the feed: what was not told by then is in the history.
        if (!this.#left) for (const fact of await session.client.history(run)) tell(fact);
        return;
      } catch (error) {
        // The store is away for a while: what was missed is read from the history then.
        await this.#waitOut(error);
      }
    }
  }

  async #attend(): Promise<void> {
    const { signal } = this.#stop;
    let away = false;
    while (!signal.aborted) {
      try {
        await this.#look();
        away = false;
      } catch (error) {
        if (!(error instanceof CoordError) || !error.retryable) throw error;
        if (!away)
          this.#want.teller.note(`Redis does not answer (${messageOf(error)}); waiting for it. Nothing is lost.`);
        away = true;
        await this.#waitOut(error);
        await this.#revive();
      }
      await this.#call.app.clock.sleep(ATTEND_MS, signal);
    }
  }

  async #revive(): Promise<void> {
    const { session, run, teller } = this.#want;
    const state = await this.#call.app.reviveStore(session);
    if (state === 'restarted') teller.note('The private Redis had died; it was started again.');
    if (state !== 'stopped') return;
    const way = `\`coord watch ${run}\` starts it and goes on with the run`;
    throw new CoordError('REDIS_UNREACHABLE', `the private Redis of the project was stopped; ${way}`);
  }

  async #look(): Promise<void> {
    const { app } = this.#call;
    const { client } = this.#want.session;
    this.#offsetMs = (await client.time()) - app.clock.now();
    const view = await this.#get();
    const asking = await this.#tellAsks(view);
    if (isOver(view) || (asking && this.#leavesWaiting(view))) {
      // An ended run ends the telling by itself, with its last fact.
      if (!runHasEnded(view.status)) this.#stop.abort();
      return;
    }
    await this.#host();
    this.#consider(await hintsFor(this.#call, client, view));
  }

  /** Whether nothing will happen to the run until somebody acts, as far as this command waits for that. */
  async #isAtRest(view: RunView): Promise<boolean> {
    if (isOver(view)) return true;
    if (!this.#leavesWaiting(view)) return false;
    return asksOf(view).length > 0 || (await asksInside(this.#want.session.client, view)).length > 0;
  }

  #leavesWaiting({ status }: RunView): boolean {
    return this.#want.untilWaiting === true && status === 'waiting';
  }

  /** Whether the run, or one inside it, asks anything. */
  async #tellAsks(view: RunView): Promise<boolean> {
    const { teller, session } = this.#want;
    if (runHasEnded(view.status)) return false;
    const own = asksOf(view);
    const inside = await asksInside(session.client, view);
    for (const [asks, inner] of [[own, false] as const, [inside, true] as const]) {
      for (const ask of asks.filter(({ key }) => !this.#asked.has(key))) {
        this.#asked.add(ask.key);
        teller.ask(ask, inner);
      }
    }
    return own.length + inside.length > 0;
  }

  async #host(): Promise<void> {
    const { app, options } = this.#call;
    const { session, personas, teller } = this.#want;
    if (await app.isHosted(session)) return;
    const again = this.#hosting !== null;
    this.#hosting = await app.ensureHost(session, options, personas);
    if (again) teller.note(`The host of the run was gone; ${hostWords(this.#hosting)} goes on with it.`);
  }

  #consider(hints: readonly string[]): void {
    const text = hints.join('\n');
    const seen = text === this.#hints.text ? this.#hints.seen + 1 : 1;
    this.#hints = { text, seen };
    if (seen === HINT_AFTER || (seen === 1 && text === '')) this.#want.teller.hints(hints);
  }

  async #tick(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#want.teller.tick(this.#offsetMs).catch(() => undefined);
      await this.#call.app.clock.sleep(TICK_MS, signal);
    }
  }

  #interrupted(): void {
    this.#interrupts++;
    if (this.#hosting?.kind === 'in-process' && this.#interrupts === 1) {
      this.#want.teller.note('The run lives in this process only: a second Ctrl-C ends both.');
      return;
    }
    this.#left = true;
    this.#stop.abort();
    this.#leave();
  }

  async #waitOut(error: unknown): Promise<void> {
    if (!(error instanceof CoordError) || !error.retryable) throw error;
    await this.#call.app.clock.sleep(TRY_AGAIN_MS, this.#stop.signal);
  }

  /** For the last look, after which there is no other. */
  async #patiently<T>(read: () => Promise<T>, attempts = 20): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof CoordError) || !error.retryable || attempts === 0) throw error;
      await this.#call.app.clock.sleep(TRY_AGAIN_MS);
      return this.#patiently(read, attempts - 1);
    }
  }
}

/** Whether it is at rest whatever people answer. */
function isOver({ status, quarantined }: RunView): boolean {
  return runHasEnded(status) || quarantined !== null || status === 'paused';
}

export function hostWords(hosting: Hosting): string {
  switch (hosting.kind) {
    case 'daemon':
      return `the daemon ${hosting.owner}`;
    case 'background':
      return `the background host (pid ${String(hosting.pid)}, log ${hosting.log})`;
    case 'in-process':
      return 'this process';
  }
}
