/** `coord validate`: every problem of every workflow, each with its place. */
import { CoordError, hasCode } from '../../core/errors.js';
import { formatProblems } from '../../definition/frame.js';
import type { Problem } from '../../definition/problem.js';
import { allSteps } from '../../definition/steps.js';
import type { WorkflowDefinition } from '../../definition/workflow.js';
import { type Call, collect, type Invoke, personasOf, print, printJson, type Program, workflowOf } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { oneLine, severalLines } from '../render/printable.js';

interface Verdict {
  readonly workflow: string;
  readonly ok: boolean;
  /** What was found: a line for a valid one, its problems for another. */
  readonly message: string;
  readonly warnings: readonly Problem[];
  /** The warnings as they are shown; empty for none. */
  readonly shown: string;
}

interface Request {
  readonly workflows: readonly string[];
  readonly personas: readonly string[];
  readonly environment: string | null;
  /** Whether a warning counts as a problem. */
  readonly strict: boolean;
  readonly json: boolean;
}

export function addValidate(program: Program, invoke: Invoke): void {
  program
    .command('validate')
    .description('check workflows; all of the project by default')
    .argument('[workflow...]', 'names of workflows, or paths to their files')
    .option('--personas <dir>', 'folder with persona files that the workflows may name (repeatable)', collect)
    .option('--env <name>', 'check with the variables of this environment')
    .option('--strict', 'take warnings for problems')
    .option('--json', 'print JSON')
    .action((workflows, { personas, env = null, strict, json }, command) =>
      invoke(command, (call) =>
        validate(call, {
          workflows,
          personas: personasOf(call, personas),
          environment: env,
          strict: strict === true,
          json: json === true,
        }),
      ),
    );
}

async function validate(call: Call, request: Request): Promise<number> {
  const { workflows, json } = request;
  const all = workflows.length > 0 ? workflows.map((given) => workflowOf(call, given)) : await namesOf(call);
  const verdicts: Verdict[] = [];
  const broken = await brokenPersonas(call, request);
  // Then nobody knows which personas there are, but all else is checked.
  for (const workflow of all) verdicts.push(await check(call, workflow, { ...request, checked: broken === null }));
  if (broken !== null) verdicts.push(broken);
  if (json)
    printJson(
      call,
      verdicts.map(({ shown: _shown, ...verdict }) => verdict),
    );
  else for (const verdict of verdicts) print(call, words(call, verdict));
  return verdicts.every(({ ok }) => ok) ? EXIT.ok : EXIT.usage;
}

async function namesOf(call: Call): Promise<readonly string[]> {
  const names = (await call.app.listWorkflows(call.options)).map(({ name }) => name);
  if (names.length > 0) return names;
  throw new CoordError('DEFINITION_NOT_FOUND', `there are no workflows in ${call.options.directory}`);
}

/** What is wrong with the persona files, as a verdict of its own; null for nothing. */
async function brokenPersonas(call: Call, { personas }: Request): Promise<Verdict | null> {
  try {
    await call.app.checkPersonas(call.options, personas);
    return null;
  } catch (error) {
    if (!hasCode(error, 'PERSONA_INVALID')) throw error;
    return { workflow: 'personas', ok: false, message: error.message, warnings: [], shown: '' };
  }
}

/** Problems of the file are a verdict; anything else ends the command. */
async function check(
  call: Call,
  workflow: string,
  { personas, environment, strict, checked }: Request & { readonly checked: boolean },
): Promise<Verdict> {
  try {
    const known = checked ? { directories: personas, served: [] } : null;
    const { definition, file, text, warnings } = await call.app.loadWorkflow(
      workflow,
      call.options,
      known,
      environment,
    );
    const shown = warnings.length === 0 ? '' : formatProblems(warnings, text, { color: false });
    if (strict && warnings.length > 0) return { workflow, ok: false, message: shown, warnings, shown: '' };
    return {
      workflow,
      ok: true,
      message: `${definition.name} ${definition.version}, ${sizeOf(definition)}, ${file}`,
      warnings,
      shown,
    };
  } catch (error) {
    if (!(error instanceof CoordError) || !error.code.startsWith('DEFINITION_')) throw error;
    return { workflow, ok: false, message: error.message, warnings: [], shown: '' };
  }
}

function sizeOf({ steps }: WorkflowDefinition): string {
  const count = [...allSteps(steps)].length;
  return count === 1 ? '1 step' : `${String(count)} steps`;
}

function words({ colors }: Call, { workflow, ok, message, shown }: Verdict): string {
  if (!ok) return `${colors.bad('invalid')}  ${oneLine(workflow)}\n${severalLines(message)}\n`;
  const line = `${colors.good('ok')}  ${oneLine(message)}`;
  return shown === '' ? line : `${line}\n${colors.warning(severalLines(shown))}\n`;
}
