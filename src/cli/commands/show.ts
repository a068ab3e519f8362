/** `coord show`: one run, its steps, and what it waits for. */
import type { RunView, StepView } from '../../core/views.js';
import { type Call, type Invoke, print, printJson, type Program, tableLook, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { hintsFor } from '../hints.js';
import { ago, duration } from '../render/duration.js';
import { paintStatus } from '../render/paint.js';
import { oneLine } from '../render/printable.js';
import { stepDetail } from '../render/step-detail.js';
import { summary } from '../render/summary.js';
import { table } from '../render/table.js';

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
          else show(call, { view, hints, now: await client.time() });
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
}

function show(call: Call, { view, hints, now }: Shown): void {
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
  print(call, `\n${stepTable(call, view, now)}\n`);
  print(call, summary(view, call));
  for (const hint of hints) print(call, colors.warning(`! ${hint}`));
}

function startOf({ startedAt, createdAt, endedAt }: RunView, now: number): string {
  const since = ago(startedAt ?? createdAt, now);
  return endedAt === null || startedAt === null ? since : `${since}, took ${duration(endedAt - startedAt)}`;
}

function stepTable(call: Call, { steps }: RunView, now: number): string {
  const columns = [
    { title: 'STEP', cell: (step: StepView) => step.id },
    { title: 'PERSONA', cell: (step: StepView) => step.persona },
    {
      title: 'STATUS',
      cell: (step: StepView) => step.status,
      paint: (text: string, step: StepView) => paintStatus(call.colors, step.status, text),
    },
    { title: 'ATTEMPT', cell: (step: StepView) => (step.attempt === 0 ? '' : String(step.attempt)) },
    { title: 'DETAIL', cell: (step: StepView) => stepDetail(step, { now }) },
  ];
  return table(columns, steps, tableLook(call));
}
