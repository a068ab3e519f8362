/** A workflow drawn: as Mermaid text, and as an XState configuration that Stately opens. The SVG is in svg.ts. */
import type { JsonObject } from '../core/json.js';
import { longestPath, topologicalOrder } from './order.js';
import type { StepDefinition, WorkflowDefinition } from './workflow.js';

export { toSvg } from './svg.js';

/** A flowchart, top down: name and persona of every step, and its condition. */
export function toMermaid(definition: WorkflowDefinition): string {
  const lines = ['flowchart TD'];
  for (const step of definition.steps) {
    const rows = [step.name, step.persona, ...(step.condition === null ? [] : [`if ${step.condition}`])];
    lines.push(`  ${nodeId(step.id)}["${rows.map(mermaidText).join('<br/>')}"]`);
  }
  for (const step of definition.steps) {
    for (const dependency of step.dependencies) lines.push(`  ${nodeId(dependency)} --> ${nodeId(step.id)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Prefixed, since words such as `end` mean something to Mermaid; ids differ in more than `-` and `_`. */
function nodeId(id: string): string {
  return `step_${id.replaceAll('-', '_')}`;
}

/** Mermaid's own escapes (`#` code `;`) for everything that is not a plain letter, digit or harmless sign. */
function mermaidText(text: string): string {
  const clipped = text.length > 120 ? `${text.slice(0, 119)}…` : text;
  return clipped
    .replace(/[\p{Cc}\p{Cf}\p{Cs}]+/gu, ' ')
    .replace(/[^\p{L}\p{N} .,_/()?!=+*-]/gu, (character) => `#${String(character.codePointAt(0) ?? 0)};`);
}

/** A parallel machine with one region per step, for looking at: the coordinator runs no such machine. */
export function toXStateConfig(definition: WorkflowDefinition): JsonObject {
  const { order } = topologicalOrder(new Map(definition.steps.map((step) => [step.id, step.dependencies])));
  return {
    id: definition.name.replaceAll('.', '_'),
    description: definition.description,
    type: 'parallel',
    meta: { version: definition.version, order, criticalPath: criticalPathOf(definition) },
    states: Object.fromEntries(definition.steps.map((step): [string, JsonObject] => [step.id, region(step)])),
  };
}

function criticalPathOf(definition: WorkflowDefinition): readonly string[] {
  const dependencies = new Map(definition.steps.map((step) => [step.id, step.dependencies]));
  return longestPath(topologicalOrder(dependencies).order, dependencies);
}

function region(step: StepDefinition): JsonObject {
  const ready = { type: 'dependenciesSettled', params: { steps: step.dependencies } };
  const skipped = { type: 'conditionIsFalse', params: { condition: step.condition } };
  const begin = step.condition === null ? [] : [{ target: 'skipped', guard: skipped }];
  const retries = { type: 'retriesLeft', params: { retries: step.retries } };
  return {
    description: `${step.name} (${step.persona})`,
    initial: 'pending',
    states: {
      pending: { on: { ADVANCE: [{ target: 'ready', guard: ready }] } },
      ready: { on: { START: [...begin, { target: 'queued' }] } },
      queued: { on: { BEGIN: { target: 'working' } } },
      working: {
        on: {
          PASS: { target: 'succeeded' },
          REJECT: { target: 'failed' },
          ERROR: [{ target: 'retrying', guard: retries }, { target: 'failed' }],
        },
      },
      retrying: { on: { RETRY: { target: 'queued' } } },
      succeeded: { type: 'final' },
      skipped: { type: 'final' },
      failed: { type: 'final' },
    },
  };
}
