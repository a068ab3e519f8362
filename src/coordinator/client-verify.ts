/**
 * Whether what is stored of a run is what its history says. The history is folded once more, from the record that the run
 * began with, as the coordinator folded it: facts, hashes, records and all that stands beside them must come out the same.
 */
import { hasCode, messageOf } from '../core/errors.js';
import type { InspectedFields, InspectedRun, InspectionPort } from '../core/inspection-port.js';
import type { HistoryEntry, RunPort } from '../core/ports.js';
import { parseRecord, type RunRecord, runRecordSchema, type StepRecord } from '../machines/records.js';
import { isNewer } from './codec.js';
import { firstDifference } from './differences.js';
import { judgeHistory, type JudgedHistory, type Problem } from './judged-history.js';
import type { Plans } from './plans.js';

export type { Problem } from './judged-history.js';

/** What a history gives up to where it breaks. */
export interface Refolded {
  /** Hash of the definition that the run goes on with. */
  readonly definition: string;
  readonly record: RunRecord;
  /** Records of the steps that have left `pending`, by path. */
  readonly steps: ReadonlyMap<string, StepRecord>;
  readonly version: number;
  /** Hash of the last entry that was folded. */
  readonly chain: string;
  /** Null when all of it was folded. */
  readonly broken: Problem | null;
}

/**
 * Folds the history of a run from its genesis. `definition` and `input` as stored. Null when there is nothing to begin
 * with: a run without history, or one from before format 3. Throws what the store throws.
 */
export async function refold(
  plans: Pick<Plans, 'get'>,
  run: { readonly definition: string; readonly input: string; readonly history: readonly HistoryEntry[] },
): Promise<Refolded | null> {
  const { history } = run;
  if (history[0]?.genesis === null || history.length === 0) return null;
  const stored = { ...run, chain: '' };
  const whole = await judgeHistory(plans, { stored, history });
  const broken = whole.problems[0] ?? null;
  const at = broken === null ? history.length : history.findIndex(({ id }) => id === broken.entry);
  const sound = broken === null ? whole : await judgeHistory(plans, { stored, history: history.slice(0, at) });
  if (sound.state === null) return null;
  const { record, steps, plan } = sound.state;
  return { definition: plan.hash, record, steps, version: sound.version, chain: sound.chain, broken };
}

/** What was found of one run. */
export interface RunVerdict {
  readonly run: string;
  readonly partition: number;
  readonly status: string;
  readonly version: number;
  /** What is wrong; none: all is as it should be. */
  readonly problems: readonly Problem[];
  /** What is no fault, but should be known. */
  readonly warnings: readonly string[];
  readonly unchecked: readonly string[];
}

export interface VerifyMeans {
  readonly inspection: InspectionPort;
  readonly runs: Pick<RunPort, 'history'>;
  readonly plans: Pick<Plans, 'get'>;
}

const PAGE = 500;
/** A run that moves all the time is caught at last: each look takes some ms. */
const LOOKS = 50;

/** Looks at a run until nothing moves it meanwhile. Throws what the store throws. */
export async function verifyRun(
  { inspection, runs, plans }: VerifyMeans,
  { partition, run }: { readonly partition: number; readonly run: string },
): Promise<RunVerdict> {
  for (let look = 1; ; look++) {
    const inspected = await inspection.inspect(partition, run);
    const history = await historyOf(runs, { partition, run });
    const found = { run, partition, ...(await verdict(plans, { inspected, history })) };
    if (found.problems.length === 0 || look === LOOKS) return found;
    // What was read before it moved does not fit what was read after.
    if (!hasMoved(inspected, await inspection.inspect(partition, run))) return found;
  }
}

function hasMoved(before: InspectedRun, after: InspectedRun): boolean {
  return before.run?.version !== after.run?.version || before.run?.chain !== after.run?.chain;
}

async function historyOf(
  runs: VerifyMeans['runs'],
  { partition, run }: { readonly partition: number; readonly run: string },
): Promise<readonly HistoryEntry[]> {
  const history: HistoryEntry[] = [];
  for (let after = '0'; ; ) {
    const page = await runs.history({ partition, run, after, limit: PAGE });
    for (const entry of page) history.push(entry);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return history;
    after = last.id;
  }
}

async function verdict(
  plans: Pick<Plans, 'get'>,
  { inspected, history }: { readonly inspected: InspectedRun; readonly history: readonly HistoryEntry[] },
): Promise<Omit<RunVerdict, 'run' | 'partition'>> {
  const { run, listed } = inspected;
  if (run === null) {
    const last = history.at(-1);
    if (last === undefined && listed.length === 0) return { status: '', version: 0, ...NOTHING };
    const what =
      last === undefined ? `listed as ${listed.join(' and ')}` : `${String(history.length)} entries of history`;
    const place = { entry: last?.id ?? null, version: last?.version ?? null, field: 'run' };
    const problems = [{ ...place, expected: 'a run', found: `none, but ${what}` }];
    return { ...NOTHING, status: '', version: 0, problems };
  }
  const { status, version, quarantined } = run;
  const warnings = quarantined === null ? [] : [`it is set aside: ${quarantined}`];
  const known = { status, version, problems: [], warnings };
  if (isNewer(run))
    return { ...known, unchecked: [`it has format ${String(run.format)}, which a newer coord has written`] };
  try {
    const judged = await judgeHistory(plans, { stored: run, history });
    const problems = [...judged.problems, ...besideHistory(run, { judged, listed })];
    return { ...known, problems, unchecked: uncheckedOf(judged) };
  } catch (error) {
    if (!hasCode(error, 'FORMAT_UNKNOWN')) throw error;
    return { ...known, unchecked: [error.message] };
  }
}

const NOTHING = { problems: [], warnings: [], unchecked: [] } as const;

function uncheckedOf({ byHand, problems, state, unchecked }: JudgedHistory): readonly string[] {
  const all = new Set(unchecked);
  if (byHand) all.add('somebody has ended it by hand: its steps are not compared with its history');
  else if (state === null && problems.length > 0)
    all.add('its records are not compared with its history, which cannot be folded to its end');
  return [...all];
}

/** What the run's own fields should be by its history, and what should stand beside them by its record. */
function besideHistory(
  run: InspectedFields,
  { judged, listed }: { readonly judged: JudgedHistory; readonly listed: readonly string[] },
): readonly Problem[] {
  const found = new Found(run.version);
  const { state, version, chain, byHand, unchecked } = judged;
  if (version > 0) {
    found.compare('version', { expected: String(version), found: String(run.version) });
    found.compare('chain', { expected: chain, found: run.chain });
  } else if (unchecked.length === 0 && run.version !== 0) {
    found.add({ field: 'history', expected: `${String(run.version)} entries`, found: 'none' });
  }
  const folded = run.version === version ? state : null;
  if (folded !== null) {
    found.compareJson('record', { expected: JSON.stringify(folded.record), found: run.record });
    found.compare('definition', { expected: folded.plan.hash, found: run.definition });
    if (!byHand) compareSteps(found, { stored: run.steps, folded: folded.steps });
  }
  const status = folded?.record.status ?? statusOf(run, found);
  if (status !== null) {
    found.compare('status', { expected: status, found: run.status });
    found.compare('listing', { expected: status, found: listed.length === 0 ? 'none' : listed.join(' and ') });
  }
  compareTokens(found, run);
  return found.problems;
}

/** Collects problems of a run's own fields, one per field. */
class Found {
  readonly problems: Problem[] = [];
  readonly #version: number;

  constructor(version: number) {
    this.#version = version;
  }

  add(problem: Pick<Problem, 'field' | 'expected' | 'found'>): void {
    this.problems.push({ entry: null, version: this.#version, ...problem });
  }

  compare(field: string, texts: Pick<Problem, 'expected' | 'found'>): void {
    if (texts.expected !== texts.found) this.add({ field, ...texts });
  }

  compareJson(field: string, texts: Pick<Problem, 'expected' | 'found'>): void {
    const difference = firstDifference(texts.expected, texts.found);
    if (difference === null) return;
    const { path, expected, found } = difference;
    this.add({ field: path === '' ? field : `${field}.${path}`, expected, found });
  }

  has(field: string): boolean {
    return this.problems.some((problem) => problem.field === field || problem.field.startsWith(`${field}.`));
  }
}

function compareSteps(
  found: Found,
  { stored, folded }: { stored: ReadonlyMap<string, string>; folded: ReadonlyMap<string, StepRecord> },
): void {
  for (const [path, record] of folded) {
    const text = stored.get(path);
    if (text === undefined) found.add({ field: `s:${path}`, expected: `a record (${record.status})`, found: 'none' });
    else found.compareJson(`s:${path}`, { expected: JSON.stringify(record), found: text });
  }
  for (const path of stored.keys())
    if (!folded.has(path)) found.add({ field: `s:${path}`, expected: 'none', found: 'a record' });
}

/** The status by the stored record, where the history does not tell it. */
function statusOf({ record }: InspectedFields, found: Found): string | null {
  try {
    return parseRecord(runRecordSchema, record, 'the record').status;
  } catch (error) {
    found.add({ field: 'record', expected: 'a record', found: messageOf(error) });
    return null;
  }
}

/** A token is awaited, or its reply lies in the inbox; and only what is awaited can be held. */
function compareTokens(found: Found, { steps, tokens, delivered, claimed }: InspectedFields): void {
  for (const [path, text] of steps) {
    const token = tokenOf(text);
    if (token === undefined && !found.has(`s:${path}`))
      found.add({ field: `s:${path}`, expected: 'a record', found: text.slice(0, 80) });
    if (token === undefined || found.has(`s:${path}`)) continue;
    const awaited = tokens.get(path);
    const is = awaited ?? (token === delivered.get(path) ? token : null);
    found.compare(`t:${path}`, { expected: token ?? 'none', found: is ?? 'none' });
  }
  for (const [path, token] of tokens)
    if (!steps.has(path)) found.add({ field: `t:${path}`, expected: 'none', found: token });
  for (const path of claimed)
    if (!tokens.has(path))
      found.add({ field: `c:${path}`, expected: 'none, since nothing is awaited', found: 'a claim' });
}

/** The token in a step's record; undefined when it is no record. */
function tokenOf(text: string): string | null | undefined {
  try {
    const { token } = JSON.parse(text) as { token?: string | null };
    return token;
  } catch {
    return undefined;
  }
}
