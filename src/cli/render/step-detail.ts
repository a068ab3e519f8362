/** What is worth saying of a step in a few words, by the status it is in. */
import type { StepView } from '../../core/views.js';
import { duration } from './duration.js';
import { failure } from './fact-line.js';
import type { Palette } from './paint.js';
import { paintStatus } from './paint.js';
import { oneLine } from './printable.js';
import { waitWordsNow } from './waiting.js';
import { workerName } from './worker-name.js';

export interface DetailContext {
  /** The store's clock, ms. */
  readonly now: number;
  /** When the next attempt of a retrying step is due, ms; undefined when it is not known. */
  readonly retryAt?: number | undefined;
  /** How far a block is, or which run is inside; empty for none. */
  readonly note?: string | undefined;
}

export function stepDetail(step: StepView, { now, retryAt, note = '' }: DetailContext): string {
  return [ownDetail(step, { now, retryAt, note }), note].filter((words) => words !== '').join(', ');
}

/** A failure that is dealt with is no alarm. */
export function paintStep(colors: Palette, step: StepView, text: string): string {
  return step.status === 'failed' && step.tolerated ? colors.warning(text) : paintStatus(colors, step.status, text);
}

function ownDetail(step: StepView, { now, retryAt, note = '' }: DetailContext): string {
  const since = (at: number | null): string => (at === null ? '' : ` ${duration(now - at)}`);
  switch (step.status) {
    case 'pending':
      return '';
    case 'queued':
      return `queued${since(step.queuedAt)}`;
    case 'working': {
      const progress = step.progress === null ? '' : `  ${oneLine(step.progress)}`;
      // Blocks and runs inside are in nobody's hands.
      if (step.worker === null || step.worker === '' || (step.type === 'plan' && note !== ''))
        return `${since(step.begunAt).trim()}${progress}`;
      return `worker ${workerName(step.worker)},${since(step.begunAt)}${progress}`;
    }
    case 'waiting':
      return step.waitsFor === null ? `waiting${since(step.begunAt)}` : waitWordsNow(step.waitsFor, now);
    case 'retrying':
      return `${step.parkedUntil === undefined ? '' : 'parked, '}${due(step.parkedUntil ?? retryAt, now)}: ${step.error === null ? 'it did not succeed' : oneLine(failure(step.error))}`;
    case 'succeeded':
      return step.begunAt === null || step.endedAt === null ? '' : duration(step.endedAt - step.begunAt);
    case 'failed': {
      const why = step.error === null ? '' : oneLine(failure(step.error));
      return step.tolerated ? `passed over: ${why}` : why;
    }
    case 'skipped':
    case 'canceled':
      return oneLine(step.reason ?? '');
  }
}

function due(at: number | undefined, now: number): string {
  if (at === undefined) return 'again soon';
  return at <= now ? 'again now' : `again in ${duration(at - now)}`;
}
