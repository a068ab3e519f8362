/**
 * What runs again when a run is taken up from some step. A step that runs again is `pending` as if nothing had happened to
 * it, but that its attempts go on counting, so that no token of an earlier one is ever awaited again. A block around it is
 * `working` again with what else is in it. All that ever happened stays in the history.
 */
import { hasCode } from '../core/errors.js';
import { stepIsSettled } from '../core/statuses.js';
import { renderDuration } from '../definition/render.js';
import { cancelTree } from './blocks.js';
import { frameOf, listOf, type ListInstance, openLists, ownerOfFrame, planned, prefixOf } from './instances.js';
import { armTimer, itemsBegun, moveStep } from './moves.js';
import { type BlockRecord, PENDING_STEP } from './records.js';
import { scopeOf } from './scope.js';
import type { Draft } from './state.js';

/** What is to run again: steps with all that is in them, and the blocks around them, outer ones last. */
export class Again {
  readonly #draft: Draft;
  readonly steps = new Set<string>();
  /** With the round that a loop goes on with. */
  readonly blocks = new Map<string, { readonly round: number | null }>();

  /** Whether nothing has failed any more. */
  takesUp = false;

  constructor(draft: Draft) {
    this.#draft = draft;
  }

  /** A step, and everything that waits for it, in its own list and around. */
  from(path: string): void {
    let at = path;
    this.#withDependents(at, true);
    for (let { owner, list, prefix } = listOf(this.#draft, at); owner !== null; ) {
      const round = list.framed && planned(this.#draft, owner).definition.type === 'loop' ? indexOf(prefix) : null;
      if (this.#wentBad(owner)) this.failedIn({ owner, list, prefix });
      this.#open(owner, round);
      if (round !== null) this.#laterRounds(owner, round);
      at = owner;
      this.#withDependents(at, false);
      ({ owner, list, prefix } = listOf(this.#draft, at));
    }
  }

  /**
   * Whatever kept a list from going well: what failed, was canceled or was passed over for that, and what deals with failures.
   * Returns whether there is any.
   */
  failedIn({ list, prefix }: ListInstance): boolean {
    let any = false;
    for (const id of list.steps) any = this.#failedAt(`${prefix}${id}`) || any;
    return any;
  }

  /** What was undone holds no more. */
  undone(): void {
    for (const path of this.#draft.touched())
      if (this.#draft.step(path).more.undo !== undefined) this.from(outermost(this.#draft, path));
  }

  /**
   * Does it; what is under way in it is canceled, which its worker hears of with its next heartbeat. Returns why it cannot be
   * done, and the draft is of no use then; else null.
   */
  apply(reason: string): string | null {
    const draft = this.#draft;
    for (const path of this.steps) if (draft.step(path).status !== 'pending') cancelTree(draft, path, reason);
    // What that would lead to is found anew by the records.
    draft.forgetDerived();
    // Inner ones first: what a step planned is only known while it has its plan.
    for (const path of [...this.steps].toSorted((a, b) => b.length - a.length)) reset(draft, path);
    for (const [path, { round }] of this.blocks) reopen(draft, path, round);
    tellSettled(draft, this.blocks.keys());
    return this.#overtaken();
  }

  /** Items begin in order: none may be under way behind those that are still to come now. */
  #overtaken(): string | null {
    const draft = this.#draft;
    for (const path of this.blocks.keys()) {
      if (draft.step(path).status !== 'working' || planned(draft, path).definition.type !== 'for_each') continue;
      const begun = itemsBegun(draft, path);
      for (const at of draft.touched()) {
        const { status } = draft.step(at);
        if (!at.startsWith(`${path}[`) || status === 'pending' || stepIsSettled(status)) continue;
        if (Number.parseInt(at.slice(path.length + 1), 10) >= begun)
          return `wait until step ${at} is over, which began later`;
      }
    }
    return null;
  }

  #failedAt(path: string): boolean {
    const draft = this.#draft;
    const { status, more } = draft.step(path);
    const { definition } = planned(draft, path);
    if (status === 'pending') return false;
    if (definition.when !== 'on_success') {
      if (stepIsSettled(status)) this.steps.add(path);
      return false;
    }
    if (status === 'succeeded' || more.tolerated === true || more.passedOver === true) return false;
    if (status === 'skipped') {
      this.steps.add(path);
      return true;
    }
    const { block } = more;
    const ends = status === 'working' && (block?.failure !== undefined || block?.stopped !== undefined);
    if (status !== 'failed' && status !== 'canceled' && !ends) return false;
    if (block !== undefined) {
      let any = false;
      for (const list of openLists(draft, path, () => itemsBegun(draft, path))) any = this.failedIn(list) || any;
      // One that was only stopped goes on where it was.
      if (any || status !== 'failed') {
        this.#open(path, null);
        return true;
      }
    }
    this.steps.add(path);
    return true;
  }

  #open(path: string, round: number | null): void {
    // Inner ones first, so each is put at the end again.
    const known = this.blocks.get(path);
    this.blocks.delete(path);
    this.blocks.set(path, { round: round ?? known?.round ?? null });
  }

  #withDependents(path: string, itself: boolean): void {
    const prefix = prefixOf(path);
    const found = new Set([path]);
    for (const at of found) for (const id of planned(this.#draft, at).dependents) found.add(`${prefix}${id}`);
    if (!itself) found.delete(path);
    for (const at of found) this.steps.add(at);
  }

  /** What made it so runs again too, since nothing tells the block of it a second time. */
  #wentBad(path: string): boolean {
    const { status, more } = this.#draft.step(path);
    return more.block?.failure !== undefined || more.block?.stopped !== undefined || status === 'canceled';
  }

  #laterRounds(owner: string, round: number): void {
    const rounds = this.#draft.step(owner).more.block?.round ?? 0;
    const ids = planned(this.#draft, owner).lists.steps?.steps ?? [];
    for (let later = round + 1; later <= rounds; later++)
      for (const id of ids) this.steps.add(`${frameOf(owner, later)}${id}`);
  }
}

function indexOf(prefix: string): number {
  return Number(ownerOfFrame(prefix).index);
}

function outermost(draft: Draft, path: string): string {
  for (let at = path; ; ) {
    const { owner } = listOf(draft, at);
    if (owner === null) return at;
    at = owner;
  }
}

/** To `pending`, with everything inside. */
function reset(draft: Draft, path: string): void {
  const { lists } = planned(draft, path);
  for (const list of [lists.then_steps, lists.else_steps, lists.steps])
    if (list !== undefined && !list.framed) for (const id of list.steps) reset(draft, `${prefixOf(path)}${id}`);
  const inside = [...draft.touched()].filter((at) => at.startsWith(`${path}[`));
  for (const at of [...inside.toSorted((a, b) => b.length - a.length), path]) {
    const { status, attempt, more } = draft.step(at);
    if (status === 'pending' && more.place === undefined) continue;
    const { questions, used, raised } = more;
    const kept = {
      ...(questions !== undefined && { questions }),
      ...(used !== undefined && { used }),
      ...(raised !== undefined && { raised }),
    };
    if (status === 'pending') draft.setStep(at, { more: kept });
    else moveStep(draft, at, 'RESET', { ...NOTHING, attempt, more: kept });
  }
}

/** What a step that nothing has happened to holds, but for what it keeps. */
const { status: _status, attempt: _attempt, more: _more, ...NOTHING } = PENDING_STEP;

/** A block goes on with what is in it, as if nothing had ended it. */
function reopen(draft: Draft, path: string, round: number | null): void {
  const { status, attempt, more } = draft.step(path);
  if (status === 'pending') return;
  const { failure: _failure, stopped: _stopped, begun: _begun, ...rest } = more.block ?? {};
  const block: BlockRecord = round === null ? rest : { ...rest, round };
  const { tolerated: _tolerated, undo: _undo, waitsFor: _waitsFor, ...others } = more;
  const opened = { more: { ...others, block } };
  if (status === 'working') {
    draft.setStep(path, opened);
    return;
  }
  const anew = {
    attempt: attempt + 1,
    begunAt: draft.cause.at,
    endedAt: null,
    verdict: null,
    error: null,
    reason: null,
  };
  moveStep(draft, path, status === 'waiting' ? 'RESUME' : 'REOPEN', { ...anew, order: null, ...opened });
  armBlock(draft, path);
}

/** The time of a block begins anew. */
export function armBlock(draft: Draft, path: string): void {
  const timeoutMs = timeoutOf(draft, path);
  if (timeoutMs !== null) armTimer(draft, { kind: 'timeout', path, afterMs: timeoutMs });
}

function timeoutOf(draft: Draft, path: string): number | null {
  const step = planned(draft, path);
  try {
    return renderDuration(step, 'timeout', scopeOf(draft, path, step));
  } catch (error) {
    if (!hasCode(error, 'EXPRESSION_FAILED')) throw error;
    return null;
  }
}

/** Blocks that were opened again, with nothing left in them to do: the last step in them says so once more. */
export function tellSettled(draft: Draft, blocks: Iterable<string>): void {
  for (const path of blocks) {
    if (draft.step(path).status !== 'working') continue;
    const lists = [...openLists(draft, path, () => itemsBegun(draft, path))];
    const last = lists.at(-1);
    const id = last?.list.steps.at(-1);
    if (last === undefined || id === undefined) continue;
    const open = lists.some(({ list, prefix }) =>
      list.steps.some((one) => !stepIsSettled(draft.step(`${prefix}${one}`).status)),
    );
    if (!open) draft.settled.push({ path: `${last.prefix}${id}`, last: true, done: lists.length });
  }
}
