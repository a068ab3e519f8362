/**
 * The lifecycle of a step. A request is `queued`, then `working`; `working` is entered when the fold learns that a
 * worker began: with the worker's reply, or with the timer that gave it up. Until then the claim beside the run's record
 * says so to readers. A block and an inner run are `working` from the moment they are opened.
 */
import { setup } from 'xstate';
import type { StepStatus } from '../core/statuses.js';
import { Lifecycle } from './lifecycle.js';

/**
 * RETRY waits first; REQUEUE tries again at once. WAIT is for a time, a signal or people; RESUME goes on with a block; AGAIN
 * begins anew. People have a step that is over run again: RESET forgets how it ended, REOPEN goes on with what is in it.
 */
export type StepEvent =
  | 'DISPATCH'
  | 'OPEN'
  | 'WAIT'
  | 'SKIP'
  | 'REFUSE'
  | 'BEGIN'
  | 'PASS'
  | 'FAIL'
  | 'RETRY'
  | 'REQUEUE'
  | 'RESUME'
  | 'AGAIN'
  | 'RESET'
  | 'REOPEN'
  | 'CANCEL';
export type StepAction = 'dispatch' | 'disarmAttempt' | 'armRetry' | 'disarmRetry' | 'disarmWait' | 'settle';

const nothing = (): void => undefined;

const TAKEN_UP = { RESET: 'pending', REOPEN: 'working' } as const;

const machine = setup({
  types: { events: {} as { type: StepEvent } },
  actions: {
    dispatch: nothing,
    disarmAttempt: nothing,
    armRetry: nothing,
    disarmRetry: nothing,
    disarmWait: nothing,
    settle: nothing,
  },
}).createMachine({
  id: 'step',
  initial: 'pending',
  states: {
    pending: {
      on: {
        DISPATCH: 'queued',
        OPEN: 'working',
        WAIT: 'waiting',
        SKIP: 'skipped',
        PASS: 'succeeded',
        REFUSE: 'failed',
        CANCEL: 'canceled',
      },
    },
    // Also left by BEGIN with its timers disarmed: the fold hears of a beginning only when the attempt is over.
    queued: {
      entry: 'dispatch',
      exit: 'disarmAttempt',
      on: {
        BEGIN: 'working',
        FAIL: 'failed',
        RETRY: 'retrying',
        REQUEUE: { target: 'queued', reenter: true },
        WAIT: 'waiting',
        CANCEL: 'canceled',
      },
    },
    working: {
      exit: 'disarmAttempt',
      on: {
        PASS: 'succeeded',
        FAIL: 'failed',
        RETRY: 'retrying',
        REQUEUE: 'queued',
        WAIT: 'waiting',
        CANCEL: 'canceled',
      },
    },
    waiting: {
      exit: 'disarmWait',
      on: {
        PASS: 'succeeded',
        FAIL: 'failed',
        RESUME: 'working',
        WAIT: { target: 'waiting', reenter: true },
        AGAIN: 'pending',
        CANCEL: 'canceled',
      },
    },
    retrying: {
      entry: 'armRetry',
      exit: 'disarmRetry',
      on: {
        DISPATCH: 'queued',
        OPEN: 'working',
        WAIT: 'waiting',
        AGAIN: 'pending',
        REFUSE: 'failed',
        CANCEL: 'canceled',
      },
    },
    succeeded: { tags: 'over', entry: 'settle', on: TAKEN_UP },
    failed: { tags: 'over', entry: 'settle', on: TAKEN_UP },
    skipped: { tags: 'over', entry: 'settle', on: { RESET: 'pending' } },
    canceled: { tags: 'over', entry: 'settle', on: TAKEN_UP },
  },
});

export const stepLifecycle = new Lifecycle<StepStatus, StepEvent, StepAction>(machine);
