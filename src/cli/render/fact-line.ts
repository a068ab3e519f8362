/** Facts as lines. A teller remembers what it told, since a worker's beginning is reported twice: when it happens and in the history. */
import type { Fact, StepFailure } from '../../core/facts.js';
import { duration, timeOfDay } from './duration.js';
import { oneLine } from './printable.js';
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
    return `${timeOfDay(fact.at)} ${step}${attempt}${words}${worker}`;
  }

  #words(fact: Fact): string | null {
    switch (fact.type) {
      case 'run.started':
        return `run started (workflow ${fact.workflow})`;
      case 'run.completed':
        return 'run completed';
      case 'run.failed':
        return `run failed: step ${fact.step}, ${failure(fact.error)}`;
      case 'run.canceled':
        return `run canceled by ${fact.by}: ${fact.reason}`;
      case 'step.queued':
        return `queued for ${fact.persona}`;
      case 'step.working':
        return this.#isNew(fact) ? 'working' : null;
      case 'step.progress':
        return `reports: ${fact.progress}`;
      case 'step.succeeded':
        return `succeeded${this.#after(fact)}${artifacts(fact.artifacts.length)}`;
      case 'step.retrying':
        return `did not succeed: ${failure(fact.error)}; next attempt ${fact.delayMs === 0 ? 'at once' : `in ${duration(fact.delayMs)}`}`;
      case 'step.failed':
        return `failed: ${failure(fact.error)}${artifacts(fact.artifacts.length)}`;
      case 'step.skipped':
        return `skipped: ${fact.reason}`;
      case 'step.canceled':
        return `canceled: ${fact.reason}`;
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

/** `REJECTED 2 of 5 tests failed`. */
export function failure(error: StepFailure): string {
  return `${error.class} ${error.message}`;
}

function attemptKey({ step, attempt }: { readonly step: string; readonly attempt: number }): string {
  return `${step}.${String(attempt)}`;
}

function artifacts(count: number): string {
  if (count === 0) return '';
  return count === 1 ? ', 1 artifact' : `, ${String(count)} artifacts`;
}
