/**
 * The steps of a run as rows, those inside a block below it. A block that holds very many shows what is under way or
 * failed, and counts the rest: ten thousand items are for reading in no list.
 */
import { stepIsSettled } from '../../core/statuses.js';
import type { StepView } from '../../core/views.js';
import type { BlockFacts } from './block-facts.js';
import { oneLine } from './printable.js';

export interface StepRow {
  readonly step: StepView;
  /** Blocks around it. */
  readonly depth: number;
  /** Round or item it stands in, `[2] ` with a space behind it, or empty. */
  readonly frame: string;
  /** Its own id. */
  readonly id: string;
  /** How far a block is, which run is inside; empty for other steps. */
  readonly note: string;
}

/** Steps of one block that are shown one by one. */
const SHOWN = 20;

type Children = ReadonlyMap<string | null, readonly StepView[]>;

export function stepRows(steps: readonly StepView[], facts: BlockFacts): readonly StepRow[] {
  const children = new Map<string | null, StepView[]>();
  for (const step of steps) {
    const siblings = children.get(step.parent);
    if (siblings === undefined) children.set(step.parent, [step]);
    else siblings.push(step);
  }
  const rows: StepRow[] = [];
  addRows(rows, children.get(null) ?? [], { children, facts, depth: 0 });
  return rows;
}

/** Recursion goes as deep as blocks are nested, which the definition bounds. */
function addRows(
  rows: StepRow[],
  steps: readonly StepView[],
  { children, facts, depth }: { children: Children; facts: BlockFacts; depth: number },
): void {
  for (const step of steps) {
    const inside = children.get(step.id) ?? [];
    rows.push({ step, depth, ...labelOf(step), note: noteOf(step, inside, facts) });
    addRows(rows, worthShowing(step, inside), { children, facts, depth: depth + 1 });
  }
}

function labelOf({ id, parent }: StepView): { readonly frame: string; readonly id: string } {
  const index = parent === null ? null : frameIndex(id, parent);
  return { frame: index === null ? '' : `[${oneLine(index)}] `, id: oneLine(id.slice(id.lastIndexOf('/') + 1)) };
}

/** `2` of `fix[2]/qa` in `fix`; null for a step that stands in no frame of its parent. */
function frameIndex(id: string, parent: string): string | null {
  return id.startsWith(`${parent}[`) ? id.slice(parent.length + 1, id.indexOf(']', parent.length)) : null;
}

function worthShowing(block: StepView, inside: readonly StepView[]): readonly StepView[] {
  if (inside.length <= SHOWN) return inside;
  const last = block.type === 'loop' ? lastFrame(block, inside) : null;
  return inside
    .filter((step) => isFatal(step) || isUnderWay(step) || (last !== null && frameIndex(step.id, block.id) === last))
    .slice(0, SHOWN);
}

function lastFrame(block: StepView, inside: readonly StepView[]): string | null {
  const last = inside.findLast(({ id }) => /^\d+$/.test(frameIndex(id, block.id) ?? ''));
  return last === undefined ? null : frameIndex(last.id, block.id);
}

export function isUnderWay({ status }: StepView): boolean {
  return !stepIsSettled(status) && status !== 'pending';
}

export function isFatal({ status, tolerated }: StepView): boolean {
  return status === 'failed' && !tolerated;
}

function noteOf(step: StepView, inside: readonly StepView[], facts: BlockFacts): string {
  // What undoes a step is no part of what it is for.
  const own = inside.filter(({ id }) => frameIndex(id, step.id) !== 'compensate');
  switch (step.type) {
    case 'conditional': {
      const branch = facts.branch(step.id);
      return branch === null ? '' : `${oneLine(branch)} branch`;
    }
    case 'loop':
      return joined(roundOf(step, own, facts), own.length > SHOWN ? countsOf(own) : '');
    case 'for_each':
      return step.status === 'pending' ? '' : joined(itemsOf(step, own, facts), countsOf(own));
    case 'parallel':
    case 'plan':
      return own.length === 0 || step.status === 'pending' ? '' : joined(stepsOf(own), countsOf(own));
    case 'workflow':
      return step.run === null ? '' : `run ${oneLine(step.run)}: coord show ${oneLine(step.run)}`;
    default:
      return '';
  }
}

function joined(...words: readonly string[]): string {
  return words.filter((word) => word !== '').join(', ');
}

function roundOf(step: StepView, inside: readonly StepView[], facts: BlockFacts): string {
  const round = Number(lastFrame(step, inside) ?? 0);
  const most = facts.rounds(step.id);
  if (round === 0) return '';
  return `round ${String(round)}${most === null ? '' : ` of ${String(Math.max(most, round))}`}`;
}

function itemsOf(step: StepView, inside: readonly StepView[], facts: BlockFacts): string {
  const open = new Set<string>();
  const all = new Set<string>();
  for (const { id, status } of inside) {
    const item = frameIndex(id, step.id) ?? '';
    all.add(item);
    if (!stepIsSettled(status)) open.add(item);
  }
  const done = all.size - open.size;
  const most = facts.items(step.id);
  return most === null ? `${counted(done)} items done` : `${counted(done)} of ${counted(most)} items`;
}

function stepsOf(inside: readonly StepView[]): string {
  const done = inside.filter(({ status }) => stepIsSettled(status)).length;
  return `${counted(done)} of ${counted(inside.length)} steps`;
}

/** What went wrong always; with more steps than are shown, all that is going on. */
function countsOf(inside: readonly StepView[]): string {
  const count = (is: (step: StepView) => boolean): number => inside.filter(is).length;
  const numbers: readonly (readonly [number, string])[] = [
    [inside.length > SHOWN ? count(({ status }) => status === 'succeeded') : 0, 'succeeded'],
    [inside.length > SHOWN ? count(isUnderWay) : 0, 'working'],
    [count(isFatal), 'failed'],
    [count((step) => step.status === 'failed' && step.tolerated), 'passed over'],
  ];
  return numbers
    .filter(([number]) => number > 0)
    .map(([number, word]) => `${counted(number)} ${word}`)
    .join(', ');
}

/** `12,345`. */
export function counted(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}
