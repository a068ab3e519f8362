/** `coord migrate`: lets runs go on with another definition, or says why they cannot. */
import type { MappedStep, MigrationOutcome, MigrationPlan, NewDefinition } from '../../coordinator/client-migrate.js';
import { CoordError, messageOf } from '../../core/errors.js';
import { RUN_STATUSES, runHasEnded } from '../../core/statuses.js';
import type { Session } from '../application.js';
import { type Call, type Invoke, print, printJson, type Program, tableLook, withSession, workflowOf } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { person } from '../person.js';
import { oneLine } from '../render/printable.js';
import { table } from '../render/table.js';
import { keepMoving } from '../telling.js';

interface Flags {
  readonly to: string;
  readonly allOf?: string | undefined;
  readonly dryRun?: true | undefined;
  readonly json?: true | undefined;
}

export function addMigrate(program: Program, invoke: Invoke): void {
  program
    .command('migrate')
    .description('let runs go on with another definition')
    .argument('[run...]', 'ids of runs')
    .requiredOption('--to <workflow>', 'name or file of the workflow that they go on with')
    .option('--all-of <workflow>', 'all runs of the workflow with this name that have not ended')
    .option('--dry-run', 'only say what would become of each step')
    .option('--json', 'print JSON')
    .action((runs, flags, command) => invoke(command, (call) => migrateAll(call, runs, flags)));
}

interface Result {
  readonly run: string;
  readonly plan: MigrationPlan | null;
  readonly outcome: MigrationOutcome['outcome'] | 'possible';
  readonly reason: string | null;
}

/** How long it is waited for that somebody moves the run. */
const WAIT_MS = 30_000;

async function migrateAll(call: Call, named: readonly string[], flags: Flags): Promise<number> {
  if (named.length > 0 === (flags.allOf !== undefined))
    throw new CoordError('USAGE', 'name the runs, or the workflow whose runs are meant with --all-of, and not both');
  const { definition, inner } = await call.app.loadWorkflow(workflowOf(call, flags.to), call.options, null);
  const to: NewDefinition = { definition, inner };
  return withSession(call, 'find', async (session) => {
    const runs = flags.allOf === undefined ? named : await openRunsOf(session, flags.allOf);
    const dry = flags.dryRun === true;
    const results: Result[] = [];
    for (const run of runs)
      results.push(await (dry ? planned(session, { run, to }) : migrated(call, { session, run, to })));
    if (flags.json === true) printJson(call, results);
    else
      print(
        call,
        runs.length === 0 ? 'There are no such runs.' : results.map((one) => words(call, one, dry)).join('\n'),
      );
    return results.some(({ outcome }) => outcome === 'refused') ? EXIT.failed : EXIT.ok;
  });
}

async function openRunsOf({ client }: Session, workflow: string): Promise<readonly string[]> {
  const statuses = RUN_STATUSES.filter((status) => !runHasEnded(status));
  const rows = await client.list({ statuses, limit: Number.MAX_SAFE_INTEGER });
  return rows.filter((row) => row.workflow === workflow).map(({ id }) => id);
}

async function planned({ operator }: Session, { run, to }: { run: string; to: NewDefinition }): Promise<Result> {
  const plan = await operator.planMigration(run, to);
  const { refusals } = plan;
  return refusals.length === 0
    ? { run, plan, outcome: 'possible', reason: null }
    : { run, plan, outcome: 'refused', reason: refusals.join('; ') };
}

async function migrated(
  call: Call,
  { session, run, to }: { session: Session; run: string; to: NewDefinition },
): Promise<Result> {
  const { operator } = session;
  let plan: MigrationPlan;
  try {
    plan = await operator.migrate(run, { to, by: person(call.io) });
  } catch (error) {
    // One of many that cannot be migrated keeps no other from it.
    if (!(error instanceof CoordError) || !['MIGRATION_REFUSED', 'RUN_ENDED', 'RUN_UNREADABLE'].includes(error.code))
      throw error;
    return { run, plan: null, outcome: 'refused', reason: messageOf(error) };
  }
  await keepMoving(call, session);
  const left = new AbortController();
  const release = call.io.onInterrupt(() => left.abort());
  try {
    const decided = await operator.migrationOutcome(plan, { waitMs: WAIT_MS, signal: left.signal });
    return { run, plan, outcome: decided.outcome, reason: decided.outcome === 'refused' ? decided.reason : null };
  } finally {
    release();
  }
}

function words(call: Call, { run, plan, outcome, reason }: Result, dry: boolean): string {
  const { colors } = call;
  const id = oneLine(run);
  const steps = plan === null || !dry ? '' : `\n${table(COLUMNS, plan.steps, tableLook(call))}`;
  switch (outcome) {
    case 'refused':
      return `${colors.bad('✗')} run ${id} stays as it is: ${oneLine(reason ?? '')}${steps}`;
    case 'stored':
      return `${colors.warning('!')} run ${id}: the request is stored, and nobody has moved the run yet: coord history ${id}`;
    case 'possible':
      return `${colors.good('✓')} run ${id} can go on with ${plan?.to.slice(0, 8) ?? ''}${steps}`;
    case 'migrated':
      return `${colors.good('✓')} run ${id} goes on with ${plan?.to.slice(0, 8) ?? ''}: coord watch ${id}`;
  }
}

const COLUMNS = [
  { title: 'STEP', cell: ({ id }: MappedStep) => id },
  { title: 'STATUS', cell: ({ status }: MappedStep) => status },
  { title: '', cell: ({ fate }: MappedStep) => fate },
  { title: '', cell: ({ refused, skip }: MappedStep) => refused ?? (skip === null ? '' : `is skipped: ${skip}`) },
];
