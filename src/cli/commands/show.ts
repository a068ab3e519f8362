/** `coord show`: one run, its steps, and what it waits for. */
import type { Client } from '../../coordinator/client.js';
import { runHasEnded } from '../../core/statuses.js';
import type { RunView, StepView } from '../../core/views.js';
import { type Call, type Invoke, print, printJson, type Program, tableLook, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { hintsFor } from '../hints.js';
import { asksInside } from '../inner-runs.js';
import { BlockFacts, hasBlockFacts } from '../render/block-facts.js';
import { ago, duration } from '../render/duration.js';
import { whoOf } from '../render/live-view.js';
import { oneLine, severalLines } from '../render/printable.js';
import { paintStep, stepDetail } from '../render/step-detail.js';
import { startedBy } from '../render/schedules.js';
import { counted, type StepRow, stepRows } from '../render/step-tree.js';
import { summary } from '../render/summary.js';
import { table } from '../render/table.js';
import { usedWords } from '../render/used-words.js';
import { type Ask, askLines, asksOf } from '../render/waiting.js';
import { showMoment } from '../show-moment.js';

export function addShow(program: Program, invoke: Invoke): void {
  program
    .command('show')
    .description('a run, its steps, and what it waits for')
    .argument('<run>', 'id of the run')
    .option('--at <step>', 'what was known when this step ended')
    .option('--json', 'print JSON')
    .action((run, { at, json }, command) =>
      invoke(command, (call) =>
        withSession(call, 'find', async ({ client }) => {
          const view = await client.get(run);
          if (at !== undefined) {
            await showMoment(call, client, { view, step: at, json: json === true });
            return EXIT.ok;
          }
          const hints = await hintsFor(call, client, view);
          if (json === true) printJson(call, { ...view, hints });
          else {
            const inside = runHasEnded(view.status) ? [] : await asksInside(client, view);
            show(call, { view, hints, inside, now: await client.time(), blocks: await blocksOf(client, view) });
          }
          return EXIT.ok;
        }),
      ),
    );
}

interface Shown {
  readonly view: RunView;
  readonly hints: readonly string[];
  /** What runs inside ask. */
  readonly inside: readonly Ask[];
  /** The store's clock, ms. */
  readonly now: number;
  readonly blocks: BlockFacts;
}

/** Questions that are shown. */
const ASKS = 10;
const SIGNALS = 10;
/** Failures that are told in full. */
const FAILURES = 20;

/** The history is only read when it says more of a step than its record. */
async function blocksOf(client: Client, { id, steps }: RunView): Promise<BlockFacts> {
  const blocks = new BlockFacts();
  if (steps.some(({ type }) => hasBlockFacts(type))) for (const fact of await client.history(id)) blocks.add(fact);
  return blocks;
}

function show(call: Call, { view, hints, inside, now, blocks }: Shown): void {
  const { colors } = call;
  const { task, workspace } = view;
  const title = task['title'];
  const rows = [
    ['workflow', `${view.workflow} ${view.version}`],
    ['started', startOf(view, now)],
    ...(typeof title === 'string' ? [['task', title]] : []),
    ...startedBy(task).map((words) => ['schedule', words]),
    ...(view.used === undefined ? [] : [['used', usedWords(view.used)]]),
    ...(workspace === null ? [] : [['repository', workspace.repo]]),
  ];
  print(call, rows.map(([name = '', text = '']) => `${colors.dim(name.padEnd(10))}  ${oneLine(text)}`).join('\n'));
  const steps = stepTable(call, { view, blocks, now });
  print(call, `\n${steps}\n`);
  for (const failed of cutFailures(call, view, steps)) print(call, `${failed}\n`);
  print(call, summary(view, call));
  const asks = askLines([...asksOf(view), ...inside], { run: view.id, most: ASKS });
  if (asks.length > 0) print(call, asks.map((line) => colors.warning(line)).join('\n'));
  for (const line of keptSignals(view)) print(call, colors.warning(`! ${line}`));
  for (const hint of hints) print(call, colors.warning(`! ${hint}`));
}

/** Signals that came while a step waits for another one: most likely the name is not what it was meant to be. */
function keptSignals({ signals, steps }: RunView): readonly string[] {
  if (signals.length === 0 || !steps.some(({ waitsFor }) => waitsFor?.kind === 'signal')) return [];
  const named = signals.slice(0, SIGNALS).map(({ name, by }) => `${JSON.stringify(oneLine(name))} from ${oneLine(by)}`);
  const rest = signals.length > SIGNALS ? ', …' : '';
  return [`kept for later, since no step has waited for it: signal ${named.join(', ')}${rest}`];
}

/** What a terminal is too narrow for in the table, but for the failure that the summary tells. */
function cutFailures({ io, colors }: Call, { steps, failure }: RunView, shown: string): readonly string[] {
  if (!io.isTTY || !shown.includes('…')) return [];
  const failed = steps.filter(({ id, error }) => error !== null && id !== failure?.step).slice(0, FAILURES);
  return failed.flatMap(({ id, error, status }) => {
    if (error === null || (status !== 'failed' && status !== 'retrying')) return [];
    const text = severalLines(`${error.class} ${error.message}`).trimEnd();
    // A text that stands in the table as it is was not cut.
    return shown.includes(text) ? [] : [`${colors.bad(oneLine(id))}: ${text}`];
  });
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
