/** `coord list`: the runs of the namespace, newest first, and where each stands. */
import { InvalidArgumentError } from '@commander-js/extra-typings';
import type { Client } from '../../coordinator/client.js';
import { CoordError } from '../../core/errors.js';
import { RUN_STATUSES, runHasEnded, type RunStatus, stepIsSettled } from '../../core/statuses.js';
import { didYouMean } from '../../core/suggest.js';
import type { RunSummary, StepView } from '../../core/views.js';
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
import { isUnderWay } from '../render/step-tree.js';
import { table } from '../render/table.js';
import { slotWords, waitWords } from '../render/waiting.js';

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
    .option('--all', 'also the runs inside other runs')
    .option('--parent <run>', 'only the runs right inside this one')
    .option('--json', 'print JSON')
    .action(({ status, limit, all, parent, json }, command) =>
      invoke(command, (call) =>
        withSession(call, 'find', async ({ client }) => {
          if (all === true && parent !== undefined)
            throw new CoordError('USAGE', '--all and --parent cannot be used together');
          if (parent !== undefined) await client.get(parent);
          const wanted = (run: RunSummary): boolean =>
            all === true || (parent === undefined ? run.parent === null : run.parent?.run === parent);
          const rows = await listWanted(client, { limit, statuses: status ?? RUN_STATUSES, wanted });
          if (json === true) printJson(call, rows);
          else await printTable(call, client, rows);
          return EXIT.ok;
        }),
      ),
    );
}

/** Most runs that are looked at for as many as are wanted. */
const LOOKED_AT = 10_000;

/** The store does not tell runs inside others apart, so more are asked for until there are enough. */
async function listWanted(
  client: Client,
  {
    limit,
    statuses: among,
    wanted,
  }: { limit: number; statuses: readonly RunStatus[]; wanted: (run: RunSummary) => boolean },
): Promise<readonly RunSummary[]> {
  for (let asked = limit; ; asked = Math.min(Math.max(asked * 4, 200), Math.max(limit, LOOKED_AT))) {
    const rows = await client.list({ limit: asked, statuses: among });
    const found = rows.filter(wanted).slice(0, limit);
    if (found.length === limit || rows.length < asked || asked >= LOOKED_AT) return found;
  }
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
    ...(runs.every(({ parent }) => parent === null)
      ? []
      : [
          {
            title: 'INSIDE',
            cell: ({ summary: { parent } }: Row) => (parent === null ? '' : `${parent.run} ${parent.step}`),
          },
        ]),
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
  { id, status, failure: why, canceled, quarantined, slot }: RunSummary,
): Promise<string> {
  if (quarantined !== null) return `set aside: ${quarantined}`;
  if (slot !== null) return slotWords(slot);
  if (why !== null) return `${why.step === null ? '' : `${why.step}: `}${failure(why)}`;
  if (canceled !== null) return canceled.reason;
  if (runHasEnded(status)) return '';
  const view = await client.get(id).catch(() => null);
  if (view === null) return 'it cannot be read: coord show';
  const settled = view.steps.filter((step) => stepIsSettled(step.status)).length;
  const open = view.steps.filter(isUnderWay);
  const holding = new Set(open.map(({ parent }) => parent));
  // A block stands where the steps inside it do.
  const moving = open.filter((step) => !holding.has(step.id));
  const rest = moving.length > NAMED ? [`${String(moving.length - NAMED)} more`] : [];
  return [
    `${String(settled)} of ${String(view.steps.length)} steps`,
    ...moving.slice(0, NAMED).map(whereAt),
    ...rest,
  ].join(', ');
}

/** Steps under way that are named. */
const NAMED = 3;

function whereAt({ id, status, waitsFor }: StepView): string {
  return `${id} ${waitsFor === null ? status : waitWords(waitsFor)}`;
}

function statuses(text: string): readonly RunStatus[] {
  return text.split(',').map((word) => {
    const known = RUN_STATUSES.find((status) => status === word.trim());
    if (known !== undefined) return known;
    throw new InvalidArgumentError(`There is no status "${word}".${didYouMean(word, RUN_STATUSES)}`);
  });
}
