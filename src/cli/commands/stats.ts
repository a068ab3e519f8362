/** `coord stats`: how long ended runs took, how they ended, and where the time went. */
import type { Used } from '../../core/exchange.js';
import type {
  DayStats,
  PersonaStats,
  Spread,
  Stats,
  StepStats,
  WorkflowStats,
} from '../../coordinator/client-stats.js';
import {
  type Call,
  type Invoke,
  positiveInteger,
  print,
  printJson,
  type Program,
  tableLook,
  withSession,
} from '../call.js';
import { EXIT } from '../exit-codes.js';
import { duration } from '../render/duration.js';
import { oneLine } from '../render/printable.js';
import { counted } from '../render/step-tree.js';
import { table, type TableColumn } from '../render/table.js';
import { dollars } from '../render/used-words.js';
import { since, sinceTime } from '../since.js';

export function addStats(program: Program, invoke: Invoke): void {
  program
    .command('stats')
    .description('how long ended runs took, how they ended, and where the time went')
    .option('--since <duration|time>', 'only runs that ended in the last 7d, or since a time', since)
    .option('--workflow <name>', 'only runs of this workflow')
    .option('--limit <n>', 'look at the newest n ended runs', positiveInteger, 1_000)
    .option('--json', 'print JSON')
    .action(({ since: given, workflow = null, limit, json }, command) =>
      invoke(command, (call) =>
        withSession(call, 'find', async ({ client, observer }) => {
          const from = given === undefined ? null : sinceTime(given, await client.time());
          const stats = await observer.stats({ since: from, workflow, limit });
          if (json === true) printJson(call, stats);
          else print(call, linesOf(call, stats, limit).join('\n'));
          return EXIT.ok;
        }),
      ),
    );
}

/** Steps of one workflow that are shown: where most of the time goes. */
const STEPS = 10;

function linesOf(call: Call, { runs, more, workflows, personas, days }: Stats, limit: number): readonly string[] {
  if (runs === 0) return ['No such run has ended yet.'];
  const older = more ? `; the newest ${String(limit)} ended runs were looked at, older ones with --limit` : '';
  return [
    `${String(runs)} ended ${runs === 1 ? 'run' : 'runs'}${older}`,
    ...section<WorkflowStats>(call, workflows, [
      { title: 'WORKFLOW', cell: ({ workflow }) => workflow },
      { title: 'COMPLETED', cell: (one) => String(one.runs.completed) },
      { title: 'FAILED', cell: (one) => String(one.runs.failed) },
      { title: 'CANCELED', cell: (one) => String(one.runs.canceled) },
      { title: 'SUCCESS', cell: ({ successRate }) => percent(successRate) },
      ...spread<WorkflowStats>(({ took }) => took),
      ...usage(workflows),
    ]),
    ...workflows.flatMap(({ workflow, steps }) => [
      ...section<StepStats>(call, steps.slice(0, STEPS), [
        { title: `STEP OF ${oneLine(workflow)}`, cell: ({ step }) => step },
        { title: 'SHARE', cell: ({ share }) => percent(share) },
        ...spread<StepStats>(({ took }) => took),
        { title: 'RETRIES', cell: ({ retries }) => String(retries) },
        { title: 'FAILED', cell: ({ failed }) => String(failed) },
      ]),
      ...(steps.length > STEPS ? [`and ${String(steps.length - STEPS)} more: coord stats --json`] : []),
    ]),
    ...section<PersonaStats>(call, personas, [
      { title: 'PERSONA', cell: ({ persona }) => persona },
      { title: 'ATTEMPTS', cell: ({ took }) => String(took.count) },
      { title: 'SUCCESS', cell: ({ successRate }) => percent(successRate) },
      { title: 'RETRIED', cell: ({ attempts }) => String(attempts.retried) },
      ...spread<PersonaStats>(({ took }) => took),
      { title: 'QUEUED P50', cell: ({ queued }) => ms(queued.p50) },
      { title: 'QUEUED P90', cell: ({ queued }) => ms(queued.p90) },
      ...usage(personas),
    ]),
    ...section<DayStats>(call, days, [
      { title: 'DAY (UTC)', cell: ({ day }) => day },
      { title: 'COMPLETED', cell: ({ completed }) => String(completed) },
      { title: 'FAILED', cell: ({ failed }) => String(failed) },
      { title: 'CANCELED', cell: ({ canceled }) => String(canceled) },
      ...spread<DayStats>(({ took }) => took),
    ]),
  ];
}

function spread<Row>(of: (row: Row) => Spread): readonly TableColumn<Row>[] {
  return [
    { title: 'P50', cell: (row) => ms(of(row).p50) },
    { title: 'P90', cell: (row) => ms(of(row).p90) },
  ];
}

/** Columns that are there only when somebody has said what was used; `+`: and more that was not said. */
function usage<Row extends { readonly used?: Used }>(rows: readonly Row[]): readonly TableColumn<Row>[] {
  if (rows.every(({ used }) => used === undefined)) return [];
  const cell =
    (of: (used: Used) => string) =>
    ({ used }: Row): string =>
      used === undefined ? '' : `${of(used)}${used.unknown === true ? '+' : ''}`;
  return [
    { title: 'TOKENS', cell: cell(({ tokens }) => counted(tokens)) },
    { title: 'COST', cell: cell(({ costUsd }) => dollars(costUsd)) },
  ];
}

function section<Row>(call: Call, rows: readonly Row[], columns: readonly TableColumn<Row>[]): readonly string[] {
  return rows.length === 0 ? [] : ['', table(columns, rows, tableLook(call)).trimEnd()];
}

function percent(share: number | null): string {
  return share === null ? '' : `${String(Math.round(share * 100))} %`;
}

function ms(value: number | null): string {
  return value === null ? '' : duration(value);
}
