/** What a step does and when, in a few words: for drawings and for lists of steps. */
import type { ForEachStep, LoopStep, ParallelStep, StepDefinition, StepList } from './steps.js';

/** Who does it, or what happens: `lead-engineer`, `asks approve or reject`, `at most 3 rounds, until …`. */
export function whatOf(step: StepDefinition): string {
  switch (step.type) {
    case 'persona-request':
      return [step.persona, ...step.fallback].join(', else ');
    case 'plan':
      return `${step.persona} plans up to ${String(step.max_steps)} steps`;
    case 'git-operation':
      return step.branch === null ? `git ${step.operation}` : `git ${step.operation} ${step.branch}`;
    case 'verify':
      return step.run.map((words) => words.join(' ')).join(', then ');
    case 'conditional':
      return `if ${step.condition}`;
    case 'parallel':
      return waits(step);
    case 'loop':
      return rounds(step);
    case 'for_each':
      return items(step);
    case 'workflow':
      return `workflow ${step.workflow}`;
    case 'decision':
      return `asks ${step.assignees.length === 0 ? 'people' : step.assignees.join(', ')}: ${step.choices.map(({ id }) => id).join(' or ')}`;
    case 'wait':
      if (step.signal !== null) return `waits for signal ${step.signal}`;
      return step.until === null ? `waits ${seconds(step.duration ?? 0)}` : `waits until ${step.until}`;
    case 'end':
      return `ends the run as ${step.status}`;
    case 'lock':
      return `takes lock ${step.lock}`;
    case 'unlock':
      return `gives lock ${step.lock} back`;
    default:
      return `emits ${step.event}`;
  }
}

function seconds(duration: number | string): string {
  return typeof duration === 'number' ? `${String(duration)} s` : duration;
}

function waits({ wait_for: count, steps }: ParallelStep): string {
  if (count === 'all') return 'at the same time';
  return count === 'any' ? 'until any succeeds' : `until ${String(count)} of ${String(steps.length)} succeed`;
}

function rounds({ until, while: during, max_rounds: most, on_limit: limit }: LoopStep): string {
  const end = until === null ? `while ${during ?? 'true'}` : `until ${until}`;
  return `at most ${String(most)} rounds${limit === 'ask' ? ', then asks' : ''}, ${end}`;
}

function items({ items: list, concurrency }: ForEachStep): string {
  const each = typeof list === 'string' ? `for each of ${list}` : `for each of ${String(list.length)} items`;
  return concurrency === null ? each : `${each}, ${String(concurrency)} at a time`;
}

/** What is unlike other steps: `if …`, `after a failure`, `its failure is passed over`. */
export function marksOf(step: StepDefinition): readonly string[] {
  const marks: string[] = [];
  if (step.condition !== null && step.type !== 'conditional') marks.push(`if ${step.condition}`);
  if (step.when === 'always') marks.push('always');
  if (step.when === 'on_failure') marks.push('after a failure');
  if (step.on_error === 'continue') marks.push('goes on if it fails');
  if (step.enters !== undefined) marks.push(`enters ${step.enters}`);
  if (step.on_error === 'ask') marks.push('asks if it fails');
  return marks;
}

/** What a list inside a step is for; empty when the step itself says it. */
export function listTitle(key: StepList['key']): string {
  if (key === 'steps') return '';
  if (key === 'compensate') return 'to undo it';
  return key === 'then_steps' ? 'then' : 'else';
}
