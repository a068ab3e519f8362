/** Drives one run by hand through the fold: what was sent last, and what came of it. */
import type { Fact } from '../../src/core/facts.js';
import type { JsonObject, JsonValue } from '../../src/core/json.js';
import type { PersonaReply, PersonaRequest } from '../../src/core/exchange.js';
import type { Claim, Message, TimerKind } from '../../src/core/messages.js';
import { compilePlan } from '../../src/definition/plan.js';
import type { StepDefinition } from '../../src/definition/steps.js';
import { definitionHash, type WorkflowDefinition } from '../../src/definition/workflow.js';
import { fold } from '../../src/machines/fold.js';
import { newRunRecord, PENDING_STEP, type StepRecord } from '../../src/machines/records.js';
import { applyFold, type FoldResult, type RunState, runState } from '../../src/machines/state.js';
import { workflow } from './definitions.js';

export const PASS: PersonaReply = { status: 'pass', result: { ok: true }, artifacts: [], error: null, commit: null };
export const FAIL: PersonaReply = {
  ...PASS,
  status: 'fail',
  error: { class: 'REJECTED', message: '2 of 5 tests failed' },
};
export const BROKEN: PersonaReply = {
  ...PASS,
  status: 'error',
  error: { class: 'PERSONA_ERROR', message: 'exit 1' },
};
export const passing = (result: JsonValue): PersonaReply => ({ ...PASS, result });

export class Bench {
  state: RunState;
  last: FoldResult | null = null;
  readonly facts: Fact[] = [];
  readonly requests: PersonaRequest[] = [];
  #at = 1_000;

  constructor(
    steps: readonly StepDefinition[],
    { task = {}, ...change }: Partial<WorkflowDefinition> & { task?: JsonObject } = {},
  ) {
    const definition = workflow(steps, change);
    const fresh = { id: 'test-1', workflow: 'test', createdAt: 1, head: null, slot: null, parent: null };
    const plan = compilePlan(definition, definitionHash(definition));
    this.state = runState({
      plan,
      input: { task, workspace: null, parent: null },
      record: newRunRecord(fresh),
      version: 0,
      chain: '',
      steps: new Map(),
    });
  }

  send(...messages: readonly Message[]): this {
    const result = fold(this.state, messages);
    this.last = result;
    for (const fact of result.facts) this.facts.push(fact);
    this.requests.push(...result.requests.map(({ body }) => JSON.parse(body) as PersonaRequest));
    this.state = applyFold(this.state, result, '');
    return this;
  }

  /** Forgets all that is derived, as a process does that takes over. */
  reload(): this {
    const steps = new Map(
      [...this.state.steps].map(([path, step]) => [path, JSON.parse(JSON.stringify(step)) as StepRecord]),
    );
    this.state = runState({ ...this.state, steps });
    return this;
  }

  start(): this {
    return this.send({ ...this.stamp(), kind: 'start' });
  }

  reply(path: string, reply: PersonaReply = PASS): this {
    return this.send(this.replyMessage(path, reply));
  }

  /** Replies to several steps, one after another. */
  pass(...paths: readonly string[]): this {
    for (const path of paths) this.reply(path);
    return this;
  }

  replyMessage(path: string, reply: PersonaReply): Message {
    const { id, at } = this.stamp();
    const token = this.step(path).token ?? 'none';
    return { id, at, kind: 'reply', step: path, token, worker: 'w1', begunAt: at - 5, reply };
  }

  timer(kind: TimerKind, path: string, attempt = Math.max(1, this.step(path).attempt)): this {
    const claimed = kind === 'heartbeat' || kind === 'timeout';
    const claim = claimed ? { worker: 'w1', begunAt: this.#at - 200, beatAt: this.#at, progress: '' } : null;
    return this.send({ ...this.stamp(), kind: 'timer', timer: { kind, run: 'test-1', step: path, attempt }, claim });
  }

  signal(name: string, data: JsonValue = null): this {
    return this.send({ ...this.stamp(), kind: 'signal', name, data, by: 'ada' });
  }

  decide(
    path: string,
    choice: string,
    data: JsonValue = null,
    more: { readonly by?: string; readonly edits?: JsonValue; readonly from?: string } = {},
  ): this {
    return this.send({ ...this.stamp(), kind: 'decide', step: path, token: null, choice, data, by: 'ada', ...more });
  }

  /** `working`: who works on what meanwhile. */
  cancel(working: ReadonlyMap<string, Claim> = new Map()): this {
    return this.send({ ...this.stamp(), kind: 'cancel', reason: 'no longer needed', by: 'ada', claims: working });
  }

  step(path: string): StepRecord {
    return this.state.steps.get(path) ?? PENDING_STEP;
  }

  /** Status by path, of all steps that anything has happened to, and of the top list. */
  get statuses(): Record<string, string> {
    const paths = [...this.state.plan.root.steps, ...this.state.steps.keys()];
    return Object.fromEntries([...new Set(paths)].map((path) => [path, this.step(path).status]));
  }

  /** Paths that are asked of a persona now. */
  get asked(): string[] {
    return [...this.state.steps].filter(([, step]) => step.status === 'queued').map(([path]) => path);
  }

  get status(): string {
    return this.state.record.status;
  }

  stamp(): { id: string; at: number } {
    this.#at += 100;
    return { id: `${String(this.#at)}-0`, at: this.#at };
  }
}
