/** `coord diff`: two runs, step by step. */
import { differencesOf, type StepDifference } from '../run-differences.js';
import { type Call, type Invoke, print, printJson, type Program, tableLook, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { oneLine } from '../render/printable.js';
import { table } from '../render/table.js';

export function addDiff(program: Program, invoke: Invoke): void {
  program
    .command('diff')
    .description('compare two runs step by step')
    .argument('<run>', 'id of a run')
    .argument('<other>', 'id of another one')
    .option('--json', 'print JSON')
    .action((run, other, { json }, command) =>
      invoke(command, (call) => diff(call, { run, other, json: json === true })),
    );
}

async function diff(
  call: Call,
  { run, other, json }: { readonly run: string; readonly other: string; readonly json: boolean },
): Promise<number> {
  return withSession(call, 'find', async ({ client }) => {
    const found = differencesOf(await client.get(run), await client.get(other));
    if (json) {
      printJson(call, found);
      return EXIT.ok;
    }
    print(call, table(columns(found.a, found.b), found.steps, tableLook(call)));
    const as = found.differs.length === 0 ? 'no difference' : `other ${found.differs.join(', ')}`;
    print(call, `\nAs a whole: ${as}.`);
    return EXIT.ok;
  });
}

function columns(
  a: string,
  b: string,
): readonly { readonly title: string; readonly cell: (row: StepDifference) => string }[] {
  return [
    { title: 'STEP', cell: ({ id }) => id },
    { title: oneLine(a), cell: (row) => standing(row.a) },
    { title: oneLine(b), cell: (row) => standing(row.b) },
    { title: '', cell: ({ differs, artifacts }) => words(differs, artifacts) },
  ];
}

/** `succeeded (2)`: the status, and the attempts when there was more than one. */
function standing(step: StepDifference['a']): string {
  if (step === null) return 'not there';
  return step.attempt > 1 ? `${step.status} (${String(step.attempt)})` : step.status;
}

function words(differs: StepDifference['differs'], artifacts: readonly string[]): string {
  if (differs.length === 0) return 'the same';
  const named = artifacts.length === 0 ? '' : ` (${artifacts.map((name) => oneLine(name)).join(', ')})`;
  return `other ${differs.join(', ')}${named}`;
}
