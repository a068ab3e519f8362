/** `coord show`: one run, its steps, and what it waits for. */
import type { Client } from '../../coordinator/client.js';
import type { RunView, StepView } from '../../core/views.js';
import { type Call, type Invoke, print, printJson, type Program, tableLook, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { hintsFor } from '../hints.js';
import { BlockFacts, hasBlockFacts } from '../render/block-facts.js';
import { ago, duration } from '../render/duration.js';
import { whoOf } from '../render/live-view.js';
import { oneLine } from '../render/printable.js';
import { paintStep, stepDetail } from '../render/step-detail.js';
import { counted, type StepRow, stepRows } from '../render/step-tree.js';
import { summary } from '../render/summary.js';
import { table } from '../render/table.js';
import { askLines, asksOf } from '../render/waiting.js';

export function addShow(program: Program, invoke: Invoke): void {
  program
    .command('show')
    .description('a run, its steps, and what it waits for')
    .argument('<run>', 'id of the run')
    .option('--json', 'print JSON')
    .action((run, { json }, command) =>
      invoke(command, (call) =>
        withSession(call, 'find', async ({ client }) => {
          const view = await client.get(run);
          const hints = await hintsFor(client, view);
          if (json === true) printJson(call, { ...view, hints });
          else show(call, { view, hints, now: await client.time(), blocks: await blocksOf(client, view) });
          return EXIT.ok;
        }),
      ),
    );
}

interface Shown {
  readonly view: RunView;
  readonly hints: readonly string[];
  /** The store's clock, ms. */
  readonly now: number;
  readonly blocks: BlockFacts;
}

/** Questions that are shown. */
const ASKS = 10;

/** The history is only read when it says more of a step than its record. */
async function blocksOf(client: Client, { id, steps }: RunView): Promise<BlockFacts> {
  const blocks = new BlockFacts();
  if (steps.some(({ type }) => hasBlockFacts(type))) for (const fact of await client.history(id)) blocks.add(fact);
  return blocks;
}

function show(call: Call, { view, hints, now, blocks }: Shown): void {
  const { colors } = call;
  const { task, workspace } = view;
  const title = task['title'];
  const rows = [
    ['workflow', `${view.workflow} ${view.version}`],
    ['started', startOf(view, now)],
    ...(typeof title === 'string' ? [['task', title]] : []),
    ...(workspace === null ? [] : [['repository', workspace.repo]]),
  ];
  print(call, rows.map(([name = '', text = '']) => `${colors.dim(name.padEnd(10))}  ${oneLine(text)}`).join('\n'));
  print(call, `\n${stepTable(call, { view, blocks, now })}\n`);
  print(call, summary(view, call));
  const asks = askLines(asksOf(view), { run: view.id, most: ASKS });
  if (asks.length > 0) print(call, asks.map((line) => colors.warning(line)).join('\n'));
  for (const hint of hints) print(call, colors.warning(`! ${hint}`));
}

function startOf({ startedAt, createdAt, endedAt }: RunView, now: number): string {
  const since = ago(startedAt ?? createdAt, now);
  return endedAt === null || startedAt === null ? since : `${since}, took ${duration(endedAt - startedAt)}`;
}

/** Blocks are opened once. */
function isTriedAgain({ persona, type }: StepView): boolean {
  return persona !== '' || type === 'workflow';
}

function stepTable(call: Call, { view, blocks, now }: Pick<Shown, 'view' | 'blocks' | 'now'>): string {
  const columns = [
    { title: 'STEP', cell: ({ depth, frame, id }: StepRow) => `${'  '.repeat(depth)}${frame}${id}` },
    { title: 'PERSONA', cell: whoOf },
    {
      title: 'STATUS',
      cell: ({ step }: StepRow) => step.status,
      paint: (text: string, { step }: StepRow) => paintStep(call.colors, step, text),
    },
    {
      title: 'ATTEMPT',
      cell: ({ step }: StepRow) => (step.attempt === 0 || !isTriedAgain(step) ? '' : String(step.attempt)),
    },
    { title: 'DETAIL', cell: ({ step, note }: StepRow) => stepDetail(step, { now, note }) },
  ];
  const rows = stepRows(view.steps, blocks);
  const hidden = view.steps.length - rows.length;
  const rest = hidden === 0 ? '' : `and ${counted(hidden)} more steps: coord show ${oneLine(view.id)} --json\n`;
  return `${table(columns, rows, tableLook(call))}${rest}`;
}
