/**
 * What steps came to, as later steps and personas see it. The value of a block is put together from its steps whenever
 * it is asked for, so that no result is stored twice.
 */
import type { JsonValue } from '../core/json.js';
import type { ArtifactRef, StepOutcome } from '../core/exchange.js';
import { stepIsSettled } from '../core/statuses.js';
import type { PlannedList } from '../definition/plan.js';
import { frameOf, planned, prefixOf, type Run, subPlanOf } from './instances.js';
import type { StepRecord } from './records.js';

/** Artifacts that the outcome of a block names: enough to find one's way, without listing those of ten thousand items. */
const ARTIFACTS_LIMIT = 100;

/** `pass`, `fail`, `error`, `skipped` or `canceled`; null while it is open. What was never reached counts as skipped. */
export function statusOf(record: StepRecord): string | null {
  switch (record.status) {
    case 'succeeded':
      return 'pass';
    case 'failed':
      return record.verdict ?? 'error';
    case 'skipped':
    case 'pending':
      return 'skipped';
    case 'canceled':
      return 'canceled';
    default:
      return null;
  }
}

/** By record, of blocks that have settled: what stands in them changes no more, and thousands may read it. */
const values = new WeakMap<StepRecord, JsonValue>();
const artifacts = new WeakMap<StepRecord, readonly ArtifactRef[]>();

/** The value of a settled step; null for one that has none. */
export function valueOf(run: Run, path: string): JsonValue {
  const record = run.step(path);
  if (record.more.block === undefined || !stepIsSettled(record.status)) return builtValue(run, path, record);
  const known = values.get(record);
  if (known !== undefined) return known;
  const value = builtValue(run, path, record);
  values.set(record, value);
  return value;
}

function builtValue(run: Run, path: string, record: StepRecord): JsonValue {
  const { definition, lists } = planned(run, path);
  const { block } = record.more;
  const prefix = prefixOf(path);
  switch (definition.type) {
    case 'conditional':
      return block === undefined
        ? null
        : lastValue(run, block.branch === 'then' ? lists.then_steps : lists.else_steps, prefix);
    case 'parallel':
      return Object.fromEntries(
        (lists.steps?.steps ?? [])
          .filter((id) => run.step(`${prefix}${id}`).status === 'succeeded')
          .map((id) => [id, valueOf(run, `${prefix}${id}`)]),
      );
    case 'loop':
      return (block?.round ?? 0) === 0 ? null : lastValue(run, lists.steps, frameOf(path, block?.round ?? 0));
    case 'for_each':
      return (block?.items ?? []).map((_item, index) => lastValue(run, lists.steps, frameOf(path, index)));
    case 'plan':
      return block?.steps === undefined ? null : lastValue(run, subPlanOf(run, path).root, frameOf(path, 1));
    default:
      return record.result;
  }
}

/** What a later request carries of a step; null for one that has come to nothing. */
export function outcomeOf(run: Run, path: string): StepOutcome | null {
  const record = run.step(path);
  if (record.status === 'succeeded')
    return { status: 'pass', result: valueOf(run, path), artifacts: artifactsOf(run, path) };
  if (record.verdict === null) return null;
  return { status: record.verdict, result: valueOf(run, path), artifacts: artifactsOf(run, path) };
}

/** The artifacts of a step, and of the steps inside it. */
export function artifactsOf(run: Run, path: string): readonly ArtifactRef[] {
  const record = run.step(path);
  if (record.more.block === undefined) return record.artifacts.slice(0, ARTIFACTS_LIMIT);
  if (!stepIsSettled(record.status)) return foundArtifacts(run, path, record);
  const known = artifacts.get(record);
  if (known !== undefined) return known;
  const found = foundArtifacts(run, path, record);
  artifacts.set(record, found);
  return found;
}

function foundArtifacts(run: Run, path: string, record: StepRecord): readonly ArtifactRef[] {
  const found: ArtifactRef[] = [...record.artifacts];
  for (const inner of stepsInside(run, path)) {
    if (found.length >= ARTIFACTS_LIMIT) break;
    found.push(...artifactsOf(run, inner));
  }
  return found.slice(0, ARTIFACTS_LIMIT);
}

/** Paths of the steps right inside a block, as far as their lists were opened. */
function* stepsInside(run: Run, path: string): Generator<string> {
  const { definition, lists } = planned(run, path);
  const { block } = run.step(path).more;
  if (block === undefined) return;
  const prefix = prefixOf(path);
  if (definition.type === 'conditional') {
    const list = block.branch === 'then' ? lists.then_steps : lists.else_steps;
    for (const id of list?.steps ?? []) yield `${prefix}${id}`;
  } else if (definition.type === 'parallel') {
    for (const id of lists.steps?.steps ?? []) yield `${prefix}${id}`;
  } else if (definition.type === 'loop') {
    for (let round = 1; round <= (block.round ?? 0); round++)
      for (const id of lists.steps?.steps ?? []) yield `${frameOf(path, round)}${id}`;
  } else if (definition.type === 'for_each') {
    for (const index of (block.items ?? []).keys())
      for (const id of lists.steps?.steps ?? []) yield `${frameOf(path, index)}${id}`;
  } else if (definition.type === 'plan' && block.steps !== undefined) {
    for (const id of subPlanOf(run, path).root.steps) yield `${frameOf(path, 1)}${id}`;
  }
}

function lastValue(run: Run, list: PlannedList | undefined, prefix: string): JsonValue {
  const last = list?.last ?? null;
  return last === null ? null : valueOf(run, `${prefix}${last}`);
}
