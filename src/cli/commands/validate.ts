/** `coord validate`: every problem of every workflow, each with its place. */
import { CoordError } from '../../core/errors.js';
import { type Call, collect, type Invoke, personasOf, print, printJson, type Program, workflowOf } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { oneLine, severalLines } from '../render/printable.js';

interface Verdict {
  readonly workflow: string;
  readonly ok: boolean;
  /** What was found: a line for a valid one, its problems for another. */
  readonly message: string;
}

export function addValidate(program: Program, invoke: Invoke): void {
  program
    .command('validate')
    .description('check workflows; all of the project by default')
    .argument('[workflow...]', 'names of workflows, or paths to their files')
    .option('--personas <dir>', 'folder with persona files that the workflows may name (repeatable)', collect)
    .option('--json', 'print JSON')
    .action((workflows, { personas, json }, command) =>
      invoke(command, (call) =>
        validate(call, { workflows, personas: personasOf(call, personas), json: json === true }),
      ),
    );
}

async function validate(
  call: Call,
  { workflows, personas, json }: { workflows: readonly string[]; personas: readonly string[]; json: boolean },
): Promise<number> {
  const all = workflows.length > 0 ? workflows.map((given) => workflowOf(call, given)) : await namesOf(call);
  const verdicts: Verdict[] = [];
  for (const workflow of all) verdicts.push(await check(call, workflow, personas));
  if (json) printJson(call, verdicts);
  else for (const verdict of verdicts) print(call, words(call, verdict));
  return verdicts.every(({ ok }) => ok) ? EXIT.ok : EXIT.usage;
}

async function namesOf(call: Call): Promise<readonly string[]> {
  const names = (await call.app.listWorkflows(call.options)).map(({ name }) => name);
  if (names.length > 0) return names;
  throw new CoordError('DEFINITION_NOT_FOUND', `there are no workflows in ${call.options.directory}`);
}

/** Problems of the file are a verdict; anything else, such as a persona file with problems, ends the command. */
async function check(call: Call, workflow: string, personas: readonly string[]): Promise<Verdict> {
  try {
    const { definition, file } = await call.app.loadWorkflow(workflow, call.options, {
      directories: personas,
      served: [],
    });
    const { name, version, steps } = definition;
    const size = steps.length === 1 ? '1 step' : `${String(steps.length)} steps`;
    return { workflow, ok: true, message: `${name} ${version}, ${size}, ${file}` };
  } catch (error) {
    if (!(error instanceof CoordError) || !error.code.startsWith('DEFINITION_')) throw error;
    return { workflow, ok: false, message: error.message };
  }
}

function words({ colors }: Call, { workflow, ok, message }: Verdict): string {
  if (ok) return `${colors.good('ok')}  ${oneLine(message)}`;
  return `${colors.bad('invalid')}  ${oneLine(workflow)}\n${severalLines(message)}\n`;
}
