/** A workflow drawn: as Mermaid text, and as an XState configuration that Stately opens. The SVG is in svg.ts. */
import type { JsonObject } from '../core/json.js';
import { mermaidText } from '../core/mermaid-text.js';
import { EVERYTHING, longestPath, topologicalOrder, waitsOf } from './order.js';
import { listTitle, marksOf, whatOf } from './step-words.js';
import { listsOf, type LoopStep, type StepDefinition, type StepList } from './steps.js';
import type { WorkflowDefinition } from './workflow.js';

export { toSvg } from './svg.js';

/** A flowchart, top down: what every step does and when. Blocks are subgraphs; a dotted arrow leads back in a loop. */
export function toMermaid(definition: WorkflowDefinition): string {
  return `${['flowchart TD', ...listLines(definition.steps, '  ')].join('\n')}\n`;
}

function listLines(steps: readonly StepDefinition[], indent: string): string[] {
  const lines = steps.flatMap((step) => stepLines(step, indent));
  for (const step of steps) {
    for (const dependency of step.dependencies) lines.push(`${indent}${nodeId(dependency)} --> ${nodeId(step.id)}`);
  }
  return lines;
}

function stepLines(step: StepDefinition, indent: string): string[] {
  const title = `["${[step.name, whatOf(step), ...marksOf(step)].map(mermaidText).join('<br/>')}"]`;
  const inside = listsOf(step).filter(({ key, steps }) => key !== 'compensate' && steps.length > 0);
  const lines =
    inside.length === 0
      ? [`${indent}${nodeId(step.id)}${title}`]
      : [
          `${indent}subgraph ${nodeId(step.id)}${title}`,
          ...inside.flatMap((list) => blockLines(step, list, `${indent}  `)),
          `${indent}end`,
        ];
  if (step.compensate.length === 0) return lines;
  const undo = { key: 'compensate', steps: step.compensate } as const;
  return [...lines, ...partLines(step, undo, indent), `${indent}${nodeId(step.id)} -.-> ${partId(step.id, undo.key)}`];
}

function blockLines(step: StepDefinition, list: StepList, indent: string): string[] {
  if (list.key !== 'steps') return partLines(step, list, indent);
  const lines = listLines(list.steps, indent);
  return step.type === 'loop' ? [...lines, ...backEdge(step, indent)] : lines;
}

/** A list of several inside a step, as a box of its own. */
function partLines(step: StepDefinition, { key, steps }: StepList, indent: string): string[] {
  return [
    `${indent}subgraph ${partId(step.id, key)}["${listTitle(key)}"]`,
    ...listLines(steps, `${indent}  `),
    `${indent}end`,
  ];
}

function backEdge({ steps, max_rounds: most }: LoopStep, indent: string): string[] {
  const [first] = steps;
  const last = steps.at(-1);
  if (first === undefined || last === undefined) return [];
  return [
    `${indent}${nodeId(last.id)} -. "${mermaidText(`again, at most ${String(most)} rounds`)}" .-> ${nodeId(first.id)}`,
  ];
}

/** Prefixed, since words such as `end` mean something to Mermaid; ids differ in more than `-` and `_`. */
function nodeId(id: string): string {
  return `step_${id.replaceAll('-', '_')}`;
}

/** No step's node id begins so. */
function partId(id: string, key: StepList['key']): string {
  return `${key}_of_${id.replaceAll('-', '_')}`;
}

/** A parallel machine with one region per step, for looking at: the coordinator runs no such machine. */
export function toXStateConfig(definition: WorkflowDefinition): JsonObject {
  const dependencies = waitsOf(definition.steps);
  const { order } = topologicalOrder(dependencies);
  const { path } = longestPath(order, dependencies);
  return {
    id: definition.name.replaceAll('.', '_'),
    description: definition.description,
    meta: { version: definition.version, order: order.filter((id) => id !== EVERYTHING), criticalPath: path },
    ...regions(definition.steps),
  };
}

function regions(steps: readonly StepDefinition[]): JsonObject {
  return {
    type: 'parallel',
    states: Object.fromEntries(steps.map((step): [string, JsonObject] => [step.id, region(step)])),
  };
}

function region(step: StepDefinition): JsonObject {
  const ready = { type: 'dependenciesSettled', params: { steps: step.dependencies, when: step.when } };
  const skipped = { type: 'conditionIsFalse', params: { condition: step.condition } };
  const gated = step.condition !== null && step.type !== 'conditional';
  const begin = gated ? [{ target: 'skipped', guard: skipped }] : [];
  const { first, states } = insideOf(step);
  return {
    description: [`${step.name} (${whatOf(step)})`, ...marksOf(step).slice(gated ? 1 : 0)].join(', '),
    initial: 'pending',
    states: {
      pending: { on: { ADVANCE: [{ target: 'ready', guard: ready }] } },
      ready: { on: { START: [...begin, ...first] } },
      ...states,
      succeeded: step.compensate.length === 0 ? { type: 'final' } : { on: { COMPENSATE: { target: 'compensating' } } },
      ...(step.compensate.length === 0 ? {} : { compensating: regions(step.compensate) }),
      skipped: { type: 'final' },
      failed: { type: 'final' },
    },
  };
}

/** Where a step goes when it starts, and the states that it has only then. */
function insideOf(step: StepDefinition): { readonly first: readonly JsonObject[]; readonly states: JsonObject } {
  const settle = { SUCCEED: { target: 'succeeded' }, FAIL: { target: 'failed' } };
  switch (step.type) {
    case 'conditional': {
      const guard = { type: 'conditionHolds', params: { condition: step.condition } };
      return {
        first: [{ target: 'then_steps', guard }, { target: 'else_steps' }],
        states: {
          then_steps: { ...regions(step.then_steps), on: settle },
          else_steps: { ...regions(step.else_steps), on: settle },
        },
      };
    }
    case 'loop': {
      const again = { type: 'roundsLeft', params: { max_rounds: step.max_rounds } };
      const on = { ...settle, ROUND: [{ target: 'working', reenter: true, guard: again }, { target: 'failed' }] };
      return { first: [{ target: 'working' }], states: { working: { ...regions(step.steps), on } } };
    }
    case 'parallel':
    case 'for_each':
      return { first: [{ target: 'working' }], states: { working: { ...regions(step.steps), on: settle } } };
    case 'decision':
    case 'wait':
    case 'lock':
      return { first: [{ target: 'waiting' }], states: { waiting: { on: settle } } };
    case 'emit':
    case 'end':
    case 'unlock':
      return { first: [{ target: 'succeeded' }], states: {} };
    default:
      return { first: [{ target: 'queued' }], states: attempts(step.retries.count) };
  }
}

function attempts(retries: number | string): JsonObject {
  const left = { type: 'retriesLeft', params: { retries } };
  return {
    queued: { on: { BEGIN: { target: 'working' } } },
    working: {
      on: {
        PASS: { target: 'succeeded' },
        REJECT: { target: 'failed' },
        ERROR: [{ target: 'retrying', guard: left }, { target: 'failed' }],
      },
    },
    retrying: { on: { RETRY: { target: 'queued' } } },
  };
}
