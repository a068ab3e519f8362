/** `coord history`: everything that happened to a run, in order, and who holds what now. */
import type { Fact } from '../../core/facts.js';
import type { RunView, StepView } from '../../core/views.js';
import { type Call, type Invoke, print, type Program, tableLook, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { factTypes, wantedFacts } from '../fact-filter.js';
import { dateAndTime, duration } from '../render/duration.js';
import { FactTeller } from '../render/fact-line.js';
import { oneLine } from '../render/printable.js';
import { table } from '../render/table.js';
import { workerName } from '../render/worker-name.js';
import { since } from '../since.js';

export function addHistory(program: Program, invoke: Invoke): void {
  program
    .command('history')
    .description('everything that happened to a run, in order')
    .argument('<run>', 'id of the run')
    .option('--step <step>', 'only what concerns this step, or what it holds')
    .option('--type <type,…>', 'only facts of these types, for example step.failed', factTypes)
    .option('--since <duration|time>', 'only what is newer than 10m, or than a time', since)
    .option('--json', 'print one JSON document per fact and line')
    .action((run, { json, ...filter }, command) =>
      invoke(command, (call) =>
        withSession(call, 'find', async ({ client }) => {
          const view = await client.get(run);
          const now = await client.time();
          const facts = wantedFacts(await client.history(run), filter, { view, now });
          if (json === true) print(call, facts.map((fact) => `${JSON.stringify(fact)}\n`).join(''));
          else printHistory(call, { view, facts, now });
          return EXIT.ok;
        }),
      ),
    );
}

interface Row {
  readonly fact: Fact;
  readonly words: string;
}

function printHistory(call: Call, { view, facts, now }: { view: RunView; facts: readonly Fact[]; now: number }): void {
  const teller = new FactTeller();
  const rows = facts.flatMap((fact): Row[] => {
    const words = teller.tell(fact);
    return words === null ? [] : [{ fact, words }];
  });
  const columns = [
    { title: 'TIME', cell: ({ fact }: Row) => dateAndTime(fact.at) },
    { title: 'STEP', cell: ({ fact }: Row) => ('step' in fact ? (fact.step ?? '') : '') },
    { title: 'ATTEMPT', cell: ({ fact }: Row) => ('attempt' in fact && fact.attempt > 0 ? String(fact.attempt) : '') },
    { title: 'WORKER', cell: ({ fact }: Row) => ('worker' in fact ? workerName(fact.worker) : '') },
    { title: 'FACT', cell: ({ words }: Row) => words },
  ];
  print(call, table(columns, rows, tableLook(call)));
  const blocks = new Set(view.steps.map(({ parent }) => parent));
  for (const step of view.steps) {
    // A block stands where the steps inside it do, also one whose steps a worker has planned.
    if (step.status !== 'working' || step.begunAt === null || blocks.has(step.id)) continue;
    print(call, `now: ${oneLine(step.id)}${heldWords(step, now - step.begunAt)}`);
  }
}

function heldWords({ attempt, progress, run, type, worker }: StepView, ms: number): string {
  if (type === 'workflow' && run !== null)
    return `, run ${oneLine(run)} inside for ${duration(ms)}: coord history ${oneLine(run)}`;
  if (worker === null || worker === '') return `, working for ${duration(ms)}`;
  const said = progress === null ? '' : `: ${oneLine(progress)}`;
  return ` attempt ${String(attempt)}, worker ${workerName(worker)} has held it for ${duration(ms)}${said}`;
}
