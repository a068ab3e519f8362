/** `coord list`: the runs of the namespace, newest first, and where each stands. */
import { InvalidArgumentError } from '@commander-js/extra-typings';
import type { Client } from '../../coordinator/client.js';
import { RUN_STATUSES, runHasEnded, type RunStatus, stepIsSettled } from '../../core/statuses.js';
import { didYouMean } from '../../core/suggest.js';
import type { RunSummary } from '../../core/views.js';
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
import { ago, duration } from '../render/duration.js';
import { failure } from '../render/fact-line.js';
import { paintStatus } from '../render/paint.js';
import { table } from '../render/table.js';

interface Row {
  readonly summary: RunSummary;
  readonly standing: string;
}

export function addList(program: Program, invoke: Invoke): void {
  program
    .command('list')
    .description('the runs, newest first, and where each stands')
    .option('--status <status,…>', `only runs of these statuses: ${RUN_STATUSES.join(', ')}`, statuses)
    .option('--limit <n>', 'at most so many', positiveInteger, 20)
    .option('--json', 'print JSON')
    .action(({ status, limit, json }, command) =>
      invoke(command, (call) =>
        withSession(call, 'find', async ({ client }) => {
          const rows = await client.list({ limit, ...(status === undefined ? {} : { statuses: status }) });
          if (json === true) printJson(call, rows);
          else await printTable(call, client, rows);
          return EXIT.ok;
        }),
      ),
    );
}

async function printTable(call: Call, client: Client, runs: readonly RunSummary[]): Promise<void> {
  if (runs.length === 0) {
    print(call, 'No runs. Start one: coord run <workflow>');
    return;
  }
  const now = await client.time();
  const rows = await Promise.all(
    runs.map(async (summary): Promise<Row> => ({ summary, standing: await standingOf(client, summary) })),
  );
  const columns = [
    { title: 'RUN', cell: ({ summary }: Row) => summary.id },
    { title: 'WORKFLOW', cell: ({ summary }: Row) => summary.workflow },
    {
      title: 'STATUS',
      cell: ({ summary }: Row) => summary.status,
      paint: (text: string, { summary }: Row) => paintStatus(call.colors, summary.status, text),
    },
    { title: 'STARTED', cell: ({ summary }: Row) => ago(summary.createdAt, now) },
    {
      title: 'DURATION',
      cell: ({ summary: { startedAt, endedAt } }: Row) =>
        startedAt === null ? '' : duration((endedAt ?? now) - startedAt),
    },
    { title: 'WHERE IT STANDS', cell: ({ standing }: Row) => standing },
  ];
  print(call, table(columns, rows, tableLook(call)));
}

/** Why it ended, or how far it is and what is under way. */
async function standingOf(
  client: Client,
  { id, status, failure: why, canceled, quarantined }: RunSummary,
): Promise<string> {
  if (quarantined !== null) return `set aside: ${quarantined}`;
  if (why !== null) return `${why.step}: ${failure(why)}`;
  if (canceled !== null) return canceled.reason;
  if (runHasEnded(status)) return '';
  const view = await client.get(id).catch(() => null);
  if (view === null) return 'it cannot be read: coord show';
  const settled = view.steps.filter((step) => stepIsSettled(step.status)).length;
  const moving = view.steps
    .filter((step) => !stepIsSettled(step.status) && step.status !== 'pending')
    .map((step) => `${step.id} ${step.status}`);
  return [`${String(settled)} of ${String(view.steps.length)} steps`, ...moving].join(', ');
}

function statuses(text: string): readonly RunStatus[] {
  return text.split(',').map((word) => {
    const known = RUN_STATUSES.find((status) => status === word.trim());
    if (known !== undefined) return known;
    throw new InvalidArgumentError(`There is no status "${word}".${didYouMean(word, RUN_STATUSES)}`);
  });
}
