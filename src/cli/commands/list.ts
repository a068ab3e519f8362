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
import { asksInside } from '../inner-runs.js';
import { ago, duration } from '../render/duration.js';
import { failure } from '../render/fact-line.js';
import { paintStatus } from '../render/paint.js';
import { isUnderWay } from '../render/step-tree.js';
import { undoFailures } from '../render/summary.js';
import { table } from '../render/table.js';
import { asksOf, slotWords, waitWords } from '../render/waiting.js';

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
          else if (rows.length === 0 && status !== undefined)
            print(call, await othersWords(client, { status, wanted }));
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

/** Why there is nothing, when there are runs of other statuses. */
async function othersWords(
  client: Client,
  { status, wanted }: { status: readonly RunStatus[]; wanted: (run: RunSummary) => boolean },
): Promise<string> {
  const others = (await client.list({ limit: LOOKED_AT })).filter(wanted).length;
  return others === 0 ? NO_RUNS : `No ${status.join(' or ')} runs; ${String(others)} others: coord list`;
}

const NO_RUNS = 'No runs. Start one: coord run <workflow>';

async function printTable(call: Call, client: Client, runs: readonly RunSummary[]): Promise<void> {
  if (runs.length === 0) {
    print(call, NO_RUNS);
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
async function standingOf(client: Client, summary: RunSummary): Promise<string> {
  const { id, status, failure: why, canceled, quarantined, slot } = summary;
  if (quarantined !== null) return `set aside: ${quarantined}`;
  if (slot !== null) return slotWords(slot);
  const view = status === 'completed' ? null : await client.get(id).catch(() => null);
  const undone = view === null ? null : undoFailures(view);
  const alarm = undone === null ? '' : `! ${undone}; `;
  if (why !== null) return `${alarm}${why.step === null ? '' : `${why.step}: `}${failure(why)}`;
  if (canceled !== null) return `${alarm}${canceled.reason}`;
  if (runHasEnded(status)) return '';
  if (view === null) return 'it cannot be read: coord show';
  const settled = view.steps.filter((step) => stepIsSettled(step.status)).length;
  const open = view.steps.filter(isUnderWay);
  const holding = new Set(open.map(({ parent }) => parent));
  // A block stands where the steps inside it do.
  const moving = open.filter((step) => !holding.has(step.id));
  const rest = moving.length > NAMED ? [`${String(moving.length - NAMED)} more`] : [];
  const named = await Promise.all(moving.slice(0, NAMED).map((step) => whereAt(client, step)));
  return [`${String(settled)} of ${String(view.steps.length)} steps`, ...named, ...rest].join(', ');
}

/** Steps under way that are named. */
const NAMED = 3;

/** A step that waits with a run inside stands where that one does. */
async function whereAt(client: Client, { id, status, waitsFor }: StepView): Promise<string> {
  if (waitsFor?.kind !== 'run') return `${id} ${waitsFor === null ? status : waitWords(waitsFor)}`;
  const inside = await client.get(waitsFor.run).catch(() => null);
  const [asked] = inside === null ? [] : [...asksOf(inside), ...(await asksInside(client, inside))];
  if (asked === undefined) return `${id} ${waitWords(waitsFor)}`;
  return `${id}: ${asked.lines[0] ?? ''} (coord show ${asked.run})`;
}

function statuses(text: string): readonly RunStatus[] {
  return text.split(',').map((word) => {
    const known = RUN_STATUSES.find((status) => status === word.trim());
    if (known !== undefined) return known;
    throw new InvalidArgumentError(
      `There is no status "${word}".${didYouMean(word, RUN_STATUSES)} Statuses are ${RUN_STATUSES.join(', ')}.`,
    );
  });
}
