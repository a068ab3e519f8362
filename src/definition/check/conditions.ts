/** Conditions that can never hold: the step looks like a safeguard, and never runs. */
import type { Scope } from '../../expression/scope.js';
import type { Syntax } from '../../expression/syntax.js';
import type { Problems, Range } from '../problem.js';
import type { Use } from '../uses.js';
import { canHold, type Value, type Values } from './holding.js';
import { type Inference, withoutChain } from './inference.js';
import { valuesOf } from './known.js';
import type { Outline, Placed } from './outline.js';
import { mayHaveFailed, mustHavePassed, type Reader } from './reading.js';

export interface ConditionCheck {
  readonly outline: Outline;
  readonly inference: Inference;
  readonly problems: Problems;
}

/** For what reads nothing. */
const NOTHING: Scope = {
  task: {},
  variables: {},
  context: { state: new Map() },
  steps: {},
  artifacts: {},
  run: { id: '', workflow: '' },
  loop: null,
};

/** Statuses that are left when the failure of a step would have ended the list. */
const NOT_FAILED: readonly Value[] = ['pass', 'skipped', undefined];
const PASSED: readonly Value[] = ['pass'];

/** `condition` of a step, `until` and `while` of a loop; `syntax` is that of the use. */
export function checkCondition(
  step: Placed,
  { use, syntax }: { readonly use: Use; readonly syntax: Syntax },
  check: ConditionCheck,
): void {
  const { problems } = check;
  const at = use.part(0, use.expression.source.length);
  if (use.references.length === 0) {
    const value = constantOf(use);
    if (value !== false) return;
    dropConstant(step.draft.fields.get(use.field) ?? at, problems);
    problems.add('never-holds', at, consequenceOf(step, use.field), 'It reads nothing, so it is false in every run.');
    return;
  }
  if (!canHold(syntax, true, valuesFor(null, use, check))) {
    problems.add('never-holds', at, consequenceOf(step, use.field), 'No values of what it reads fit all of its parts.');
    return;
  }
  const { definition } = step.draft;
  if (use.field !== 'condition') {
    warnOfOneRound(step, { use, syntax, at }, check);
    return;
  }
  if (definition.type === 'conditional') {
    if (definition.else_steps.length === 0 || canHold(syntax, false, valuesFor(null, use, check))) return;
    const message = `the condition of step "${step.id}" always holds, so its else_steps never run`;
    problems.add('never-holds', at, message, 'Whatever it reads, it is true.');
    return;
  }
  warnOfFailedList(step, { use, syntax, at }, check);
}

interface Judged {
  readonly use: Use;
  readonly syntax: Syntax;
  readonly at: Range;
}

/** A condition that asks for the failure of a step whose failure ends the list: by then nothing ordinary starts. */
function warnOfFailedList(step: Placed, { use, syntax, at }: Judged, check: ConditionCheck): void {
  const reader: Reader = { at: 'start', step };
  const limits = {
    statuses: NOT_FAILED,
    applies: (target: Placed) => !mayHaveFailed(reader, target),
    to: new Set<Placed>(),
  };
  if (canHold(syntax, true, valuesFor(limits, use, check))) return;
  const [target] = limits.to;
  if (target === undefined) return;
  check.problems.warn(
    'never-holds',
    at,
    `${consequenceOf(step, 'condition')}: when "${target.id}" fails, what comes after it is skipped`,
    `Give "${target.id}" on_error: continue, or "${step.id}" when: on_failure.`,
  );
}

/** A loop that is there to repeat what fails, but fails with it. */
function warnOfOneRound(loop: Placed, { use, syntax, at }: Judged, check: ConditionCheck): void {
  const limits = { statuses: PASSED, applies: (target: Placed) => mustHavePassed(loop, target), to: new Set<Placed>() };
  if (canHold(syntax, use.field === 'while', valuesFor(limits, use, check))) return;
  const [target] = limits.to;
  if (target === undefined) return;
  check.problems.warn(
    'never-holds',
    at,
    `the loop "${loop.id}" never goes round again: when "${target.id}" fails, the loop has failed`,
    `Give "${target.id}" on_error: continue.`,
  );
}

function consequenceOf({ id, draft }: Placed, field: string): string {
  const what = `"${field}" of step "${id}" can never hold`;
  if (field === 'until') return `${what}, so the loop only ends at its limit`;
  if (field === 'while') return `${what}, so the loop does nothing`;
  return draft.definition.type === 'conditional'
    ? `${what}, so its then_steps never run`
    : `${what}, so the step never runs`;
}

function constantOf({ expression }: Use): boolean | null {
  try {
    return Boolean(expression.evaluate(NOTHING));
  } catch {
    // That it fails is found when it runs; it is not for sure the same as false.
    return null;
  }
}

/** Never holding says more than reading nothing, so only the one is reported. */
function dropConstant({ start, end }: Range, problems: Problems): void {
  problems.keep((code, offset) => code !== 'constant-condition' || offset < start || offset >= end);
}

interface Limits {
  readonly statuses: readonly Value[];
  /** Whether only these are left of a step's statuses. */
  readonly applies: (step: Placed) => boolean;
  /** Filled with the steps that it was asked of and applied to. */
  readonly to: Set<Placed>;
}

function valuesFor(limits: Limits | null, { expression }: Use, { outline, inference }: ConditionCheck): Values {
  return {
    name: (syntax) => {
      const step = stepOfStatus(syntax, outline);
      return step === null ? expression.source.slice(syntax.start, syntax.end) : `status of ${step.id}`;
    },
    valuesOf: (syntax) => {
      const step = limits === null ? null : stepOfStatus(syntax, outline);
      if (limits !== null && step !== null && limits.applies(step)) {
        limits.to.add(step);
        return limits.statuses;
      }
      const values = valuesOf(inference.typeOf(syntax));
      return values === null ? null : [...values, undefined];
    },
  };
}

/** The step whose status a part of an expression is. */
function stepOfStatus(syntax: Syntax, { byId, byState }: Outline): Placed | null {
  if (syntax.kind === 'state') {
    const name = syntax.method === 'get' && syntax.key.kind === 'literal' ? String(syntax.key.value) : '';
    return name.endsWith('_status') ? (byState.get(name) ?? null) : null;
  }
  if (syntax.kind !== 'member' || syntax.key.kind !== 'literal' || syntax.key.value !== 'status') return null;
  const step = withoutChain(syntax.object);
  if (step.kind !== 'member' || step.key.kind !== 'literal') return null;
  const root = withoutChain(step.object);
  return root.kind === 'root' && root.name === 'steps' ? (byId.get(String(step.key.value)) ?? null) : null;
}
