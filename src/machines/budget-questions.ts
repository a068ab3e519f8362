/** People are asked when a budget is used up: to grant more, to ask another persona, or to stop. */
import type { Question } from '../core/facts.js';
import { isJsonObject, type JsonValue } from '../core/json.js';
import { hasPersona, personasOf } from '../definition/steps.js';
import { type Amounts, limitsOfRun, limitsOfStep, raise, type Standing, standingOf } from './budgets.js';
import { stopOrdinary } from './early-end.js';
import { failRun } from './ending.js';
import { ask, endFailed } from './failures.js';
import { planned } from './instances.js';
import { base, moveStep } from './moves.js';
import type { Draft } from './state.js';

const WORDS = { tokens: 'tokens', costUsd: 'dollars', turns: 'turns' } as const;

/** Asks people when nothing is left for the step's next attempt; false when there is something. */
export function asksForBudget(draft: Draft, path: string): boolean {
  const standing = standingOf(draft, path);
  if (standing.is !== 'spent') return false;
  const next = nextPersona(draft, path);
  const choices = [
    { id: 'raise', label: 'Grant more' },
    ...(next === null ? [] : [{ id: 'fallback', label: `Grant more, and ask ${next} instead` }]),
    { id: 'stop', label: standing.of === 'run' ? 'Stop the run' : 'Let the step fail' },
  ];
  const question = {
    about: 'budget',
    prompt: promptOf(draft, path, standing),
    choices,
    context: { of: standing.of },
    assignees: [],
    asked: standing.what.map((key) => ({
      id: key,
      ask: `How many more ${WORDS[key]}?`,
      type: 'number' as const,
      required: true,
    })),
    at: draft.cause.at,
  } as const;
  if (standing.of === 'run') draft.setRecord({ budget: { ...draft.record.budget, asked: path } });
  ask(draft, path, { question });
  return true;
}

function promptOf(draft: Draft, path: string, { of, what }: Extract<Standing, { is: 'spent' }>): string {
  const { definition } = planned(draft, path);
  const limits =
    of === 'run'
      ? limitsOfRun(draft)
      : limitsOfStep(draft, path, hasPersona(definition) ? definition.budget : undefined);
  const used = (of === 'run' ? draft.record.used : draft.step(path).more.used) ?? { tokens: 0, costUsd: 0, turns: 0 };
  const spent = what.map((key) => `${String(used[key])} of ${String(limits[key] ?? 0)} ${WORDS[key]}`).join(', ');
  const whose = of === 'run' ? `The run has used up its budget` : `Step ${path} has used up its budget`;
  return `${whose}: ${spent}. ${of === 'run' ? `Step ${path} would be next.` : 'It would be tried again.'}`;
}

function nextPersona(draft: Draft, path: string): string | null {
  const { definition } = planned(draft, path);
  if (!hasPersona(definition)) return null;
  return personasOf(definition)[(draft.step(path).more.asked ?? 0) + 1] ?? null;
}

/** What people have answered. */
export function answerBudget(
  draft: Draft,
  path: string,
  { asked, choice, data, by }: { asked: Question; choice: string; data: JsonValue; by: string },
): void {
  const of = asked.context['of'] === 'step' ? 'step' : 'run';
  const limit = { class: 'LIMIT', message: asked.prompt } as const;
  if (choice === 'stop') {
    const error = { ...limit, message: `${asked.prompt} ${by} chose to stop.` };
    if (of === 'run') failRun(draft, { ...error, step: path });
    endFailed(draft, path, { error, tolerated: false });
    if (of === 'run') stopOrdinary(draft, error.message);
    return;
  }
  raise(draft, path, { of, by: amountsOf(data) });
  if (choice === 'fallback') askNext(draft, path, limit);
  const { place: _place, ...more } = draft.step(path).more;
  moveStep(draft, path, 'AGAIN', { more });
  draft.ready.push(path);
}

function askNext(draft: Draft, path: string, error: { class: 'LIMIT'; message: string }): void {
  const { definition } = planned(draft, path);
  const { attempt, more } = draft.step(path);
  const personas = hasPersona(definition) ? personasOf(definition) : [];
  const next = (more.asked ?? 0) + 1;
  const [from = '', to = ''] = [personas[next - 1], personas[next]];
  draft.facts.push({ ...base(draft), type: 'step.fallback', step: path, attempt, from, to, error });
  draft.setStep(path, { failures: 0, losses: 0, more: { ...more, asked: next } });
}

/** Nobody grants less than nothing. */
function amountsOf(data: JsonValue): Amounts {
  const amount = (key: keyof Amounts): number => {
    const value = isJsonObject(data) ? data[key] : null;
    return typeof value === 'number' ? Math.max(0, value) : 0;
  };
  return { tokens: Math.floor(amount('tokens')), costUsd: amount('costUsd'), turns: Math.floor(amount('turns')) };
}
