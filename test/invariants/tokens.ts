/** I6, I7, I8: requests, and the replies to them. */
import type { Fact } from '../../src/core/facts.js';
import { groupedBy, type Transition, type Violation } from './violation.js';

/** Facts that end an attempt by what its persona answered, or since nothing came of it. */
const ENDS: ReadonlySet<Fact['type']> = new Set([
  'step.succeeded',
  'step.failed',
  'step.retrying',
  'step.fallback',
  'step.canceled',
] as const);

/**
 * I7: a reply moves a step only when it carries the token of the attempt that was asked last and is not over; I8: and
 * at most one reply of each attempt is taken.
 */
export function repliesByToken(transitions: readonly Transition[]): readonly Violation[] {
  const found: Violation[] = [];
  for (const [run, history] of groupedBy(transitions, (one) => one.run)) {
    const awaited = new Map<string, string>();
    const taken = new Set<string>();
    for (const { messages, facts, version } of history) {
      for (const message of messages) {
        const came = facts.filter(({ cause }) => cause === message.id);
        if (message.kind === 'reply') {
          const ignored = came.some(({ type }) => type === 'message.ignored');
          const { step, token } = message;
          const where = `version ${String(version)} of run ${run}: the reply ${token} of step ${step}`;
          if (!ignored && awaited.get(step) !== token)
            found.push({
              invariant: 'I7',
              what: `${where} was taken, awaited was ${awaited.get(step) ?? 'none'}`,
            });
          if (!ignored && taken.has(token)) found.push({ invariant: 'I8', what: `${where} was taken twice` });
          if (!ignored) {
            taken.add(token);
            awaited.delete(step);
          }
        }
        for (const fact of came) {
          if ('step' in fact && fact.step !== null && ENDS.has(fact.type)) awaited.delete(fact.step);
          if (fact.type === 'step.queued') awaited.set(fact.step, fact.token);
        }
      }
    }
  }
  return found;
}

/** I6: every attempt that a history says was asked for lay on a stream exactly once, and none that it does not say. */
export function requestsAskedOnce(
  transitions: readonly Transition[],
  asked: readonly { readonly run: string; readonly token: string }[],
): readonly Violation[] {
  const counts = new Map<string, number>();
  for (const { run, token } of asked) counts.set(`${run} ${token}`, (counts.get(`${run} ${token}`) ?? 0) + 1);
  const found: Violation[] = [];
  for (const { run, facts } of transitions) {
    for (const fact of facts) {
      if (fact.type !== 'step.queued') continue;
      const name = `${run} ${fact.token}`;
      const count = counts.get(name) ?? 0;
      if (count !== 1)
        found.push({ invariant: 'I6', what: `request ${name} was put on a stream ${String(count)} times` });
      counts.delete(name);
    }
  }
  for (const name of counts.keys()) found.push({ invariant: 'I6', what: `request ${name} is of no transition` });
  return found;
}
