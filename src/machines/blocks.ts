/**
 * Steps that hold lists of steps: what opening one starts, what the end of a step inside leads to, and how a list that
 * fails, is stopped or is canceled winds down.
 */
import { hasCode } from '../core/errors.js';
import type { StepFailure } from '../core/facts.js';
import type { JsonObject } from '../core/json.js';
import { stepIsSettled } from '../core/statuses.js';
import type { PlannedStep } from '../definition/plan.js';
import { renderCount, renderDuration, renderList } from '../definition/render.js';
import type { BlockStep, ForEachStep, LoopStep, ParallelStep, StepDefinition } from '../definition/steps.js';
import { WORKFLOW_LIMITS } from '../definition/workflow.js';
import { ask, failStep } from './failures.js';
import { cancelInnerRun } from './inner-runs.js';
import { frameOf, type ListInstance, mayGoOn, openLists, planned, prefixOf, subPlanOf } from './instances.js';
import { armTimer, base, cancelStep, failureOf, itemsBegun, moveStep, passStep, skipStep } from './moves.js';
import { makeReady } from './readiness.js';
import type { BlockRecord, ListFailure } from './records.js';
import { scopeInside, scopeOf } from './scope.js';
import type { Draft, Settled } from './state.js';

type Planned<T extends StepDefinition> = PlannedStep & { readonly definition: T };

/** Opens a block and starts what can start in it. Throws EXPRESSION_FAILED. */
export function openBlock(draft: Draft, path: string, step: Planned<BlockStep>): void {
  const { definition } = step;
  const scope = scopeOf(draft, path, step);
  const timeoutMs = renderDuration(step, 'timeout', scope);
  const opening = { timeoutMs, block: {}, detail: {} };
  switch (definition.type) {
    case 'conditional': {
      const branch = step.condition?.evaluate(scope) ? 'then' : 'else';
      openWith(draft, path, { ...opening, block: { branch }, detail: { branch } });
      break;
    }
    case 'parallel':
      openWith(draft, path, { ...opening, detail: { steps: definition.steps.length } });
      break;
    case 'loop': {
      const rounds = renderCount(step, 'max_rounds', { scope, from: 1, to: WORKFLOW_LIMITS.rounds }) ?? 1;
      openWith(draft, path, { ...opening, block: { round: 0, rounds }, detail: { max_rounds: rounds } });
      break;
    }
    case 'for_each': {
      const items = renderList(step, 'items', scope);
      const width =
        renderCount(step, 'concurrency', { scope, from: 1, to: WORKFLOW_LIMITS.items }) ?? Math.max(1, items.length);
      openWith(draft, path, { ...opening, block: { items, width }, detail: { items: items.length } });
    }
  }
  if (definition.type === 'loop') {
    nextRound(draft, path, step as Planned<LoopStep>);
    return;
  }
  if (!reserve(draft, path, step.lists)) return;
  let any = false;
  for (const list of openLists(draft, path, () => itemsBegun(draft, path, 0))) any = begin(draft, list) || any;
  if (!any) passStep(draft, path);
}

/** Opens the list that a persona has planned. Its step stays `working`. */
export function openPlanned(draft: Draft, path: string, steps: readonly StepDefinition[]): void {
  draft.setMore(path, { block: { steps } });
  // The answer is here: from now on only what it planned keeps the run running.
  draft.setRecord({ active: draft.record.active - 1 });
  draft.setStep(path, { token: null });
  draft.facts.push({ ...base(draft), type: 'step.opened', step: path, detail: { steps: steps.length } });
  begin(draft, { owner: path, list: subPlanOf(draft, path).root, prefix: frameOf(path, 1) });
}

/** A step right inside the block at `owner` has settled; `last`: none of its list is open any more. */
export function settledInside(draft: Draft, owner: string, settled: Settled): void {
  // A block that has ended cancels what is left in it, and does not want to hear of it.
  if (draft.step(owner).status !== 'working') return;
  const step = planned(draft, owner);
  const { definition } = step;
  const record = draft.step(settled.path);
  const failed = record.status === 'failed' && record.more.tolerated !== true;
  if (definition.type === 'parallel' && definition.wait_for !== 'all') {
    if (countTowards(draft, owner, { definition, settled })) return;
  } else if (failed) {
    failBlock(draft, owner, failureOf(record, settled.path), settled);
  }
  if (!settled.last) return;
  if (definition.type === 'for_each')
    itemDone(draft, owner, { step: step as Planned<ForEachStep>, done: settled.done });
  else if (definition.type === 'loop') roundDone(draft, owner, step as Planned<LoopStep>);
  else endBlock(draft, owner);
}

/** From now on nothing new starts in this list, but what deals with failures. What is under way goes on: it is paid for. */
export function windDown(draft: Draft, { list, prefix }: ListInstance, reason: string): void {
  for (const id of list.steps) {
    const path = `${prefix}${id}`;
    const { status, more } = draft.step(path);
    const { definition } = planned(draft, path);
    if (status === 'pending') {
      if (definition.when === 'on_success') skipStep(draft, path, reason);
    } else if (definition.when !== 'on_success') {
      // It is there for this.
      continue;
    } else if (status === 'retrying' || status === 'waiting') {
      cancelTree(draft, path, reason);
    } else if (status === 'working' && definition.type === 'workflow') {
      cancelTree(draft, path, reason);
    } else if (status === 'working' && more.block !== undefined && !isEnding(more.block)) {
      stopBlock(draft, path, { stopped: reason });
    }
  }
}

/** Cancels a step that is not settled, and all that is open inside it. */
export function cancelTree(draft: Draft, path: string, reason: string): void {
  const { status } = draft.step(path);
  if (stepIsSettled(status)) return;
  const lists = [...openLists(draft, path, () => itemsBegun(draft, path))];
  if (planned(draft, path).definition.type === 'workflow') cancelInnerRun(draft, path, reason);
  // The step first: what happens inside does not concern it any more.
  cancelStep(draft, path, reason);
  cancelInside(draft, lists, reason);
}

/** Cancels what is open in these lists. */
export function cancelInside(draft: Draft, lists: Iterable<ListInstance>, reason: string): void {
  for (const { list, prefix } of lists) for (const id of list.steps) cancelTree(draft, `${prefix}${id}`, reason);
}

/** Fails a block whose time is up, and cancels what is open in it. */
export function timeOutBlock(draft: Draft, path: string, error: StepFailure): void {
  const lists = [...openLists(draft, path, () => itemsBegun(draft, path))];
  failStep(draft, path, { error });
  cancelInside(draft, lists, error.message);
}

/** Goes on with a loop whose rounds were used up. */
export function moreRounds(draft: Draft, path: string, rounds: number): void {
  const { block } = draft.step(path).more;
  moveStep(draft, path, 'RESUME');
  draft.setMore(path, { block: { ...block, rounds: (block?.rounds ?? 0) + rounds } });
  const step = planned(draft, path) as Planned<LoopStep>;
  // Its time begins anew: waiting for people has stopped it.
  const timeoutMs = renderDuration(step, 'timeout', scopeOf(draft, path, step));
  if (timeoutMs !== null) armTimer(draft, { kind: 'timeout', path, afterMs: timeoutMs });
  nextRound(draft, path, step);
}

/** Counts the steps that a block, or a round of it, opens; false when they are too many, and the block has failed of it. */
function reserve(draft: Draft, path: string, lists: PlannedStep['lists']): boolean {
  const { block } = draft.step(path).more;
  const { then_steps, else_steps, steps } = lists;
  const list = block?.branch === 'then' ? then_steps : block?.branch === 'else' ? else_steps : steps;
  const opened = draft.record.opened + (list?.steps.length ?? 0) * (block?.items?.length ?? 1);
  if (opened > WORKFLOW_LIMITS.instances) {
    const message = `the run would have more than ${String(WORKFLOW_LIMITS.instances)} steps, rounds and items counted`;
    failStep(draft, path, { error: { class: 'LIMIT', message } });
    return false;
  }
  draft.setRecord({ opened });
  return true;
}

/** Makes the steps of a list ready that wait for nothing; false when there are no steps. */
export function begin(draft: Draft, { list, prefix }: ListInstance): boolean {
  for (const id of list.roots) draft.ready.push(`${prefix}${id}`);
  return list.steps.length > 0;
}

function openWith(
  draft: Draft,
  path: string,
  { block, detail, timeoutMs }: { block: BlockRecord; detail: JsonObject; timeoutMs: number | null },
): void {
  const at = draft.cause.at;
  moveStep(draft, path, 'OPEN', {
    attempt: draft.step(path).attempt + 1,
    begunAt: at,
    more: { ...draft.step(path).more, block },
  });
  draft.facts.push({ ...base(draft), type: 'step.opened', step: path, detail });
  if (timeoutMs !== null) armTimer(draft, { kind: 'timeout', path, afterMs: timeoutMs });
}

/** A parallel that waits for some of its steps only; true when that has ended it. */
function countTowards(
  draft: Draft,
  owner: string,
  { definition, settled }: { definition: ParallelStep; settled: Settled },
): boolean {
  const wanted = definition.wait_for === 'any' ? 1 : Number(definition.wait_for);
  const prefix = prefixOf(owner);
  // Steps that deal with failures are not what is waited for.
  const statuses = definition.steps
    .filter(({ when }) => when === 'on_success')
    .map(({ id }) => draft.step(`${prefix}${id}`).status);
  const succeeded = statuses.filter((status) => status === 'succeeded').length;
  const open = statuses.filter((status) => !stepIsSettled(status)).length;
  if (succeeded >= wanted && draft.step(owner).more.block?.failure === undefined) {
    const lists = [...openLists(draft, owner, () => 0)];
    passStep(draft, owner);
    cancelInside(draft, lists, `${settled.path} was enough`);
    return true;
  }
  if (succeeded + open < wanted) {
    const record = draft.step(settled.path);
    const few = `${String(succeeded)} of the ${String(wanted)} steps that ${owner} waits for succeeded`;
    const failure =
      record.status === 'failed'
        ? failureOf(record, settled.path)
        : ({ class: 'STEP_FAILED', message: few, step: owner } as const);
    failBlock(draft, owner, failure);
  }
  return false;
}

function failBlock(draft: Draft, path: string, failure: ListFailure, settled?: Settled): void {
  if (draft.step(path).more.block?.failure !== undefined) return;
  // The item that this was the end of is counted, but no other has begun in its place.
  stopBlock(draft, path, { failure }, settled?.last === true ? settled.done - 1 : undefined);
}

function stopBlock(draft: Draft, path: string, why: Pick<BlockRecord, 'failure' | 'stopped'>, done?: number): void {
  const { block } = draft.step(path).more;
  const frozen = block?.items === undefined ? {} : { begun: itemsBegun(draft, path, done) };
  draft.setMore(path, { block: { ...block, ...frozen, ...why } });
  const reason = why.failure === undefined ? (why.stopped ?? '') : `step ${why.failure.step ?? path} failed`;
  for (const list of openLists(draft, path, () => itemsBegun(draft, path))) windDown(draft, list, reason);
}

function isEnding(block: BlockRecord): boolean {
  return block.failure !== undefined || block.stopped !== undefined;
}

/** Ends a block all of whose lists are over. */
function endBlock(draft: Draft, path: string): void {
  const { block } = draft.step(path).more;
  if (block?.failure !== undefined) {
    const { step, message } = block.failure;
    const error = { class: 'STEP_FAILED', message: `${step ?? 'a step'} failed: ${message}` } as const;
    failStep(draft, path, { error });
  } else if (block?.stopped !== undefined) {
    cancelStep(draft, path, block.stopped);
  } else {
    passStep(draft, path);
  }
}

function itemDone(draft: Draft, path: string, { step, done }: { step: Planned<ForEachStep>; done: number }): void {
  const { block } = draft.step(path).more;
  const begunBefore = itemsBegun(draft, path, done - 1);
  const begun = itemsBegun(draft, path, done);
  const list = step.lists.steps;
  if (list !== undefined) {
    // By its records: an item whose run was taken up again, or shares a past, may have been begun before.
    for (let item = begunBefore; item < begun; item++)
      makeReady(draft, { owner: path, list, prefix: frameOf(path, item) });
  }
  if (done >= (block?.begun ?? block?.items?.length ?? 0)) endBlock(draft, path);
}

function roundDone(draft: Draft, path: string, step: Planned<LoopStep>): void {
  const { block } = draft.step(path).more;
  if (block === undefined || isEnding(block)) {
    endBlock(draft, path);
    return;
  }
  judged(draft, path, () => {
    const scope = scopeInside(draft, path, { step, round: block.round ?? 0 });
    if (step.until?.evaluate(scope)) endBlock(draft, path);
    else nextRound(draft, path, step);
  });
}

function nextRound(draft: Draft, path: string, step: Planned<LoopStep>): void {
  const { block = {} } = draft.step(path).more;
  const { round = 0, rounds = 1 } = block;
  judged(draft, path, () => {
    if (step.while !== null && !step.while.evaluate(scopeInside(draft, path, { step, round }))) {
      endBlock(draft, path);
      return;
    }
    if (round >= rounds) {
      limitReached(draft, path, { step, rounds });
      return;
    }
    if (!reserve(draft, path, step.lists)) return;
    draft.setMore(path, { block: { ...block, round: round + 1 } });
    draft.facts.push({ ...base(draft), type: 'step.round', step: path, round: round + 1 });
    const list = step.lists.steps;
    if (list === undefined || !begin(draft, { owner: path, list, prefix: frameOf(path, round + 1) }))
      endBlock(draft, path);
  });
}

/** A loop that has used up its rounds has not reached what it was for: that is never a pass. */
function limitReached(draft: Draft, path: string, { step, rounds }: { step: Planned<LoopStep>; rounds: number }): void {
  const { until, while: while_, on_limit } = step.definition;
  const aim = until === null ? `"${while_ ?? ''}" still holds` : `"${until}" does not hold`;
  const message = `${aim} after ${String(rounds)} ${rounds === 1 ? 'round' : 'rounds'}`;
  if (on_limit === 'ask' && mayGoOn(draft, path)) {
    const choices = [
      { id: 'more', label: 'Another round' },
      { id: 'accept', label: 'Accept it as it is' },
      { id: 'fail', label: 'Let it fail' },
    ];
    const question = {
      about: 'limit',
      prompt: `Loop ${path}: ${message}`,
      choices,
      context: {},
      assignees: [],
    } as const;
    ask(draft, path, { question });
    return;
  }
  failStep(draft, path, { error: { class: 'LIMIT', message } });
}

/** An expression of an open loop that cannot be evaluated fails the loop. */
function judged(draft: Draft, path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!hasCode(error, 'EXPRESSION_FAILED')) throw error;
    failStep(draft, path, { error: { class: 'EXPRESSION', message: error.message } });
  }
}
