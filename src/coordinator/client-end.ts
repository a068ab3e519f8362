/**
 * Ends a run that is set aside, as failed: for one that nobody can repair, or that nobody needs any more. Whatever of it can
 * be read is kept; who waits for it is told, and who works for it stops.
 */
import { CoordError } from '../core/errors.js';
import type { Fact, StepFailure } from '../core/facts.js';
import { chainHash, genesisHash } from '../core/journal.js';
import { type InnerRunOutcome, type RunInput, runInputSchema } from '../core/messages.js';
import type { Store } from '../core/ports.js';
import { runHasEnded, stepIsSettled } from '../core/statuses.js';
import { newRunRecord, parseRecord, type RunRecord, runRecordSchema, stepRecordSchema } from '../machines/records.js';
import { slotOf } from './client-requests.js';
import { changedMeanwhile, type Examined, notSetAside } from './client-repair.js';
import type { Plans } from './plans.js';

interface EndMeans {
  readonly store: Pick<Store, 'keeping' | 'namespace'>;
  readonly plans: Pick<Plans, 'get'>;
}

/** Throws USAGE when it is not set aside or was changed meanwhile, RUN_ENDED, RUN_UNREADABLE when nobody knows its version. */
export async function endRun(
  { store, plans }: EndMeans,
  examined: Examined,
  { reason, by }: { readonly reason: string; readonly by: string },
): Promise<void> {
  const { run, partition, quarantined, fields } = examined;
  if (quarantined === null) throw notSetAside(run);
  if (!/^\d+$/.test(examined.version))
    throw new CoordError(
      'RUN_UNREADABLE',
      `the version of run ${run} is damaged; \`coord repair ${run} --rebuild\` first`,
    );
  const version = Number(examined.version);
  const now = await store.namespace.time();
  const input = orNull(() => parseRecord(runInputSchema, fields.get('input') ?? '', 'its input'));
  const before = await recordOf(plans, examined, { input, now });
  if (runHasEnded(before.status))
    throw new CoordError(
      'RUN_ENDED',
      `run ${run} is ${before.status} already; \`coord repair ${run} --release\` lets it be`,
    );
  const error: StepFailure = {
    class: 'CANCELED',
    message: `${by} ended it: ${reason} (it was set aside: ${quarantined})`,
  };
  const base = { run, at: now, cause: null };
  const steps = canceledSteps(fields, { now, reason: `the run was ended by ${by}` });
  const facts: readonly Fact[] = [
    ...steps.canceled.map((step) => ({ ...base, type: 'step.canceled', ...step, reason: error.message }) as const),
    { ...base, type: 'run.failed', step: null, error },
  ];
  const record: RunRecord = {
    ...before,
    status: 'failed',
    endedAt: now,
    active: 0,
    waiting: 0,
    signals: [],
    failure: before.failure ?? { ...error, step: null },
  };
  const text = JSON.stringify(facts);
  const begun = {
    definition: fields.get('definition') ?? '',
    input: fields.get('input') ?? '',
    record: fields.get('record') ?? '',
  };
  const chain = fields.get('chain') ?? genesisHash(begun);
  const outcome = await store.keeping.end({
    partition,
    run,
    version,
    record: JSON.stringify(record),
    set: steps.set,
    drop: steps.drop,
    disarm: await store.keeping.timersOf(partition, run),
    facts: text,
    hash: chainHash(chain, { version: version + 1, messages: '[]', facts: text }),
    sends: [
      ...(await tellOuter(store, { partition, record, input, error })),
      ...steps.inside.map((inside) => ({
        run: inside,
        kind: 'cancel',
        body: JSON.stringify({ reason: 'the run around it was ended', by: `run ${run}` }),
      })),
    ],
    slot: record.slot?.key ?? null,
    by,
  });
  if (outcome !== 'ok') throw outcome === 'stale' ? changedMeanwhile(run) : notSetAside(run);
}

/** As stored, else as its history gives it, else made up anew from what it was started with. */
async function recordOf(
  plans: EndMeans['plans'],
  { run, fields, refolded }: Examined,
  { input, now }: { input: RunInput | null; now: number },
): Promise<RunRecord> {
  const stored = orNull(() => parseRecord(runRecordSchema, fields.get('record') ?? '', 'its record'));
  if (stored !== null) return stored;
  if (refolded !== null) return refolded.record;
  const plan = await plans.get(fields.get('definition') ?? '').catch(() => null);
  const parent = input?.parent ?? null;
  const slot =
    plan === null || input === null || parent !== null ? null : orNull(() => slotOf(plan.definition, input.task));
  return newRunRecord({
    id: run,
    workflow: plan?.definition.name ?? '',
    createdAt: now,
    head: input?.workspace?.base ?? null,
    slot,
    parent: parent === null ? null : { run: parent.run, step: parent.step },
  });
}

/** Steps that have not come to their end do so now; records that cannot be read go, since nobody could look at the run. */
function canceledSteps(
  fields: ReadonlyMap<string, string>,
  { now, reason }: { now: number; reason: string },
): {
  readonly set: ReadonlyMap<string, string>;
  readonly drop: readonly string[];
  readonly canceled: readonly { readonly step: string; readonly attempt: number }[];
  /** Runs inside that are under way. */
  readonly inside: readonly string[];
} {
  const set = new Map<string, string>();
  const drop: string[] = [];
  const canceled: { step: string; attempt: number }[] = [];
  const inside: string[] = [];
  for (const [field, text] of fields) {
    if (!field.startsWith('s:')) continue;
    const record = orNull(() => parseRecord(stepRecordSchema, text, field));
    if (record === null) drop.push(field);
    if (record === null || stepIsSettled(record.status)) continue;
    set.set(field, JSON.stringify({ ...record, status: 'canceled', token: null, endedAt: now, reason }));
    canceled.push({ step: field.slice(2), attempt: record.attempt });
    if (record.more.run !== undefined) inside.push(record.more.run);
  }
  return { set, drop, canceled, inside };
}

async function tellOuter(
  { keeping }: EndMeans['store'],
  {
    partition,
    record,
    input,
    error,
  }: { partition: number; record: RunRecord; input: RunInput | null; error: StepFailure },
): Promise<readonly { readonly run: string; readonly kind: string; readonly body: string }[]> {
  const { parent } = record;
  if (parent === null) return [];
  // Whoever waits knows best by which token it waits.
  const outer =
    input?.parent === undefined || input.parent === null ? await keeping.fields(partition, parent.run) : null;
  const waiting = orNull(() => parseRecord(stepRecordSchema, outer?.get(`s:${parent.step}`) ?? '', 'its outer step'));
  const token = input?.parent?.token ?? waiting?.token;
  if (token === undefined || token === null) return [];
  const outcome: InnerRunOutcome = {
    step: parent.step,
    token,
    run: record.id,
    status: 'failed',
    result: null,
    error,
    head: record.head,
  };
  return [{ run: parent.run, kind: 'inner-run', body: JSON.stringify(outcome) }];
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
