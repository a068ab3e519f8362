/** Facts as lines. A teller remembers what it told, since a worker's beginning is reported twice: when it happens and in the history. */
import type { Ceiling, Usage, Used } from '../../core/exchange.js';
import type { Fact, StepFailure } from '../../core/facts.js';
import type { JsonObject, JsonValue } from '../../core/json.js';
import { usedOf } from '../../core/used.js';
import { duration, timeOfDay } from './duration.js';
import { oneLine } from './printable.js';
import { usedWords } from './used-words.js';
import { answersTo, waitWords } from './waiting.js';
import { workerName } from './worker-name.js';

export class FactTeller {
  readonly #told = new Set<string>();
  readonly #begunAt = new Map<string, number>();

  /** What happened, without when and to which step; null when it was told before. */
  tell(fact: Fact): string | null {
    const told = this.#words(fact);
    return told === null ? null : oneLine(told);
  }

  /** `12:03:04 qa (attempt 2) working (worker x)`, or null when it was told before. */
  line(fact: Fact): string | null {
    const words = this.tell(fact);
    if (words === null) return null;
    const step = 'step' in fact && fact.step !== null && fact.type !== 'run.failed' ? `${oneLine(fact.step)} ` : '';
    const attempt = 'attempt' in fact && fact.attempt > 1 ? `(attempt ${String(fact.attempt)}) ` : '';
    const worker = fact.type === 'step.working' ? ` (worker ${workerName(fact.worker)})` : '';
    // Whoever follows may be the one who is waited for.
    const way = fact.type === 'step.waiting' ? answer(fact) : '';
    return `${timeOfDay(fact.at)} ${step}${attempt}${words}${worker}${way}`;
  }

  #words(fact: Fact): string | null {
    switch (fact.type) {
      case 'run.started':
        return `run started (workflow ${fact.workflow})`;
      case 'run.completed':
        return `run completed${fact.result === null ? '' : `: ${json(fact.result)}`}`;
      case 'run.compensating':
        return `run undoes ${fact.steps === 1 ? '1 step' : `${String(fact.steps)} steps`}, the last one first`;
      case 'run.failed':
        return `run failed: ${fact.step === null ? '' : `step ${fact.step}, `}${failure(fact.error)}`;
      case 'run.canceled':
        return `run canceled by ${fact.by}: ${fact.reason}`;
      case 'run.paused':
        return `run paused by ${fact.by}: ${fact.reason}`;
      case 'run.resumed':
        return `run resumed by ${fact.by}`;
      case 'run.retried':
        return `run goes on from where it ended, by ${fact.by}: ${fact.reason}${stepCount('again', fact.steps)}`;
      case 'run.restarted':
        return `run goes on from step ${fact.from}, by ${fact.by}: ${fact.reason}${stepCount('again', fact.steps)}`;
      case 'run.forked':
        return `run begins with step ${fact.step} as run ${fact.from} stood before it, by ${fact.by}${stepCount('taken over', fact.steps)}`;
      case 'run.entered':
        return `run is ${fact.state} now, not ${fact.from} any more`;
      case 'run.migrated':
        return `run goes on with definition ${fact.to.slice(0, 8)}, by ${fact.by}${stepCount('new', fact.added)}${stepCount('gone', fact.gone)}`;
      case 'budget.warned':
        return `run has used ${usedWords(fact.used)} of its budget of ${usedWords(limitsOf(fact.limits))}`;
      case 'step.queued':
        return `queued for ${fact.persona}`;
      case 'step.working':
        return this.#isNew(fact) ? 'working' : null;
      case 'step.progress':
        return `reports: ${fact.progress}`;
      case 'step.succeeded':
        return `succeeded${this.#after(fact)}${artifacts(fact.artifacts.length)}${using(fact)}`;
      case 'step.retrying':
        return `${fact.parked === true ? 'is parked' : 'did not succeed'}: ${failure(fact.error)}${using(fact)}; next attempt ${fact.delayMs === 0 ? 'at once' : `in ${duration(fact.delayMs)}`}`;
      case 'step.failed':
        return `failed: ${failure(fact.error)}${artifacts(fact.artifacts.length)}${using(fact)}`;
      case 'step.skipped':
        return `skipped${fact.by === undefined ? '' : ` by ${fact.by}`}: ${fact.reason}`;
      case 'step.canceled':
        return `canceled: ${fact.reason}`;
      case 'step.fallback':
        return `asks ${fact.to} instead of ${fact.from}: ${failure(fact.error)}${using(fact)}`;
      case 'step.opened':
        return opened(fact.detail);
      case 'step.round':
        return `round ${String(fact.round)}`;
      case 'step.waiting':
        return waitWords(fact.waitsFor);
      case 'decision.answered':
        return `answered ${fact.choice} by ${fact.by}${from(fact)}${withEdits(fact)}${withData(fact.data)}`;
      case 'decision.voted':
        return `answered ${fact.choice} by ${fact.by}${from(fact)}, ${String(fact.votes)} of ${String(fact.quorum)}${withEdits(fact)}${withData(fact.data)}`;
      case 'decision.reminded':
        return fact.to === undefined
          ? `still waits for ${fact.assignees.length === 0 ? 'an answer' : fact.assignees.join(', ')}`
          : `asks ${fact.to.join(', ')} too`;
      case 'decision.expired':
        return `was not decided in time${fact.choice === null ? '' : `, so ${fact.choice} holds`}`;
      case 'signal.received':
        return `${fact.step === null ? `signal "${fact.name}" is kept for later,` : `got signal "${fact.name}"`} from ${fact.by}${withData(fact.data)}`;
      case 'event.emitted':
        return `emitted "${fact.event}"${withData(fact.data)}`;
      case 'message.ignored':
        return `a ${fact.kind} message changed nothing: ${fact.reason}`;
    }
  }

  #isNew(fact: Fact & { readonly type: 'step.working' }): boolean {
    const key = attemptKey(fact);
    this.#begunAt.set(key, fact.at);
    if (this.#told.has(key)) return false;
    this.#told.add(key);
    return true;
  }

  #after(fact: Fact & { readonly type: 'step.succeeded' }): string {
    const begunAt = this.#begunAt.get(attemptKey(fact));
    return begunAt === undefined ? '' : ` in ${duration(fact.at - begunAt)}`;
  }
}

function limitsOf({ tokens = 0, costUsd = 0, turns = 0 }: Ceiling): Used {
  return { tokens, costUsd, turns };
}

/** What the attempt has used, when its persona has said. */
function using({ usage }: { readonly usage?: Usage | undefined }): string {
  return usage === undefined ? '' : `; it used ${usedWords(usedOf(usage))}`;
}

function stepCount(what: string, { length }: readonly string[]): string {
  return length === 0 ? '' : `; ${length === 1 ? '1 step' : `${String(length)} steps`} ${what}`;
}

/** `REJECTED 2 of 5 tests failed`. */
export function failure(error: StepFailure): string {
  return `${error.class} ${error.message}`;
}

const JSON_CHARACTERS = 120;

function json(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > JSON_CHARACTERS ? `${text.slice(0, JSON_CHARACTERS)}…` : text;
}

function withData(data: JsonValue): string {
  const empty = data === null || (typeof data === 'object' && Object.keys(data).length === 0);
  return empty ? '' : `: ${json(data)}`;
}

function from({ from: where }: { readonly from?: string }): string {
  return where === undefined ? '' : ` (${where})`;
}

function withEdits({ edits }: { readonly edits?: JsonValue }): string {
  return edits === undefined ? '' : `, edited ${json(edits)}`;
}

/** What a block began with, or the run inside. */
function opened({ branch, items, max_rounds: rounds, steps, run }: JsonObject): string {
  if (typeof run === 'string') return `started run ${run}: coord show ${run}`;
  if (typeof branch === 'string') return `takes the ${branch} branch`;
  if (typeof items === 'number') return `begins with ${items === 1 ? '1 item' : `${String(items)} items`}`;
  if (typeof rounds === 'number') return `begins, at most ${rounds === 1 ? '1 round' : `${String(rounds)} rounds`}`;
  if (typeof steps === 'number') return `begins with ${steps === 1 ? '1 step' : `${String(steps)} steps`}`;
  return 'begins';
}

const TO_END = { time: '', signal: 'send it', decision: 'answer', run: 'see it', lock: 'see it' } as const;

/** On the one line of a fact there is room for one command; the other choices are named. */
function answer({ run, step, waitsFor }: Fact & { readonly type: 'step.waiting' }): string {
  const [first] = answersTo(waitsFor, { run, step });
  if (first === undefined) return '';
  const choices = waitsFor.kind === 'decision' ? waitsFor.question.choices.slice(1).map(({ id }) => oneLine(id)) : [];
  const others = choices.length === 0 ? '' : `, or ${choices.join(', ')}`;
  return `; to ${TO_END[waitsFor.kind]}: ${first.command}${others}`;
}

function attemptKey({ step, attempt }: { readonly step: string; readonly attempt: number }): string {
  return `${step}.${String(attempt)}`;
}

function artifacts(count: number): string {
  if (count === 0) return '';
  return count === 1 ? ', 1 artifact' : `, ${String(count)} artifacts`;
}
