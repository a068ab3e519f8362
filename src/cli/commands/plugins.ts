/** `coord plugins`: the types that a step can have: those of the project's plugins, and the ones that are built in. */
import { severalLines } from '../render/printable.js';
import type { PluginStepType } from '../../definition/load-types.js';
import { STEP_TYPES, type StepType } from '../../definition/steps.js';
import { type Call, type Invoke, print, printJson, type Program, tableLook } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { table } from '../render/table.js';

const BUILT_IN: Readonly<Record<StepType, string>> = {
  'persona-request': 'asks a persona; what a step is without a type',
  verify: "runs commands in a clean worktree at the run's commit",
  'git-operation': "does a git operation in the run's worktree",
  conditional: 'takes one of two branches',
  parallel: 'runs steps at the same time, and waits for all or some of them',
  loop: 'repeats steps until or while a condition holds',
  for_each: 'runs steps for each item of a list',
  workflow: 'runs another workflow',
  decision: 'asks people',
  wait: 'waits for a time or a signal',
  emit: 'reports an event',
  end: 'ends the run at once',
  lock: 'waits until the run holds a named lock',
  unlock: 'gives a lock back before the run ends',
  plan: 'asks a persona for steps, and runs them',
};

export function addPlugins(program: Program, invoke: Invoke): void {
  program
    .command('plugins')
    .description("the step types of the project's plugins, and the built-in ones")
    .option('--json', 'print JSON')
    .action(({ json }, command) =>
      invoke(command, async (call) => {
        const types = [...(await call.app.stepTypes(call.options)).values()];
        if (json === true) printJson(call, { plugins: types.map(plain), builtIn: BUILT_IN });
        else show(call, types);
        return EXIT.ok;
      }),
    );
}

function plain({ name, description, params, file }: PluginStepType): object {
  return { name, description, params, file };
}

function show(call: Call, types: readonly PluginStepType[]): void {
  const look = tableLook(call);
  if (types.length === 0) print(call, `No plugins in ${severalLines(call.options.directory)}/plugins.\n`);
  else {
    const columns = [
      { title: 'STEP TYPE', cell: ({ name }: PluginStepType) => name },
      { title: 'PARAMS', cell: paramsOf },
      { title: 'FILE', cell: ({ file }: PluginStepType) => relativeTo(call, file) },
      { title: 'DESCRIPTION', cell: ({ description }: PluginStepType) => description },
    ];
    print(call, `${table(columns, types, look)}\n`);
  }
  const builtIn = [
    { title: 'BUILT IN', cell: (type: StepType) => type },
    { title: 'DESCRIPTION', cell: (type: StepType) => BUILT_IN[type] },
  ];
  print(call, table(builtIn, STEP_TYPES, look));
}

/** Names of its params; those that may be left out with a question mark. */
function paramsOf({ params }: PluginStepType): string {
  const properties = params === true ? undefined : params['properties'];
  const required = params === true ? undefined : params['required'];
  if (typeof properties !== 'object' || properties === null) return 'any';
  const needed: readonly unknown[] = Array.isArray(required) ? required : [];
  return Object.keys(properties)
    .map((name) => (needed.includes(name) ? name : `${name}?`))
    .join(', ');
}

function relativeTo(call: Call, file: string): string {
  const project = `${call.options.directory}/`;
  return file.startsWith(project) ? file.slice(project.length) : file;
}
