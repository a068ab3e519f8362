/**
 * One attempt on a worker, from `begin` to `reply`: it holds the claim with heartbeats of its own, runs the persona,
 * stores what came out of it and answers. Every way to end it early goes through one signal.
 */
import type { Clock } from '../core/clock.js';
import { hasCode, messageOf } from '../core/errors.js';
import type { Failpoints } from '../core/failpoints.js';
import { type PersonaReply, type PersonaRequest } from '../core/exchange.js';
import type { Store } from '../core/ports.js';
import type { AttemptKey, Delivery } from '../core/request-port.js';
import type { AttemptFiles } from './attempt-files.js';
import type { Breakers, Passage } from './breakers.js';
import { untilKnown } from './patience.js';
import { plainLine } from './plain-text.js';
import { Progress } from './progress.js';
import { type AttemptContext, errorReply, type PersonaRunner, type RawReply } from './runner.js';
import { type Redaction, withoutSecrets } from './secrets.js';
import { storedReply } from './stored-reply.js';
import type { EndReason, Report } from './worker-events.js';
import type { WorkspaceRequest, Workspaces } from './workspace.js';

export interface AttemptMeans {
  readonly store: Pick<Store, 'requests' | 'artifacts'>;
  readonly clock: Clock;
  readonly heartbeatMs: number;
  readonly beatMs: number;
  readonly files: AttemptFiles;
  readonly workspaces: Workspaces;
  readonly failpoints: Failpoints;
  /** What a persona says goes through it before it goes anywhere. */
  readonly redaction: Redaction;
  readonly breakers: Breakers;
  readonly report: Report;
  /** Aborted when the worker may not wait for the store any longer. */
  readonly giveUp: AbortSignal;
}

export interface AttemptWork {
  readonly key: AttemptKey;
  readonly delivery: Delivery;
  readonly request: PersonaRequest;
  readonly runner: PersonaRunner;
  /** Whether it starts processes that must be found again when this one dies. */
  readonly hasProcesses: boolean;
}

export class Attempt {
  readonly #work: AttemptWork;
  readonly #means: AttemptMeans;
  readonly #abort = new AbortController();
  readonly #over = new AbortController();
  #ended: EndReason | null = null;
  readonly #progress: Progress;
  /** Resolves to whether the claim was got; null before it is asked for. */
  #begins: Promise<boolean> | null = null;
  /** Whether the store has said that the claim is gone. */
  #gone = false;
  #passage: Passage | null = null;
  #cancelLost = (): void => undefined;
  /** The heartbeat out of turn that is under way, and the one that follows it for all who asked meanwhile. */
  #asked: Promise<void> = Promise.resolve();
  #askedNext: Promise<void> | null = null;

  constructor(work: AttemptWork, means: AttemptMeans) {
    this.#work = work;
    this.#means = means;
    this.#progress = new Progress(
      means.clock,
      () => this.#beat(),
      (line) => plainLine(means.redaction.piece(line)),
    );
  }

  get key(): AttemptKey {
    return this.#work.key;
  }

  /** Whether it was told to end. */
  get ending(): boolean {
    return this.#ended !== null;
  }

  /** Whether it works on the machine, in processes or a worktree, and not only in this process's memory. */
  get leavesTraces(): boolean {
    const { request, hasProcesses } = this.#work;
    return hasProcesses || request.workspace !== null;
  }

  /** Ends the persona early; the first reason counts. */
  end(reason: EndReason): void {
    if (this.#ended !== null) return;
    this.#ended = reason;
    try {
      this.#means.files.markEnding(this.key);
    } catch (error) {
      this.#means.report({ type: 'trouble', doing: 'attempt file', message: messageOf(error) });
    }
    this.#abort.abort();
  }

  /** Of one that is still to begin: it will not, which costs nothing. */
  endUnlessBegun(): void {
    if (this.#begins === null) this.end('shutdown');
  }

  /**
   * Has the store say, with a heartbeat sent after this call, whether the attempt is still this worker's; ends it when it
   * is not. One that has not begun holds no claim yet: `begin` will tell.
   */
  async ask(): Promise<void> {
    if (this.#begins === null || !(await this.#begins.catch(() => false))) return;
    this.#askedNext ??= this.#asked.then(() => {
      this.#askedNext = null;
      this.#asked = this.#beat();
      return this.#asked;
    });
    await this.#askedNext;
  }

  /**
   * Never rejects: what goes wrong is the reply, or reported when even that cannot be sent. `before` resolves when
   * the attempt may begin, or soon after its signal is aborted.
   */
  async run(before: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { key } = this;
    const { files, report } = this.#means;
    const recorded = this.leavesTraces;
    try {
      await before(this.#abort.signal);
      this.#passage = await this.#means.breakers.enter(this.#work.request.persona);
      if (this.#passage === null) {
        // Not begun, so it costs nothing: it is taken again when its endpoint is well.
        report({ type: 'dropped', key, reason: 'its endpoint is in trouble' });
        return;
      }
      // Before `begin`, so that whatever was begun on this machine is found when this worker dies.
      if (recorded) files.open(key);
      const since = this.#means.clock.now();
      this.#begins = this.#begin();
      if (!(await this.#begins)) return;
      void this.#holdOn(since);
      await this.#hold();
    } catch (error) {
      report({ type: 'trouble', doing: `${key.run} ${key.step}`, message: messageOf(error) });
    } finally {
      if (recorded) files.close(key);
      this.#over.abort();
      await this.#passage?.over(null);
      report({ type: 'ended', key });
    }
  }

  async #begin(): Promise<boolean> {
    const { key, delivery, request } = this.#work;
    const { store, heartbeatMs, report, failpoints } = this.#means;
    const { timeoutMs } = request;
    const entry = { persona: delivery.persona, entry: delivery.entry, heartbeatMs, timeoutMs };
    failpoints.pass('worker.taken');
    if (this.#ended !== null) {
      // Not begun, so it costs nothing: another worker claims it in a moment.
      report({ type: 'dropped', key, reason: 'the worker stops' });
      return false;
    }
    const answer = await this.#known('begin', () => store.requests.begin(key, entry));
    failpoints.pass('worker.begun');
    report(answer === 'go' ? { type: 'begun', key } : { type: 'dropped', key, reason: answer });
    return answer === 'go';
  }

  /** While the claim is held. */
  async #hold(): Promise<void> {
    const { key } = this.#work;
    const { failpoints, report } = this.#means;
    const raw = await this.#perform();
    // On its way before the reply, after which nobody would take it.
    this.#progress.end();
    failpoints.pass('worker.ran');
    // Before the reply, which may have it tried again at once.
    await this.#passage?.over(raw);
    const reason = this.#ended;
    if (reason !== null) report({ type: 'stopped', key, reason });
    if (reason === 'stop' || reason === 'lost') return;
    await this.#answer(this.#afterEnd(raw));
  }

  async #perform(): Promise<RawReply> {
    const { request, runner } = this.#work;
    const { clock, files, failpoints } = this.#means;
    const { timeoutMs } = request;
    const { signal } = this.#abort;
    const cancelTimeout = timeoutMs === null ? null : clock.after(timeoutMs, () => this.end('timeout'));
    try {
      const workspace = workspaceOf(request, this.key.worker);
      const directory = workspace === null ? null : await this.#means.workspaces.prepare(workspace, signal);
      failpoints.pass('worker.prepared');
      const context: AttemptContext = {
        signal,
        directory,
        token: request.token,
        worker: this.key.worker,
        progress: (line) => this.#progress.say(line),
        groupStarted: (pid) => files.recordGroup(this.key, pid),
      };
      if (signal.aborted) return errorReply('PERSONA_ERROR', 'ended before it was started');
      return await runner.run(request, context);
    } catch (error) {
      if (hasCode(error, 'FAILPOINT')) throw error;
      return errorReply('PERSONA_ERROR', messageOf(error));
    } finally {
      cancelTimeout?.();
    }
  }

  /** An attempt that was ended has no verdict, whatever its persona still said; what it left behind is kept. */
  #afterEnd(raw: RawReply): RawReply {
    const { timeoutMs } = this.#work.request;
    if (this.#ended === 'timeout') {
      const reply = errorReply('TIMEOUT', `not done after ${String(timeoutMs)} ms, the limit of one attempt`);
      return { ...reply, ...leftBy(raw) };
    }
    if (this.#ended === 'shutdown') {
      return { ...errorReply('WORKER_LOST', 'the worker was stopped'), ...leftBy(raw) };
    }
    return raw;
  }

  async #answer(raw: RawReply): Promise<void> {
    const { request } = this.#work;
    const { workspaces, failpoints, giveUp } = this.#means;
    const stored = await storedReply(withoutSecrets(raw, this.#means.redaction), (content) =>
      this.#known('artifact', () => this.#means.store.artifacts.put(this.key.partition, content)),
    );
    failpoints.pass('worker.stored');
    const workspace = workspaceOf(request, this.key.worker);
    if (workspace === null) {
      await this.#send(stored);
      return;
    }
    let concluded = false;
    try {
      const { status } = stored;
      await workspaces.conclude(
        workspace,
        { status, signal: giveUp, keeps: status === 'error' || request.keep === true },
        async (commit, tree) => {
          concluded = true;
          failpoints.pass('worker.concluded');
          await this.#send({ ...stored, commit, ...(tree !== null && { tree }) });
        },
      );
    } catch (error) {
      if (concluded) throw error;
      if (stored.error !== null) {
        // What went wrong says more than that there is nothing to go on from.
        await this.#send(stored);
        return;
      }
      const failed = errorReply(
        'PERSONA_ERROR',
        `its work could not be committed: ${this.#means.redaction.text(messageOf(error))}`,
      );
      await this.#send({ ...failed, artifacts: stored.artifacts, commit: null });
    }
  }

  async #send(reply: PersonaReply): Promise<void> {
    const { key } = this;
    const { store, report, failpoints } = this.#means;
    const body = JSON.stringify(reply);
    failpoints.pass('worker.replying');
    const outcome = await this.#known('reply', () => store.requests.reply(key, { body }));
    failpoints.pass('worker.replied');
    const { status } = reply;
    report(outcome === 'stale' ? { type: 'stale', key, status } : { type: 'replied', key, status, outcome });
  }

  /** Heartbeats until the attempt is over. Independent of all other attempts, and of calls that never settle. */
  async #holdOn(since: number): Promise<void> {
    const { clock, heartbeatMs, beatMs } = this.#means;
    const over = this.#over.signal;
    this.#holdUntil(since + heartbeatMs);
    over.addEventListener('abort', () => this.#cancelLost());
    for (;;) {
      await clock.sleep(beatMs, over);
      if (over.aborted || this.#gone) return;
      await this.#beat();
    }
  }

  async #beat(): Promise<void> {
    const { clock, heartbeatMs, store, report } = this.#means;
    const over = this.#over.signal;
    if (over.aborted || this.#gone) return;
    const sent = clock.now();
    try {
      const answer = await store.requests.beat(this.key, { heartbeatMs, progress: this.#progress.take() });
      if (over.aborted) return;
      if (answer === 'ok') {
        this.#holdUntil(sent + heartbeatMs);
        return;
      }
      this.#gone = true;
      this.#cancelLost();
      this.end('stop');
    } catch (error) {
      report({ type: 'trouble', doing: 'beat', message: messageOf(error) });
    }
  }

  /** The claim is this worker's until then. */
  #holdUntil(time: number): void {
    const { clock } = this.#means;
    this.#cancelLost();
    this.#cancelLost = clock.after(Math.max(0, time - clock.now()), () => this.end('lost'));
  }

  async #known<T>(doing: string, call: () => Promise<T>): Promise<T> {
    const { clock, report, giveUp } = this.#means;
    return await untilKnown(doing, call, { clock, report, signal: giveUp });
  }
}

/** What is kept of an attempt whose verdict does not count, since it was ended. */
function leftBy({ artifacts, usage, session }: RawReply): Partial<RawReply> {
  return { artifacts, ...(usage !== undefined && { usage }), ...(session !== undefined && { session }) };
}

function workspaceOf(request: PersonaRequest, worker: string): WorkspaceRequest | null {
  const { workspace } = request;
  return workspace === null ? null : { ...request, workspace, worker };
}
