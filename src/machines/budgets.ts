/**
 * What may still be used, of the run's budget and of the step's own. What an attempt of a step with a budget may use at most is
 * set aside when it is asked for, and settled when it is over, with what its persona says; without a word, with all of it.
 */
import type { Ceiling, Used } from '../core/exchange.js';
import { exact } from '../core/used.js';
import { BUDGET_KEYS, type Budget } from '../definition/ask-policy.js';
import { hasPersona } from '../definition/steps.js';
import { questionOf } from './answers.js';
import { planned } from './instances.js';
import type { Draft } from './state.js';

export type Amounts = Readonly<Record<'tokens' | 'costUsd' | 'turns', number>>;
type Dimension = keyof Amounts;

const NONE: Amounts = { tokens: 0, costUsd: 0, turns: 0 };

/** `held`: what is left is set aside for others, or people are asked already. `spent`: nothing is left. */
export type Standing =
  | { readonly is: 'free' | 'held' }
  | { readonly is: 'spent'; readonly of: 'run' | 'step'; readonly what: readonly Dimension[] };

/** Whether the step's next attempt can be asked for. */
export function standingOf(draft: Draft, path: string): Standing {
  const { definition } = planned(draft, path);
  if (!hasPersona(definition) && definition.type !== 'workflow') return { is: 'free' };
  if (isAsked(draft)) return { is: 'held' };
  const run = limitsOfRun(draft);
  const { used = NONE } = draft.record;
  const spent = exhausted(run, used);
  if (spent.length > 0) return { is: 'spent', of: 'run', what: spent };
  const own = hasPersona(definition) ? limitsOfStep(draft, path, definition.budget) : {};
  const ofStep = exhausted(own, draft.step(path).more.used ?? NONE);
  if (ofStep.length > 0) return { is: 'spent', of: 'step', what: ofStep };
  return exhausted(run, plus(used, reservedOf(draft))).length > 0 ? { is: 'held' } : { is: 'free' };
}

/** What the next attempt may use at most, which is set aside when the step has a budget of its own; undefined: no limit. */
export function reserve(draft: Draft, path: string): Ceiling | undefined {
  const { definition } = planned(draft, path);
  if (!hasPersona(definition)) return undefined;
  const { used = NONE } = draft.record;
  const ofRun = left(limitsOfRun(draft), plus(used, reservedOf(draft)));
  const ofStep = left(limitsOfStep(draft, path, definition.budget), draft.step(path).more.used ?? NONE);
  const ceiling = lower(ofRun, ofStep);
  if (Object.keys(ceiling).length === 0) return undefined;
  if (definition.budget !== undefined) {
    // Of what the step has no budget for, nothing is set aside: others are not to wait for it.
    const own = Object.entries(ceiling).filter(([key]) => Object.hasOwn(ofStep, key));
    const reserved: Ceiling = Object.fromEntries(own);
    draft.setMore(path, { reserved });
    setReserved(draft, plus(reservedOf(draft), amounts(reserved)));
  }
  return ceiling;
}

/** Gives back what was set aside for the step's attempt; returns it. */
export function release(draft: Draft, path: string): Ceiling | undefined {
  const { reserved, ...more } = draft.step(path).more;
  if (reserved === undefined) return undefined;
  draft.setStep(path, { more });
  setReserved(draft, plus(reservedOf(draft), amounts(reserved), -1));
  return reserved;
}

/** Grants more, of the run's budget or of the step's own. */
export function raise(draft: Draft, path: string, { of, by }: { of: 'run' | 'step'; by: Amounts }): void {
  if (of === 'step') {
    draft.setMore(path, { raised: plus(draft.step(path).more.raised ?? NONE, by) });
    return;
  }
  const { warned: _warned, ...budget } = draft.record.budget ?? {};
  draft.setRecord({ budget: { ...budget, raised: plus(budget.raised ?? NONE, by) } });
}

/** The parts of the run's budget of which `soft` or more is used. */
export function nearlySpent(draft: Draft, used: Used, soft: number): readonly Dimension[] {
  const limits = limitsOfRun(draft);
  return dimensions().filter((key) => used[key] >= soft * (limits[key] ?? Number.POSITIVE_INFINITY));
}

export function limitsOfRun({ plan, record }: Draft): Ceiling {
  return raised(plan.definition.budget, record.budget?.raised);
}

export function limitsOfStep(draft: Draft, path: string, budget: Budget | undefined): Ceiling {
  return raised(budget, draft.step(path).more.raised);
}

/** Whether people are asked about the run's budget now: nothing is begun before they have answered. */
function isAsked(draft: Draft): boolean {
  const path = draft.record.budget?.asked;
  return path !== undefined && questionOf(draft, path)?.about === 'budget';
}

function reservedOf({ record }: Draft): Amounts {
  return record.budget?.reserved ?? NONE;
}

function setReserved(draft: Draft, reserved: Amounts): void {
  const { reserved: _before, ...budget } = draft.record.budget ?? {};
  const any = dimensions().some((key) => reserved[key] > 0);
  draft.setRecord({ budget: { ...budget, ...(any && { reserved }) } });
}

function dimensions(): readonly Dimension[] {
  return BUDGET_KEYS.map(([, key]) => key);
}

function raised(budget: Budget | undefined, by: Amounts = NONE): Ceiling {
  const limits = BUDGET_KEYS.flatMap(([word, key]): [Dimension, number][] => {
    const limit = budget?.[word];
    return limit === undefined ? [] : [[key, limit + by[key]]];
  });
  return Object.fromEntries(limits);
}

function exhausted(limits: Ceiling, used: Amounts): readonly Dimension[] {
  return dimensions().filter((key) => (limits[key] ?? Number.POSITIVE_INFINITY) <= used[key]);
}

function left(limits: Ceiling, used: Amounts): Ceiling {
  return Object.fromEntries(
    dimensions().flatMap((key): [Dimension, number][] => {
      const limit = limits[key];
      return limit === undefined ? [] : [[key, exact(limit - used[key])]];
    }),
  );
}

function lower(a: Ceiling, b: Ceiling): Ceiling {
  return Object.fromEntries(
    dimensions().flatMap((key): [Dimension, number][] => {
      const both = [a[key], b[key]].filter((one) => one !== undefined);
      return both.length === 0 ? [] : [[key, Math.min(...both)]];
    }),
  );
}

function amounts({ tokens = 0, costUsd = 0, turns = 0 }: Ceiling): Amounts {
  return { tokens, costUsd, turns };
}

function plus(a: Amounts, b: Amounts, times = 1): Amounts {
  const add = (key: Dimension): number => exact(a[key] + times * b[key]);
  return { tokens: add('tokens'), costUsd: add('costUsd'), turns: add('turns') };
}
