/** What is worth saying of a step in a few words, by the status it is in. */
import type { StepView } from '../../core/views.js';
import { duration } from './duration.js';
import { failure } from './fact-line.js';
import { oneLine } from './printable.js';
import { workerName } from './worker-name.js';

export interface DetailContext {
  /** The store's clock, ms. */
  readonly now: number;
  /** When the next attempt of a retrying step is due, ms; undefined when it is not known. */
  readonly retryAt?: number | undefined;
}

export function stepDetail(step: StepView, { now, retryAt }: DetailContext): string {
  const since = (at: number | null): string => (at === null ? '' : ` ${duration(now - at)}`);
  switch (step.status) {
    case 'pending':
      return '';
    case 'queued':
      return `queued${since(step.queuedAt)}`;
    case 'working':
      return `worker ${workerName(step.worker)},${since(step.begunAt)}${step.progress === null ? '' : `  ${oneLine(step.progress)}`}`;
    case 'waiting':
      return `waiting${since(step.begunAt)}`;
    case 'retrying':
      return `${due(retryAt, now)}: ${step.error === null ? 'it did not succeed' : oneLine(failure(step.error))}`;
    case 'succeeded':
      return step.begunAt === null || step.endedAt === null ? '' : duration(step.endedAt - step.begunAt);
    case 'failed':
      return step.error === null ? '' : oneLine(failure(step.error));
    case 'skipped':
    case 'canceled':
      return oneLine(step.reason ?? '');
  }
}

function due(at: number | undefined, now: number): string {
  if (at === undefined) return 'again soon';
  return at <= now ? 'again now' : `again in ${duration(at - now)}`;
}
