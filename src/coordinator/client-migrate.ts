/**
 * Moving runs to another definition. What would become of a run is worked out here first, so that what cannot be done is
 * said before anything is sent; what is done is a message to the run, decided by whoever moves it.
 */
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import type { Fact } from '../core/facts.js';
import { type Ids, partitionOf, RUN_ID } from '../core/ids.js';
import { canonicalJson, type JsonObject, sha256 } from '../core/json.js';
import { migrateBodySchema } from '../core/messages.js';
import type { Store, StoredRun } from '../core/ports.js';
import { runHasEnded } from '../core/statuses.js';
import { compilePlan } from '../definition/plan.js';
import { definitionHash, type WorkflowDefinition } from '../definition/workflow.js';
import { type Mapping, mapRun } from '../machines/mapping.js';
import { checkInner, parseBody } from './client-requests.js';
import { checkFormat, stateOf } from './codec.js';
import type { Plans } from './plans.js';

export type { MappedStep, Mapping } from '../machines/mapping.js';

/** What a run is to go on with. */
export interface NewDefinition {
  readonly definition: WorkflowDefinition;
  /** The definitions of the runs inside, as the loader gives them. */
  readonly inner: readonly WorkflowDefinition[];
}

/** What would become of a run. */
export interface MigrationPlan extends Mapping {
  readonly run: string;
  /** Hashes of the definitions. */
  readonly from: string;
  readonly to: string;
  /** The version that it was worked out for. */
  readonly version: number;
}

export type MigrationOutcome =
  | { readonly outcome: 'migrated' }
  /** The run moved meanwhile, and could not be migrated any more. */
  | { readonly outcome: 'refused'; readonly reason: string }
  /** Nobody has moved the run yet: the message lies in its inbox. */
  | { readonly outcome: 'stored' };

export interface MigrationMeans {
  readonly store: Store;
  readonly partitions: number;
  readonly plans: Plans;
  readonly clock: Clock;
  readonly ids: Ids;
}

const LOOK_AGAIN_MS = 50;
const PAGE = 500;

/** Writes nothing. Throws RUN_NOT_FOUND, RUN_ENDED, RUN_UNREADABLE, FORMAT_UNKNOWN. */
export async function planMigration(
  means: MigrationMeans,
  { run, to }: { readonly run: string; readonly to: NewDefinition },
): Promise<MigrationPlan> {
  const stored = await load(means, run);
  const { definition } = to;
  const hash = definitionHash(definition);
  const state = stateOf(stored, await means.plans.get(stored.definition));
  if (runHasEnded(state.record.status))
    throw new CoordError('RUN_ENDED', `run ${run} is ${state.record.status} already, so it goes on with nothing`);
  const mapping = mapRun(state, compilePlan(definition, hash));
  return { run, from: stored.definition, to: hash, version: stored.version, ...mapping };
}

/**
 * Asks a run to go on with another definition. Throws MIGRATION_REFUSED when it cannot, and what `planMigration` throws.
 * Returns when the request is stored; `migrationOutcome` says what became of it.
 */
export async function migrate(
  means: MigrationMeans,
  { run, to, by }: { readonly run: string; readonly to: NewDefinition; readonly by: string },
): Promise<MigrationPlan> {
  checkInner(to.definition, to.inner);
  const plan = await planMigration(means, { run, to });
  if (plan.refusals.length > 0)
    throw new CoordError(
      'MIGRATION_REFUSED',
      `run ${run} cannot go on with this definition: ${plan.refusals.join('; ')}`,
    );
  for (const one of [...to.inner, to.definition]) {
    const json = canonicalJson(one as unknown as JsonObject);
    await means.store.namespace.putDefinition(sha256(json), json);
  }
  const body = JSON.stringify(parseBody(migrateBodySchema, { definition: plan.to, by }, 'the request to migrate'));
  const answer = await means.store.admission.admit({
    kind: 'migrate',
    partition: partitionOf(run, means.partitions),
    run,
    // One that was sent for this version already is the same request.
    idempotencyKey: `migrate:${run}:${String(plan.version)}:${plan.to}`,
    requestHash: sha256(`${run}\n${body}`),
    body,
  });
  if (answer.outcome === 'ended')
    throw new CoordError('RUN_ENDED', `run ${run} is ${answer.status} already, so it goes on with nothing`);
  return plan;
}

/** Waits until a request that `migrate` has stored was decided, for up to `waitMs`. */
export async function migrationOutcome(
  means: MigrationMeans,
  { plan, waitMs, signal }: { readonly plan: MigrationPlan; readonly waitMs: number; readonly signal: AbortSignal },
): Promise<MigrationOutcome> {
  const { clock } = means;
  for (const until = clock.monotonic() + waitMs; ; await clock.sleep(LOOK_AGAIN_MS, signal)) {
    const fact = await decided(means, plan);
    if (fact?.type === 'message.ignored') return { outcome: 'refused', reason: fact.reason };
    if (fact !== null) return { outcome: 'migrated' };
    if (clock.monotonic() >= until || signal.aborted) return { outcome: 'stored' };
  }
}

/** The fact that says what became of the request, when there is one. */
async function decided(
  { store, partitions }: MigrationMeans,
  { run, to, version }: MigrationPlan,
): Promise<Fact | null> {
  const partition = partitionOf(run, partitions);
  for (let after = '0'; ; ) {
    const page = await store.runs.history({ partition, run, after, limit: PAGE });
    for (const entry of page) {
      if ((entry.version ?? 0) <= version) continue;
      for (const fact of JSON.parse(entry.facts) as Fact[])
        if (
          (fact.type === 'run.migrated' && fact.to === to) ||
          (fact.type === 'message.ignored' && fact.kind === 'migrate')
        )
          return fact;
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return null;
    after = last.id;
  }
}

async function load({ store, partitions }: MigrationMeans, run: string): Promise<StoredRun> {
  const stored = RUN_ID.test(run) ? await store.runs.load(partitionOf(run, partitions), run) : null;
  if (stored === null) throw new CoordError('RUN_NOT_FOUND', `there is no run "${run}". See \`coord list\`.`);
  checkFormat(run, stored);
  if (stored.quarantined !== null)
    throw new CoordError('RUN_UNREADABLE', `run ${run} is set aside (${stored.quarantined}); coord repair ${run}`);
  return stored;
}
