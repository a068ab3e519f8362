/**
 * A run in memory: its records, its plan, and what can be derived from both. `Draft` lays the changes of one fold
 * over it, so that the state under it stays as stored until the commit is known, and an event costs what it
 * changes, not what the run holds.
 */
import { hasCode } from '../core/errors.js';
import type { Usage } from '../core/exchange.js';
import type { Fact } from '../core/facts.js';
import type { JsonObject } from '../core/json.js';
import type { RunInput } from '../core/messages.js';
import type { Commit } from '../core/ports.js';
import type { Plan } from '../definition/plan.js';
import type { RenderedRequest } from '../definition/render.js';
import { resolveVariables } from '../definition/variables.js';
import type { ScopedRun } from './scope.js';
import { PENDING_STEP, type RunRecord, type StepMore, type StepRecord } from './records.js';

export interface RunState {
  readonly plan: Plan;
  readonly input: RunInput;
  readonly variables: JsonObject;
  /** Why the variables could not be rendered for this task, or null. */
  readonly unfit: string | null;
  readonly record: RunRecord;
  /** Version that the store holds this state under. */
  readonly version: number;
  /** Hash of the newest entry of its history; what the next one continues. */
  readonly chain: string;
  readonly steps: Map<string, StepRecord>;
  /** Derived counts: unsettled dependencies of a step, unsettled steps of a list, items done. Filled when first asked for. */
  readonly counters: Map<string, number>;
  readonly backlog: Backlog | null;
  /** Steps that are still to be undone, the next one last: those of `paths` before `left`. Null: not made up yet. */
  readonly undo: Undo | null;
}

export interface Undo {
  readonly paths: readonly string[];
  readonly left: number;
}

/**
 * Steps that are ready and wait for others to end, since the run has as many under way as it may: those of `paths` from
 * `head` on. Ten thousand may wait, so taking one moves the head and copies nothing. Null: not made up yet.
 */
export interface Backlog {
  readonly paths: readonly string[];
  readonly head: number;
}

export function runState(stored: {
  plan: Plan;
  input: RunInput;
  record: RunRecord;
  version: number;
  chain: string;
  steps: Map<string, StepRecord>;
}): RunState {
  const fresh = { ...stored, counters: new Map<string, number>(), backlog: null, undo: null };
  try {
    return { ...fresh, variables: resolveVariables(stored.plan.definition, stored.input.task), unfit: null };
  } catch (error) {
    if (!hasCode(error, 'EXPRESSION_FAILED')) throw error;
    return { ...fresh, variables: {}, unfit: error.message };
  }
}

/** What a fold gives: the transition as data. Nothing of it has happened until it is committed. */
export interface FoldResult {
  readonly record: RunRecord;
  readonly steps: ReadonlyMap<string, StepRecord>;
  /** Paths of records that are no more: of steps that a new definition does not have. */
  readonly gone: readonly string[];
  readonly counters: ReadonlyMap<string, number>;
  readonly backlog: Backlog | null;
  readonly undo: Undo | null;
  readonly requests: Commit['requests'];
  readonly arm: Commit['arm'];
  readonly disarm: readonly string[];
  readonly facts: readonly Fact[];
  readonly starts: Commit['starts'];
  readonly sends: Commit['sends'];
  readonly release: string | null;
}

/** The state after a commit with that hash. Takes over the maps of `state`, which must not be used any more. */
export function applyFold(state: RunState, result: FoldResult, chain: string): RunState {
  for (const [path, step] of result.steps) state.steps.set(path, step);
  for (const [name, count] of result.counters) {
    // A count that is used up is never asked for again.
    if (count > 0) state.counters.set(name, count);
    else state.counters.delete(name);
  }
  return {
    ...state,
    record: result.record,
    version: state.version + 1,
    chain,
    backlog: result.backlog,
    undo: result.undo,
  };
}

/** The cause of what is being drafted: which message, and when it arrived. */
export interface Cause {
  readonly id: string;
  readonly at: number;
}

export interface Settled {
  readonly path: string;
  /** Whether it was the last open one of its list. */
  readonly last: boolean;
  /** When it was the last of an item of a for_each: how many items are done with it. */
  readonly done: number;
}

/** First in, first out. `Array.shift` moves all that is left, which takes seconds for a hundred thousand. */
class Line<T> {
  #items: T[] = [];
  #head = 0;

  push(item: T): void {
    this.#items.push(item);
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#head++;
    if (this.#head > 1_024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

export class Draft implements ScopedRun {
  readonly state: RunState;
  readonly plan: Plan;
  record: RunRecord;
  cause: Cause = { id: '0-0', at: 0 };
  readonly steps = new Map<string, StepRecord>();
  readonly gone: string[] = [];
  readonly counters = new Map<string, number>();
  readonly requests: { persona: string; body: string }[] = [];
  readonly facts: Fact[] = [];
  readonly starts: Commit['starts'][number][] = [];
  readonly sends: Commit['sends'][number][] = [];
  /** Requests that were rendered to see whether they can be, and are dispatched next. */
  readonly rendered = new Map<string, RenderedRequest>();
  /** Characters of what this fold asks for: one commit carries only so much. */
  asked = 0;
  release: string | null = null;
  /** What the attempt has used that the message tells of. */
  usage: Usage | undefined;
  backlog: Backlog | null;
  undo: Undo | null;
  /** The backlog's paths once this fold has added to them: its own copy. */
  #line: string[] | null = null;
  /** Steps that settled and that their lists have not been told of. Goes before `ready`. */
  readonly settled = new Line<Settled>();
  /** Steps that nothing holds back any more. */
  readonly ready = new Line<string>();
  readonly #arm = new Map<string, Commit['arm'][number]>();
  readonly #disarm = new Set<string>();

  constructor(state: RunState) {
    this.state = state;
    this.plan = state.plan;
    this.record = state.record;
    this.backlog = state.backlog;
    this.undo = state.undo;
  }

  get id(): string {
    return this.record.id;
  }

  /** Whether the run has failed or is canceled, so that its ordinary steps only come to their end. */
  get ends(): boolean {
    return this.record.failure !== null || this.record.canceled !== null;
  }

  /** Whether nothing new may begin: somebody said so, or it waits for the locks that it held when it ended. */
  get paused(): boolean {
    return this.record.status === 'paused' || this.record.locks?.some(({ grant }) => grant === null) === true;
  }

  get task(): JsonObject {
    return this.state.input.task;
  }

  get variables(): JsonObject {
    return this.state.variables;
  }

  /** What is to follow, and what was counted, is found anew by the records. Only for a draft over a state without counts. */
  forgetDerived(): void {
    this.settled.clear();
    this.ready.clear();
    this.counters.clear();
    this.backlog = null;
    this.undo = null;
    this.#line = null;
  }

  step(path: string): StepRecord {
    return this.steps.get(path) ?? this.state.steps.get(path) ?? PENDING_STEP;
  }

  setStep(path: string, change: Partial<StepRecord>): void {
    this.steps.set(path, { ...this.step(path), ...change });
  }

  setMore(path: string, change: StepMore): void {
    this.setStep(path, { more: { ...this.step(path).more, ...change } });
  }

  setRecord(change: Partial<RunRecord>): void {
    this.record = { ...this.record, ...change };
  }

  /** Paths of all steps that anything has happened to. */
  *touched(): Generator<string> {
    yield* this.state.steps.keys();
    for (const path of this.steps.keys()) if (!this.state.steps.has(path)) yield path;
  }

  /** Changes a derived count by `by`. `count` gives it as it is after the change, when it is not known yet. */
  changeCount(name: string, by: number, count: () => number): number {
    const known = this.counters.get(name) ?? this.state.counters.get(name);
    const now = known === undefined ? count() : known + by;
    this.counters.set(name, now);
    return now;
  }

  /** Puts a step at the end of the backlog, whose paths are `known`. */
  wait(path: string, known: Backlog): void {
    this.#line ??= known.paths.slice(known.head);
    const head = this.backlog?.paths === this.#line ? this.backlog.head : 0;
    this.#line.push(path);
    this.backlog = { paths: this.#line, head };
  }

  /** `at` for what is due at a time that people are told, however late it is that the message is folded. */
  arm(id: string, { afterMs, at }: { readonly afterMs: number; readonly at?: number }): void {
    this.#disarm.delete(id);
    this.#arm.set(id, { id, afterMs: Math.max(0, afterMs), ...(at !== undefined && { at }) });
  }

  disarm(id: string): void {
    this.#arm.delete(id);
    this.#disarm.add(id);
  }

  result(): FoldResult {
    return {
      record: this.record,
      steps: this.steps,
      gone: this.gone,
      counters: this.counters,
      backlog: this.backlog,
      undo: this.undo,
      requests: this.requests,
      arm: [...this.#arm.values()],
      disarm: [...this.#disarm],
      facts: this.facts,
      starts: this.starts,
      sends: this.sends,
      release: this.release,
    };
  }
}
