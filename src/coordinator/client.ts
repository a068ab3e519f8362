/**
 * What programs and the command line do with runs: start, cancel, list, show, follow. Every write carries an
 * idempotency key, so it can be repeated until its outcome is known, and has one effect.
 */
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import type { Fact } from '../core/facts.js';
import { type Ids, partitionOf, RUN_ID, runIdFor } from '../core/ids.js';
import { canonicalJson, type JsonObject, sha256 } from '../core/json.js';
import { type ArtifactRef } from '../core/exchange.js';
import { cancelBodySchema, decideBodySchema, type RunInput, signalBodySchema } from '../core/messages.js';
import type { Admission, Store, StoredRun, WorkerInfo } from '../core/ports.js';
import { RUN_STATUSES, runHasEnded, type RunStatus } from '../core/statuses.js';
import { didYouMean } from '../core/suggest.js';
import type { RunSummary, RunView } from '../core/views.js';
import type { WorkflowDefinition } from '../definition/workflow.js';
import {
  checkInner,
  checkKey,
  checkTask,
  type DecideRequest,
  parseBody,
  type SignalRequest,
  slotOf,
  withCure,
  type StartRequest,
} from './client-requests.js';
import { type AnswerOutcome, decided, type SentAnswer } from './client-decide.js';
import type { Patience } from './client-outcome.js';
import { type EmittedEvent, followEvents, followRun, type Following } from './client-follow.js';
import { checkFormat } from './codec.js';
import { refusedAfterAll, whyRefused } from './decisions.js';
import { Plans } from './plans.js';
import { newRunRecord } from '../machines/records.js';
import { summaryOf, viewOf } from './view.js';
import { untilKnown } from './until-known.js';

export type { DecideRequest, SignalRequest, StartRequest } from './client-requests.js';

export interface ClientParams {
  readonly store: Omit<Store, 'partitions' | 'requests'>;
  /** As the namespace says. */
  readonly partitions: number;
  readonly clock: Clock;
  readonly ids: Ids;
}

const PAGE = 500;
const INPUT_LIMIT_BYTES = 256 * 1024;

export class Client {
  readonly #params: ClientParams;
  readonly #plans: Plans;

  constructor(params: ClientParams) {
    this.#params = params;
    this.#plans = new Plans(params.store.namespace);
  }

  /**
   * Starts a run; `created` is false when this key has started it before. Throws IDEMPOTENCY_CONFLICT for the same key
   * with another request, TASK_INVALID for a task that is too large or does not fit, EXPRESSION_FAILED for one that leaves
   * a variable empty, DEFINITION_MISSING when the definition of a run inside is not given.
   */
  async start(request: StartRequest): Promise<{ run: string; created: boolean }> {
    const { store, ids, partitions } = this.#params;
    const { definition, task } = request;
    checkKey(request.idempotencyKey);
    const key = request.idempotencyKey ?? ids.nonce();
    // A task that does not fit is found before there is a run that could not go on.
    checkTask(definition, task);
    const slot = slotOf(definition, task);
    const affinity = slot === null ? undefined : { text: slot.key, partitions };
    const run = runIdFor(definition.name, key, affinity);
    const json = canonicalJson(definition as unknown as JsonObject);
    const hash = sha256(json);
    const workspace = request.workspace === null ? null : { ...request.workspace, branch: `coord/${run}` };
    const input: RunInput = { task, workspace, parent: null };
    const inputText = canonicalJson(input as unknown as JsonObject);
    if (Buffer.byteLength(inputText) > INPUT_LIMIT_BYTES) {
      throw new CoordError(
        'TASK_INVALID',
        `the task has more than ${String(INPUT_LIMIT_BYTES)} bytes of JSON, and every request carries it; put large things into the repository`,
      );
    }
    const createdAt = await untilKnown(this.#params.clock, () => store.namespace.time());
    const record = newRunRecord({
      id: run,
      workflow: definition.name,
      createdAt,
      head: input.workspace?.base ?? null,
      slot,
      parent: null,
    });
    checkInner(definition, request.inner ?? []);
    const putDefinitions = async (): Promise<void> => {
      for (const inner of request.inner ?? []) await this.#putDefinition(inner);
      await untilKnown(this.#params.clock, () => store.namespace.putDefinition(hash, json));
    };
    await putDefinitions();
    const admission: Admission = {
      kind: 'start',
      partition: this.#partition(run),
      run,
      idempotencyKey: `start:${run}`,
      requestHash: sha256(`${hash}\n${inputText}`),
      definition: hash,
      input: inputText,
      record: JSON.stringify(record),
      slot,
    };
    // A store that was away may have come back without its last second: no run may outlive its definition.
    const outcome = await this.#admit(admission, putDefinitions);
    if (outcome.outcome === 'conflict') {
      throw new CoordError(
        'IDEMPOTENCY_CONFLICT',
        `the key "${key}" has started run ${run} with another definition, task or repository; use another key`,
      );
    }
    return { run, created: outcome.outcome === 'admitted' };
  }

  /** Asks a run to stop. Returns when the request is stored; the run is canceled by its next transition. */
  async cancel(
    run: string,
    { reason, by, idempotencyKey }: { reason: string; by: string; idempotencyKey?: string },
  ): Promise<void> {
    const body = parseBody(cancelBodySchema, { reason, by }, 'the request to cancel');
    await this.#tell(run, { kind: 'cancel', body, idempotencyKey });
  }

  /**
   * Sends a signal: to the step that has waited for it longest, or kept for the one that will. Returns when it is
   * stored; the history says what became of it.
   */
  async signal(run: string, { idempotencyKey, ...signal }: SignalRequest): Promise<void> {
    const body = parseBody(signalBodySchema, { ...signal, data: signal.data ?? null }, 'the signal');
    await this.#tell(run, { kind: 'signal', body, idempotencyKey });
  }

  /**
   * Answers the question that a step waits with. Throws DECISION_REFUSED when the step asks nothing, asks something
   * else by now, or the answer is none of its choices or does not fit its form. Returns when it is stored; `decided` says
   * what became of it, since somebody else may be first.
   */
  async decide(run: string, { idempotencyKey, ...answer }: DecideRequest): Promise<SentAnswer> {
    const body = parseBody(decideBodySchema, { token: null, data: null, ...answer }, 'the answer');
    const stored = await this.#stored(run);
    const history = (): Promise<readonly Fact[]> => this.history(run);
    const why = await whyRefused({ stored, plan: await this.#plans.get(stored.definition), history }, body);
    const refused = (): CoordError => new CoordError('DECISION_REFUSED', `run ${run}: ${why ?? ''}`);
    // With a key it may be the same answer once more: then it was taken, and counts once.
    if (why !== null && idempotencyKey === undefined) throw refused();
    const { entry } = await this.#tell(run, { kind: 'decide', body, idempotencyKey }).catch(async (error: unknown) => {
      throw await refusedAfterAll(error, { run, answer: body, history });
    });
    if (why !== null && entry !== null) throw refused();
    return { ...body, run, entry, since: stored.version };
  }

  /** Waits for up to `waitMs` until the run has taken an answer, or has refused it since somebody else was first. */
  async decided(sent: SentAnswer, patience: Patience): Promise<AnswerOutcome> {
    const { store, partitions, clock } = this.#params;
    return decided({ runs: store.runs, partitions, clock, history: (run) => this.history(run) }, sent, patience);
  }

  /** Newest first. */
  async list({
    statuses = RUN_STATUSES,
    limit = 50,
  }: {
    statuses?: readonly RunStatus[];
    limit?: number;
  } = {}): Promise<readonly RunSummary[]> {
    const rows = await Promise.all(
      this.#all().map((partition) => this.#params.store.runs.list({ partition, statuses, limit })),
    );
    return rows
      .flat()
      .map(summaryOf)
      .toSorted((a, b) => b.createdAt - a.createdAt)
      .slice(0, limit);
  }

  /** Throws RUN_NOT_FOUND, RUN_UNREADABLE when its records are damaged, DEFINITION_MISSING, FORMAT_UNKNOWN when a newer coord has written it. */
  async get(run: string): Promise<RunView> {
    const stored = await this.#stored(run);
    try {
      return viewOf(stored, await this.#plans.get(stored.definition));
    } catch (error) {
      throw withCure(run, error);
    }
  }

  /** All facts of a run, in order. */
  async history(run: string): Promise<readonly Fact[]> {
    const facts: Fact[] = [];
    for (let after = '0'; ; ) {
      const page = await this.#params.store.runs.history({ partition: this.#partition(run), run, after, limit: PAGE });
      for (const entry of page) facts.push(...(JSON.parse(entry.facts) as Fact[]));
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return facts;
      after = last.id;
    }
  }

  /**
   * The run's facts from its beginning, then each new one as it happens, and what workers report meanwhile; ends when
   * the run has ended or `until` is aborted. A store that does not answer is waited for.
   */
  follow(run: string, until: AbortSignal): AsyncGenerator<Fact> {
    return followRun(this.#following(), { run, partition: this.#partition(run), until });
  }

  /** Events that the runs of this namespace emit from now on, of all names or of one; ends when `until` is aborted. */
  events(until: AbortSignal, name: string | null = null): AsyncGenerator<EmittedEvent> {
    return followEvents(this.#following(), { partitions: this.#all(), name, until });
  }

  /** All artifacts of a run with the step that produced each. */
  async artifacts(run: string): Promise<readonly (ArtifactRef & { readonly step: string })[]> {
    const view = await this.get(run);
    return view.steps.flatMap((step) => step.artifacts.map((artifact) => ({ ...artifact, step: step.id })));
  }

  /** One artifact by `step/name`, name, or hash (8 digits or more). The last step that produced a name wins. */
  async artifact(
    run: string,
    which: string,
  ): Promise<{ readonly ref: ArtifactRef & { readonly step: string }; readonly content: Uint8Array }> {
    const all = await this.artifacts(run);
    const ref = all.findLast(
      ({ step, name, sha256: hash }) =>
        which === name || which === `${step}/${name}` || (which.length >= 8 && hash.startsWith(which)),
    );
    const content = ref === undefined ? null : await this.#params.store.artifacts.get(this.#partition(run), ref.sha256);
    if (ref === undefined || content === null) {
      const names = all.map(({ step, name }) => `${step}/${name}`);
      const known = names.length === 0 ? 'It has none.' : `It has: ${names.join(', ')}.`;
      throw new CoordError(
        'ARTIFACT_NOT_FOUND',
        `run ${run} has no artifact "${which}".${didYouMean(which, names)} ${known}`,
      );
    }
    return { ref, content };
  }

  async workers(): Promise<readonly WorkerInfo[]> {
    return this.#params.store.namespace.listWorkers();
  }

  async owners(): ReturnType<Store['namespace']['owners']> {
    return this.#params.store.namespace.owners();
  }

  /** The store's clock, ms: what the times in views are to be compared with. */
  async time(): Promise<number> {
    return this.#params.store.namespace.time();
  }

  #following(): Following {
    return {
      runs: this.#params.store.runs,
      clock: this.#params.clock,
      history: (run) => this.history(run),
      hasEnded: async (run) => runHasEnded((await this.get(run)).status),
    };
  }

  /** Stores a message to a run, once per key; `entry` is null when that was done before. */
  async #tell(
    run: string,
    {
      kind,
      body,
      idempotencyKey,
    }: { kind: 'cancel' | 'signal' | 'decide'; body: object; idempotencyKey: string | undefined },
  ): Promise<{ readonly entry: string | null }> {
    checkKey(idempotencyKey);
    const key = idempotencyKey ?? this.#params.ids.nonce();
    const text = JSON.stringify(body);
    const outcome = await this.#admit({
      kind,
      partition: this.#partition(run),
      run,
      idempotencyKey: `${kind}:${run}:${key}`,
      requestHash: sha256(`${run}\n${text}`),
      body: text,
    });
    if (outcome.outcome === 'no_run') throw await this.#unknownRun(run);
    if (outcome.outcome === 'ended')
      throw new CoordError('RUN_ENDED', `run ${run} is ${outcome.status} already, so there is nothing to ${kind}`);
    if (outcome.outcome === 'conflict') {
      throw new CoordError(
        'IDEMPOTENCY_CONFLICT',
        `the key "${key}" has been used to ${kind} run ${run} in another way; use another key`,
      );
    }
    return { entry: outcome.outcome === 'admitted' ? (outcome.entry ?? null) : null };
  }

  async #putDefinition(definition: WorkflowDefinition): Promise<void> {
    const json = canonicalJson(definition as unknown as JsonObject);
    await untilKnown(this.#params.clock, () => this.#params.store.namespace.putDefinition(sha256(json), json));
  }

  /** `again`: what it builds on, made once more before it is repeated. */
  async #admit(
    admission: Admission,
    again: () => Promise<void> = async () => undefined,
  ): ReturnType<Store['admission']['admit']> {
    const { admission: port, watermarks } = this.#params.store;
    let tries = 0;
    const outcome = await untilKnown(this.#params.clock, async () => {
      if (tries++ > 0) await again();
      return port.admit(admission);
    });
    // The store was away: it may have come back without what it had confirmed to this client, which is then recorded.
    if (tries > 1) await watermarks.check(admission.partition, 'a client').catch(() => null);
    return outcome;
  }

  async #stored(run: string): Promise<StoredRun> {
    const stored = RUN_ID.test(run) ? await this.#params.store.runs.load(this.#partition(run), run) : null;
    if (stored === null) throw await this.#unknownRun(run);
    checkFormat(run, stored);
    return stored;
  }

  async #unknownRun(run: string): Promise<CoordError> {
    const known = (await this.list({ limit: 200 })).map((row) => row.id);
    return new CoordError('RUN_NOT_FOUND', `there is no run "${run}".${didYouMean(run, known)} See \`coord list\`.`);
  }

  #all(): readonly number[] {
    return Array.from({ length: this.#params.partitions }, (_, partition) => partition);
  }

  #partition(run: string): number {
    return partitionOf(run, this.#params.partitions);
  }
}
