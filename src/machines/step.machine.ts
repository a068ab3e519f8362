/**
 * The lifecycle of a step. `working` is entered when the fold learns that a worker began: with the worker's reply,
 * or with the timer that gave it up. Until then the claim beside the run's record says so to readers.
 */
import { setup } from 'xstate';
import type { StepStatus } from '../core/statuses.js';
import { Lifecycle } from './lifecycle.js';

/** RETRY waits first; REQUEUE tries again at once. */
export type StepEvent = 'DISPATCH' | 'SKIP' | 'REFUSE' | 'BEGIN' | 'PASS' | 'FAIL' | 'RETRY' | 'REQUEUE' | 'CANCEL';
export type StepAction = 'dispatch' | 'disarmAttempt' | 'armRetry' | 'disarmRetry' | 'settle';

const nothing = (): void => undefined;

const machine = setup({
  types: { events: {} as { type: StepEvent } },
  actions: { dispatch: nothing, disarmAttempt: nothing, armRetry: nothing, disarmRetry: nothing, settle: nothing },
}).createMachine({
  id: 'step',
  initial: 'pending',
  states: {
    pending: { on: { DISPATCH: 'queued', SKIP: 'skipped', REFUSE: 'failed', CANCEL: 'canceled' } },
    // Also left by BEGIN with its timers disarmed: the fold hears of a beginning only when the attempt is over.
    queued: { entry: 'dispatch', exit: 'disarmAttempt', on: { BEGIN: 'working', CANCEL: 'canceled' } },
    working: {
      exit: 'disarmAttempt',
      on: { PASS: 'succeeded', FAIL: 'failed', RETRY: 'retrying', REQUEUE: 'queued', CANCEL: 'canceled' },
    },
    retrying: {
      entry: 'armRetry',
      exit: 'disarmRetry',
      on: { DISPATCH: 'queued', REFUSE: 'failed', CANCEL: 'canceled' },
    },
    succeeded: { type: 'final', entry: 'settle' },
    failed: { type: 'final', entry: 'settle' },
    skipped: { type: 'final', entry: 'settle' },
    canceled: { type: 'final', entry: 'settle' },
  },
});

export const stepLifecycle = new Lifecycle<StepStatus, StepEvent, StepAction>(machine);
