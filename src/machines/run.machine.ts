/** The lifecycle of a run. */
import { setup } from 'xstate';
import type { RunStatus } from '../core/statuses.js';
import { Lifecycle } from './lifecycle.js';

/**
 * WAIT and WAKE: nothing but people, signals and the clock can move it, and something can again. A run that is paused ends
 * only when it is resumed, and who cancels one resumes it first. REOPEN takes up one that has ended.
 */
export type RunEvent =
  | 'START'
  | 'WAIT'
  | 'WAKE'
  | 'PAUSE'
  | 'RESUME'
  | 'REOPEN'
  | 'COMPENSATE'
  | 'COMPLETE'
  | 'FAIL'
  | 'CANCEL';

const machine = setup({ types: { events: {} as { type: RunEvent } } }).createMachine({
  id: 'run',
  initial: 'pending',
  states: {
    pending: { on: { START: 'running', FAIL: 'failed', CANCEL: 'canceled' } },
    running: {
      on: {
        WAIT: 'waiting',
        PAUSE: 'paused',
        COMPENSATE: 'compensating',
        COMPLETE: 'completed',
        FAIL: 'failed',
        CANCEL: 'canceled',
      },
    },
    waiting: {
      on: {
        WAKE: 'running',
        PAUSE: 'paused',
        COMPENSATE: 'compensating',
        COMPLETE: 'completed',
        FAIL: 'failed',
        CANCEL: 'canceled',
      },
    },
    paused: { on: { RESUME: 'running' } },
    compensating: { on: { FAIL: 'failed', CANCEL: 'canceled' } },
    completed: { tags: 'over', on: { REOPEN: 'running' } },
    failed: { tags: 'over', on: { REOPEN: 'running' } },
    canceled: { tags: 'over', on: { REOPEN: 'running' } },
  },
});

export const runLifecycle = new Lifecycle<RunStatus, RunEvent, never>(machine);
