/**
 * What a tame workflow comes to, by a second opinion: a sequential interpreter that shares nothing with the machines but
 * the definition. It knows only what `workflows.ts` writes into tame workflows, and refuses everything else.
 */
import type { JsonValue } from '../../src/core/json.js';
import type { StepDefinition } from '../../src/definition/steps.js';
import { definitionHash, type WorkflowDefinition } from '../../src/definition/workflow.js';

export interface ExpectedStep {
  readonly status: 'succeeded' | 'skipped';
  readonly result: JsonValue;
}

export interface Expected {
  /** By path, in the order of no account. */
  readonly steps: ReadonlyMap<string, ExpectedStep>;
  readonly result: JsonValue;
}

/** What personas and people answer in tame workflows: the same whenever and however often they are asked. */
export const TAME = {
  passing: (path: string): JsonValue => ({ of: path }),
  decision: { choice: 'approve', data: null, by: 'ada' },
  signal: (name: string): JsonValue => ({ signal: name }),
} as const;

export function interpret(workflow: WorkflowDefinition, inner: readonly WorkflowDefinition[]): Expected {
  const definitions = new Map(inner.map((one) => [definitionHash(one), one]));
  const steps = new Map<string, ExpectedStep>();
  const result = list(workflow.steps, '');
  return { steps, result };

  /** Goes through a list, each step after those it waits for; gives the value of the last one that is written. */
  function list(written: readonly StepDefinition[], prefix: string): JsonValue {
    const open = [...written];
    while (open.length > 0) {
      const at = open.findIndex(({ dependencies }) => dependencies.every((id) => steps.has(`${prefix}${id}`)));
      const [next] = open.splice(at, 1);
      if (next === undefined || at < 0) throw new Error('steps that wait for each other');
      go(next, prefix);
    }
    const last = written.at(-1);
    return last === undefined ? null : valueOf(last, prefix);
  }

  function go(one: StepDefinition, prefix: string): void {
    const path = `${prefix}${one.id}`;
    if (one.type !== 'conditional' && one.condition !== null && !holds(one.condition, prefix))
      steps.set(path, { status: 'skipped', result: null });
    else steps.set(path, { status: 'succeeded', result: perform(one, path, prefix) });
  }

  function perform(one: StepDefinition, path: string, prefix: string): JsonValue {
    switch (one.type) {
      case 'persona-request':
        return TAME.passing(path);
      case 'decision':
        return TAME.decision;
      case 'wait':
        return one.signal === null ? null : TAME.signal(one.signal);
      case 'lock':
      case 'unlock':
        return { lock: one.lock };
      case 'emit':
        return { event: one.event, data: one.data };
      case 'workflow': {
        const within = definitions.get(one.definition ?? '');
        if (within === undefined) throw new Error(`no definition for ${path}`);
        return interpret(within, inner).result;
      }
      case 'conditional':
        return list(holds(one.condition, prefix) ? one.then_steps : one.else_steps, prefix);
      case 'parallel':
        list(one.steps, prefix);
        return Object.fromEntries(
          one.steps
            .filter(({ id }) => steps.get(`${prefix}${id}`)?.status === 'succeeded')
            .map((within) => [within.id, valueOf(within, prefix)]),
        );
      case 'loop': {
        const rounds = Number(/^loop\.round >= (\d)$/.exec(one.until ?? '')?.[1]);
        let value: JsonValue = null;
        for (let round = 1; round <= rounds; round++) value = list(one.steps, `${path}[${String(round)}]/`);
        return value;
      }
      case 'for_each': {
        const items = one.items as readonly JsonValue[];
        return items.map((_item, index) => list(one.steps, `${path}[${String(index)}]/`));
      }
      default:
        throw new Error(`no tame workflow has a ${one.type}`);
    }
  }

  /** A block that was skipped has the value of a block in which nothing has happened. */
  function valueOf(one: StepDefinition, prefix: string): JsonValue {
    const known = steps.get(`${prefix}${one.id}`);
    if (known?.status === 'succeeded') return known.result;
    return one.type === 'parallel' ? {} : one.type === 'for_each' ? [] : null;
  }

  function holds(condition: string, prefix: string): boolean {
    if (condition === 'true' || condition === 'false') return condition === 'true';
    const [, id = '', comparison, wanted] = /^steps\.(\w+)\.status (===|!==) '(\w+)'$/.exec(condition) ?? [];
    const status = steps.get(`${prefix}${id}`)?.status === 'succeeded' ? 'pass' : 'skipped';
    return (status === wanted) === (comparison === '===');
  }
}
