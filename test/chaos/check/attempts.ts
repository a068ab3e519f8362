/** Attempts: whose answers were taken, how often, and what was done twice in the world outside. */
import type { Fact } from '../../../src/core/facts.js';
import type { Dump, DumpedEntry } from '../dump.js';
import { runsOf } from './journals.js';
import { Found, type Violation } from './violation.js';

/** One execution of a persona, as its worker wrote it down before it began. */
export interface Effect {
  readonly token: string;
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  readonly act: string;
  readonly worker: string;
  readonly at: number;
}

/** A forged call, and what it was answered. */
export interface Attack {
  readonly attack: string;
  readonly answer: string;
  readonly run: string;
  readonly step: string;
}

type Asked = Extract<Fact, { type: 'step.queued' }>;
type Outcome = Extract<Fact, { type: 'step.succeeded' | 'step.failed' | 'step.retrying' | 'step.fallback' }>;

function isOutcome(fact: Fact): fact is Outcome {
  return ['step.succeeded', 'step.failed', 'step.retrying', 'step.fallback'].includes(fact.type);
}

/** I7: what a reply settles is the attempt that was asked for last; and no forged call was taken. */
export function onlyCurrentRepliesCount(dump: Dump, attacks: readonly Attack[]): readonly Violation[] {
  const found = new Found('I7');
  for (const { run, entries } of runsOf(dump)) {
    const current = new Map<string, Asked>();
    for (const entry of entries) repliesOf(run, entry, { current, found });
  }
  for (const { attack, answer, run, step } of attacks)
    if (answer === 'ok' || answer === 'go') found.duplicated(`${attack} was taken: ${run} ${step}`);
  return found.violations;
}

function repliesOf(
  run: string,
  { version, messages, facts }: DumpedEntry,
  { current, found }: { current: Map<string, Asked>; found: Found },
): void {
  const replies = new Map(messages.flatMap((message) => (message.kind === 'reply' ? [[message.id, message]] : [])));
  for (const fact of facts) {
    if (fact.type === 'step.queued') current.set(fact.step, fact);
    const reply = fact.cause === null ? undefined : replies.get(fact.cause);
    if (reply === undefined || !isOutcome(fact) || fact.step !== reply.step) continue;
    const asked = current.get(fact.step);
    if (asked?.token !== reply.token || asked.attempt !== fact.attempt)
      found.duplicated(
        `${run} version ${String(version)}: ${fact.type} of ${fact.step} came of ${reply.token}, not of ${asked?.token ?? 'none'}`,
      );
  }
  for (const fact of facts) {
    if (fact.type !== 'step.succeeded') continue;
    const cause = messages.find(({ id }) => id === fact.cause);
    // A plan is a block: it is over with the last of its steps.
    const asked = current.get(fact.step);
    if (asked !== undefined && asked.persona !== 'planner' && cause?.kind !== 'reply')
      found.duplicated(
        `${run} version ${String(version)}: ${fact.step} succeeded by a message of kind ${cause?.kind ?? 'none'}`,
      );
  }
}

/** I8: one reply at most is taken per token, and a step succeeds once at most until somebody has it run again. */
export function oneResultPerAttempt(dump: Dump): readonly Violation[] {
  const found = new Found('I8');
  for (const { run, entries } of runsOf(dump)) {
    const taken = new Set<string>();
    const succeeded = new Set<string>();
    // Attempts count on when a step runs again; steps that ask nobody have none.
    const attempts = new Set<string>();
    for (const { messages, facts } of entries) {
      const ignored = new Set(facts.flatMap(({ type, cause }) => (type === 'message.ignored' ? [cause] : [])));
      for (const message of messages) {
        if (message.kind !== 'reply' || ignored.has(message.id)) continue;
        if (taken.has(message.token))
          found.duplicated(`${run}: two replies with the token ${message.token} were taken`);
        taken.add(message.token);
      }
      for (const fact of facts) {
        if (fact.type === 'run.retried' || fact.type === 'run.restarted') succeeded.clear();
        if (fact.type !== 'step.succeeded') continue;
        const attempt = `${fact.step} with attempt ${String(fact.attempt)}`;
        if (succeeded.has(fact.step) || (fact.attempt > 0 && attempts.has(attempt)))
          found.duplicated(`${run}: step ${attempt} succeeded twice`);
        succeeded.add(fact.step);
        attempts.add(attempt);
      }
    }
  }
  return found.violations;
}

/** Executions per attempt beyond the first: at-least-once is promised, and this is how often it shows. */
export function doubledWork(effects: readonly Effect[]): { readonly executions: number; readonly doubled: number } {
  const seen = new Set<string>();
  let doubled = 0;
  for (const { run, token } of effects) {
    const name = `${run} ${token}`;
    if (seen.has(name)) doubled++;
    seen.add(name);
  }
  return { executions: effects.length, doubled };
}
