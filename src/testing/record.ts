/** A real run as a test: the replies of its personas, what came from outside, and how it ended. */
import type { Fact } from '../core/facts.js';
import type { JsonObject, JsonValue } from '../core/json.js';
import { ENGINE_CLASSES } from '../core/statuses.js';
import type { RunView } from '../core/views.js';

export interface RecordedRun {
  readonly view: RunView;
  readonly facts: readonly Fact[];
  /** Contents of artifacts that are texts, by hash. */
  readonly texts: ReadonlyMap<string, string>;
}

type Outcome = Extract<Fact, { readonly type: 'step.succeeded' | 'step.retrying' | 'step.failed' }>;

/** A test file with one test, to be written as YAML. */
export function recordedTest(recorded: RecordedRun): JsonObject {
  const { view, facts } = recorded;
  const startedAt = view.startedAt ?? view.createdAt;
  const canceled = facts.find((fact) => fact.type === 'run.canceled');
  const optional: Readonly<Record<string, JsonValue>> = {
    replies: repliesOf(recorded),
    signals: signalsOf(recorded, startedAt),
    decisions: decisionsOf(recorded),
    cancel: canceled === undefined ? {} : { at: durationText(canceled.at - startedAt), reason: canceled.reason },
  };
  const test: JsonObject = {
    name: `goes as run ${view.id} did`,
    task: view.task,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => Object.keys(value ?? {}).length > 0)),
    expect: expectationOf(view),
  };
  return { workflow: view.workflow, tests: [test] };
}

function repliesOf(recorded: RecordedRun): JsonObject {
  const replies = new Map<string, JsonObject[]>();
  const asked = new Map<string, string>();
  const begun = new Map<string, number>();
  for (const fact of recorded.facts) {
    if (fact.type === 'step.queued') asked.set(attemptOf(fact), fact.step);
    if (fact.type === 'step.working') begun.set(attemptOf(fact), fact.at);
    const asks = asksOf(fact);
    if (asks !== null) {
      const [attempt] = [...asked].find(([, step]) => step === asks.step) ?? [];
      if (attempt !== undefined) asked.delete(attempt);
      replies.set(asks.step, [...(replies.get(asks.step) ?? []), { asks: asks.questions }]);
    }
    if (fact.type !== 'step.succeeded' && fact.type !== 'step.retrying' && fact.type !== 'step.failed') continue;
    if (!asked.delete(attemptOf(fact))) continue;
    const reply = replyOf(fact, recorded.texts);
    if (reply === null) continue;
    const tookMs = fact.at - (begun.get(attemptOf(fact)) ?? fact.at);
    const takesTime = tookMs > 0 && !('hang' in reply || 'lose_worker' in reply || 'no_worker' in reply);
    const row = takesTime ? { ...reply, after: durationText(tookMs) } : reply;
    replies.set(fact.step, [...(replies.get(fact.step) ?? []), row]);
  }
  // What was asked and never answered, as when the run was canceled meanwhile.
  for (const step of asked.values()) replies.set(step, [...(replies.get(step) ?? []), { hang: true }]);
  return Object.fromEntries([...replies].map(([step, rows]) => [step, rows.length === 1 ? (rows[0] ?? {}) : rows]));
}

/** What a persona needed to know, as a test says it. */
function asksOf(fact: Fact): { readonly step: string; readonly questions: JsonValue } | null {
  if (fact.type !== 'step.waiting' || fact.waitsFor.kind !== 'decision' || fact.waitsFor.question.about !== 'input')
    return null;
  return { step: fact.step, questions: (fact.waitsFor.question.asked ?? []) as unknown as JsonValue };
}

/** What the persona answered; null when the engine failed the attempt without an answer. */
function replyOf(fact: Outcome, texts: ReadonlyMap<string, string>): JsonObject | null {
  const artifacts = 'artifacts' in fact ? fact.artifacts : [];
  const contents = Object.fromEntries(artifacts.map(({ name, sha256 }) => [name, texts.get(sha256) ?? '']));
  const made: JsonObject = artifacts.length === 0 ? {} : { artifacts: contents };
  const result: JsonObject = 'result' in fact && fact.result !== null ? { result: fact.result } : {};
  if (fact.type === 'step.succeeded') return { result: fact.result, ...made };
  const { class: name, message } = fact.error;
  switch (name) {
    case 'REJECTED':
      return { fail: message, ...result, ...made };
    case 'TIMEOUT':
      return { hang: true };
    case 'WORKER_LOST':
      return { lose_worker: true };
    case 'QUEUE_TIMEOUT':
      return { no_worker: true };
    case 'INVALID_REPLY':
      return { garbage: message };
    case 'INVALID_OUTPUT':
      return { ...result, ...made };
    default:
      return ENGINE_CLASSES.includes(name) ? null : { error: message, class: name, ...result, ...made };
  }
}

function decisionsOf({ facts }: RecordedRun): JsonObject {
  const decisions = new Map<string, JsonObject[]>();
  for (const fact of facts) {
    if (fact.type !== 'decision.answered' && fact.type !== 'decision.voted') continue;
    const { step, choice, data, by, edits } = fact;
    const row = { choice, data, by, ...(edits !== undefined && { edits }) };
    decisions.set(step, [...(decisions.get(step) ?? []), row]);
  }
  return Object.fromEntries([...decisions].map(([step, rows]) => [step, rows.length === 1 ? (rows[0] ?? {}) : rows]));
}

function signalsOf({ facts }: RecordedRun, startedAt: number): JsonValue {
  return facts.flatMap((fact) => {
    if (fact.type !== 'signal.received') return [];
    return [{ name: fact.name, data: fact.data, at: durationText(fact.at - startedAt) }];
  });
}

function expectationOf({ status, failure, steps }: RunView): JsonObject {
  const reached = steps.filter((step) => step.status !== 'pending');
  const shown = reached.map(({ id, status: of, attempt }): [string, JsonObject] => [
    id,
    attempt === 0 ? { status: of } : { status: of, attempts: attempt },
  ]);
  const error: JsonObject =
    failure === null
      ? {}
      : { error: failure.step === null ? { class: failure.class } : { class: failure.class, step: failure.step } };
  return { status, ...error, steps: Object.fromEntries(shown) };
}

function attemptOf({ step, attempt }: { readonly step: string; readonly attempt: number }): string {
  return `${step}|${String(attempt)}`;
}

function durationText(ms: number): string {
  return ms % 1_000 === 0 ? `${String(ms / 1_000)}s` : `${String(ms)}ms`;
}
