/** `coord plan`: how a workflow will go, said before anything runs. */
import {
  analyzeCriticalPath,
  createExecutionPlan,
  type CriticalPath,
  type ExecutionPlan,
  findParallelizationOpportunities,
  type Parallelization,
  validateNoCycles,
} from '../../definition/analysis.js';
import { listTitle, marksOf, whatOf } from '../../definition/step-words.js';
import { allSteps, listsOf, type StepDefinition, type StepList } from '../../definition/steps.js';
import type { WorkflowDefinition } from '../../definition/workflow.js';
import { type Call, type Invoke, print, printJson, type Program, workflowOf } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { duration } from '../render/duration.js';
import { oneLine } from '../render/printable.js';

/** Steps that a line names; there may be thousands on a level. */
const NAMED = 12;

interface ListPlan extends ExecutionPlan, Parallelization {
  readonly criticalPath: CriticalPath;
  /** What the steps hold. */
  readonly inside: readonly (ListPlan & { readonly step: string; readonly key: StepList['key'] })[];
}

export function addPlan(program: Program, invoke: Invoke): void {
  program
    .command('plan')
    .description('say how a workflow will go, without running it')
    .argument('<workflow>', 'name of a workflow, or a path to its file')
    .option('--env <name>', 'with the variables of this environment')
    .option('--json', 'print JSON')
    .action((workflow, { env = null, json }, command) =>
      invoke(command, async (call) => {
        const { definition } = await call.app.loadWorkflow(workflowOf(call, workflow), call.options, null, env);
        const plan = planOf(definition.steps);
        if (json === true) printJson(call, { workflow: definition.name, version: definition.version, ...plan });
        else show(call, definition, plan);
        return EXIT.ok;
      }),
    );
}

function planOf(steps: readonly StepDefinition[]): ListPlan {
  validateNoCycles(steps);
  return {
    ...createExecutionPlan(steps),
    criticalPath: analyzeCriticalPath(steps),
    ...findParallelizationOpportunities(steps),
    inside: steps.flatMap((step) =>
      listsOf(step).map((list) => ({ step: step.id, key: list.key, ...planOf(list.steps) })),
    ),
  };
}

function show(call: Call, { name, version, steps }: WorkflowDefinition, plan: ListPlan): void {
  const { colors } = call;
  const count = [...allSteps(steps)].length;
  const size = `${counted(count, 'step')} in ${counted(plan.levels.length, 'level')}`;
  print(call, `${colors.bold(oneLine(name))} ${oneLine(version)}: ${size}`);
  const byId = new Map([...allSteps(steps)].map((step) => [step.id, step]));
  for (const line of levelLines(plan, byId, '')) print(call, line);
  for (const group of plan.groups) print(call, `${colors.dim('at the same time:')} ${named(group)}`);
  print(call, `${colors.dim('critical path:')} ${pathOf(plan.criticalPath)}`);
  for (const { step, dependency, through } of redundantIn(plan)) {
    const text = `"${step}" need not name "${dependency}": it waits for it through "${through}"`;
    print(call, `${colors.dim('could be left out:')} ${text}`);
  }
}

function levelLines(plan: ListPlan, byId: ReadonlyMap<string, StepDefinition>, indent: string): string[] {
  const width = String(plan.levels.length).length + 1;
  return plan.levels.flatMap((level, index) => [
    `${indent}${String(index + 1).padStart(width)}  ${named(level)}`,
    ...level.flatMap((id) => insideLines(plan, byId.get(id), { byId, indent: `${indent}${' '.repeat(width + 2)}` })),
  ]);
}

/** What a block is, and its lists; nothing for a plain step. */
function insideLines(
  plan: ListPlan,
  step: StepDefinition | undefined,
  { byId, indent }: { readonly byId: ReadonlyMap<string, StepDefinition>; readonly indent: string },
): string[] {
  const lists = plan.inside.filter((list) => list.step === step?.id && list.order.length > 0);
  if (step === undefined || (lists.length === 0 && marksOf(step).length === 0)) return [];
  const isBlock = lists.some(({ key }) => key !== 'compensate');
  const words = [...(isBlock ? [whatOf(step)] : []), ...marksOf(step)].join(', ');
  return [
    ...(words === '' ? [] : [`${indent}${step.id}: ${oneLine(words)}`]),
    ...lists.flatMap((list) => {
      const title = listTitle(list.key);
      const lines = levelLines(list, byId, `${indent}  `);
      return title === '' ? lines : [`${indent}${step.id}, ${title}:`, ...lines];
    }),
  ];
}

function named(ids: readonly string[]): string {
  const rest = ids.length - NAMED;
  return rest > 0 ? `${ids.slice(0, NAMED).join(', ')} and ${String(rest)} more` : ids.join(', ');
}

function pathOf({ path, total, unit, untimed }: CriticalPath): string {
  const shown = path.length > NAMED ? [...path.slice(0, NAMED / 2), '…', ...path.slice(-NAMED / 2)] : path;
  const without = untimed === 0 ? '' : `, ${counted(untimed, 'step')} without`;
  const length = unit === 'steps' ? counted(total, 'step') : `${duration(total * 1_000)} by their timeouts${without}`;
  return `${shown.join(' -> ')} (${length})`;
}

function redundantIn(plan: ListPlan): Parallelization['redundant'] {
  return [...plan.redundant, ...plan.inside.flatMap((list) => redundantIn(list))];
}

function counted(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`;
}
