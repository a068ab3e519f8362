/**
 * A run that is set aside: what is damaged, what can be done, and doing it. Each way out is one script that checks that the
 * run is still as it was looked at. Records that are not damaged are never written again.
 */
import { isDeepStrictEqual } from 'node:util';
import { CoordError, hasCode, messageOf } from '../core/errors.js';
import { RUN_FORMAT, UNMARKED_RUN_FORMAT } from '../core/formats.js';
import type { DeadLetter } from '../core/keep-ports.js';
import { claimSchema, runInputSchema } from '../core/messages.js';
import type { HistoryEntry, Store } from '../core/ports.js';
import type { RunStatus } from '../core/statuses.js';
import { storedRunFrom } from '../core/stored-fields.js';
import { fold } from '../machines/fold.js';
import { parseRecord, runRecordSchema, stepRecordSchema } from '../machines/records.js';
import { refold, type Refolded } from './client-verify.js';
import { messageFrom, stateOf } from './codec.js';
import type { Plans } from './plans.js';

export interface RepairMeans {
  readonly store: Pick<Store, 'keeping' | 'runs'>;
  readonly plans: Pick<Plans, 'get'>;
}

/** Something that cannot be read: `record`, `s:qa`, `definition`; with what is wrong. */
export interface Damage {
  readonly field: string;
  readonly problem: string;
}

export interface Diagnosis {
  readonly run: string;
  readonly partition: number;
  readonly version: string;
  readonly status: string;
  /** Why it is set aside; null when it is not. */
  readonly quarantined: string | null;
  readonly damage: readonly Damage[];
  /** Messages to it that were not applied, oldest first. */
  readonly letters: readonly DeadLetter[];
  /** Those that would set it aside again, with why. */
  readonly again: readonly { readonly letter: DeadLetter; readonly problem: string }[];
  /** Why the history does not give the run as it should be; null when it does. */
  readonly notRebuilt: string | null;
}

/** A diagnosis with what it was made from. */
export interface Examined extends Diagnosis {
  readonly fields: ReadonlyMap<string, string>;
  readonly history: readonly HistoryEntry[];
  readonly refolded: Refolded | null;
}

const PAGE = 500;

/** Throws RUN_NOT_FOUND, FORMAT_UNKNOWN for a run of a newer coord, and whatever the store throws. */
export async function examine(means: RepairMeans, partition: number, run: string): Promise<Examined> {
  const { store, plans } = means;
  const fields = await store.keeping.fields(partition, run);
  if (fields === null) throw new CoordError('RUN_NOT_FOUND', `there is no run "${run}". See \`coord list\`.`);
  const format = Number(fields.get('format') ?? UNMARKED_RUN_FORMAT);
  if (format > RUN_FORMAT)
    throw new CoordError(
      'FORMAT_UNKNOWN',
      `run ${run} has format ${String(format)}, this coord knows up to ${String(RUN_FORMAT)}: it is for the newer coord that has written it`,
    );
  const history = await historyOf(store, partition, run);
  const damage = await damageOf(plans, fields);
  const letters = await lettersOf(store, partition, run);
  const { refolded, why } = await rebuilt(plans, fields, history);
  return {
    run,
    partition,
    version: fields.get('version') ?? '',
    status: fields.get('status') ?? '',
    quarantined: fields.get('quarantined') ?? null,
    damage,
    letters,
    again: damage.length === 0 ? await trial(plans, { run, fields, letters }) : [],
    notRebuilt: why,
    fields,
    history,
    refolded,
  };
}

/** As it is. Throws RUN_UNREADABLE when it is damaged, USAGE when it is not set aside or was changed meanwhile. */
export async function release({ store }: RepairMeans, examined: Examined, by: string): Promise<number> {
  const [worst] = examined.damage;
  if (worst !== undefined)
    throw new CoordError(
      'RUN_UNREADABLE',
      `run ${examined.run} cannot be released: ${worst.field}: ${worst.problem}; \`coord repair ${examined.run}\` says what can be done`,
    );
  const status = examined.status as RunStatus;
  const nothing = { set: new Map<string, string>(), drop: [], status };
  return reinstate(store, examined, { ...nothing, action: 'released', by });
}

/** As its history says. Throws RUN_UNREADABLE when that does not reach so far, USAGE as `release`. */
export async function rebuild({ store }: RepairMeans, examined: Examined, by: string): Promise<number> {
  const { refolded, notRebuilt, run } = examined;
  if (refolded === null || notRebuilt !== null)
    throw new CoordError('RUN_UNREADABLE', `run ${run} cannot be rebuilt: ${notRebuilt ?? 'it has no history'}`);
  const change = differenceTo(examined.fields, refolded);
  return reinstate(store, examined, { ...change, status: refolded.record.status, action: 'rebuilt', by });
}

type Change = Pick<Parameters<Store['keeping']['reinstate']>[0], 'set' | 'drop' | 'status' | 'action' | 'by'>;

async function reinstate(
  store: RepairMeans['store'],
  { partition, run, version, letters, quarantined }: Examined,
  change: Change,
): Promise<number> {
  if (quarantined === null) throw notSetAside(run);
  const ids = letters.map(({ id }) => id);
  const outcome = await store.keeping.reinstate({ partition, run, version, letters: ids, ...change });
  if (outcome.outcome === 'ok') return outcome.sent;
  throw outcome.outcome === 'stale' ? changedMeanwhile(run) : notSetAside(run);
}

export function notSetAside(run: string): CoordError {
  return new CoordError('USAGE', `run ${run} is not set aside, so there is nothing to repair`);
}

export function changedMeanwhile(run: string): CoordError {
  return new CoordError('USAGE', `run ${run} was changed while it was looked at; look again: coord repair ${run}`);
}

async function historyOf(
  store: RepairMeans['store'],
  partition: number,
  run: string,
): Promise<readonly HistoryEntry[]> {
  const history: HistoryEntry[] = [];
  for (let after = '0'; ; ) {
    const page = await store.runs.history({ partition, run, after, limit: PAGE });
    history.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return history;
    after = last.id;
  }
}

/** Late replies and refused requests are no messages to it. */
async function lettersOf(store: RepairMeans['store'], partition: number, run: string): Promise<readonly DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for (let after = '0'; ; ) {
    const page = await store.keeping.letters({ partition, after, limit: PAGE });
    letters.push(...page.filter((one) => one.run === run && one.kind !== 'late-reply' && one.kind !== 'request'));
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return letters;
    after = last.id;
  }
}

async function damageOf(plans: RepairMeans['plans'], fields: ReadonlyMap<string, string>): Promise<readonly Damage[]> {
  const found: Damage[] = [];
  const look = async (field: string, read: () => unknown): Promise<void> => {
    try {
      await read();
    } catch (error) {
      // A store that does not answer is no damage.
      if (error instanceof CoordError && error.retryable) throw error;
      found.push({ field, problem: messageOf(error) });
    }
  };
  const text = (field: string): string => fields.get(field) ?? '';
  await look('version', () => storedRunFrom(new Map([['version', text('version')]]), 'it'));
  await look('record', () => parseRecord(runRecordSchema, text('record'), 'it'));
  await look('input', () => parseRecord(runInputSchema, text('input'), 'it'));
  await look('definition', () => plans.get(text('definition')));
  for (const field of fields.keys()) {
    if (field.startsWith('s:')) await look(field, () => parseRecord(stepRecordSchema, text(field), 'it'));
    if (field.startsWith('c:')) await look(field, () => parseRecord(claimSchema, text(field), 'it'));
  }
  if (found.length > 0) return found;
  await look('run', async () => stateOf(storedRunFrom(fields, 'it'), await plans.get(text('definition'))));
  return found;
}

/** Folds the letters on trial. What has killed its coordinator is not tried here. */
async function trial(
  plans: RepairMeans['plans'],
  { run, fields, letters }: { run: string; fields: ReadonlyMap<string, string>; letters: readonly DeadLetter[] },
): Promise<Diagnosis['again']> {
  const stored = storedRunFrom(fields, `run ${run}`);
  const state = stateOf(stored, await plans.get(stored.definition));
  return letters.flatMap((letter) => {
    const { id, kind, head, body, reason } = letter;
    if (reason.startsWith('a coordinator died ')) return [{ letter, problem: reason }];
    const message = messageFrom({ id, run, kind, head, body }, stored.claims);
    if ('invalid' in message) return [{ letter, problem: message.invalid }];
    try {
      fold(state, [message]);
      return [];
    } catch (error) {
      return [{ letter, problem: messageOf(error) }];
    }
  });
}

async function rebuilt(
  plans: RepairMeans['plans'],
  fields: ReadonlyMap<string, string>,
  history: readonly HistoryEntry[],
): Promise<{ readonly refolded: Refolded | null; readonly why: string | null }> {
  try {
    const run = { definition: fields.get('definition') ?? '', input: fields.get('input') ?? '', history };
    const refolded = await refold(plans, run);
    if (refolded === null) return { refolded, why: 'its history does not say what it began with' };
    const { broken, version } = refolded;
    if (broken !== null)
      return { refolded, why: `its history breaks at version ${String(broken.version)}: ${broken.field}` };
    const stored = fields.get('version') ?? '';
    if (/^\d+$/.test(stored) && Number(stored) !== version)
      return { refolded, why: `its history ends with version ${String(version)}, it is at ${stored}` };
    return { refolded, why: null };
  } catch (error) {
    if (error instanceof CoordError && error.retryable && !hasCode(error, 'FAILPOINT')) throw error;
    return { refolded: null, why: messageOf(error) };
  }
}

/** What to write so that the run is as its history says. Texts that say the same stay as they are. */
function differenceTo(
  fields: ReadonlyMap<string, string>,
  { record, steps, version, chain }: Refolded,
): { readonly set: ReadonlyMap<string, string>; readonly drop: readonly string[] } {
  const set = new Map<string, string>();
  const drop: string[] = [];
  const put = (field: string, text: string): void => void (fields.get(field) !== text && set.set(field, text));
  const putRecord = (field: string, value: object): void => {
    if (!saysTheSame(fields.get(field), value)) set.set(field, JSON.stringify(value));
  };
  put('version', String(version));
  put('chain', chain);
  putRecord('record', record);
  for (const [path, step] of steps) {
    putRecord(`s:${path}`, step);
    // A token whose reply was delivered is awaited no more.
    const awaited = step.token !== null && step.token !== fields.get(`d:${path}`);
    if (awaited) put(`t:${path}`, step.token ?? '');
    else if (fields.has(`t:${path}`)) drop.push(`t:${path}`);
    const claim = fields.get(`c:${path}`);
    if (claim === undefined) continue;
    if (!awaited) drop.push(`c:${path}`);
    else if (!isClaim(claim)) set.set(`c:${path}`, NOBODYS_CLAIM);
  }
  for (const field of fields.keys()) if (/^[stc]:/.test(field) && !steps.has(field.slice(2))) drop.push(field);
  return { set, drop };
}

/** Whoever holds the attempt is told to stop, and its missed heartbeat has it tried again. */
const NOBODYS_CLAIM = JSON.stringify({ worker: '(unknown)', begunAt: 0, beatAt: 0, progress: '' });

function isClaim(text: string): boolean {
  try {
    return claimSchema.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

function saysTheSame(text: string | undefined, value: object): boolean {
  if (text === undefined) return false;
  try {
    return isDeepStrictEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
  } catch {
    return false;
  }
}
