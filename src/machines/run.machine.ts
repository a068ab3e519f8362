/** The lifecycle of a run. States that a run waits in for people arrive with the steps that ask people. */
import { setup } from 'xstate';
import type { RunStatus } from '../core/statuses.js';
import { Lifecycle } from './lifecycle.js';

export type RunEvent = 'START' | 'COMPLETE' | 'FAIL' | 'CANCEL';

const machine = setup({ types: { events: {} as { type: RunEvent } } }).createMachine({
  id: 'run',
  initial: 'pending',
  states: {
    pending: { on: { START: 'running', CANCEL: 'canceled' } },
    running: { on: { COMPLETE: 'completed', FAIL: 'failed', CANCEL: 'canceled' } },
    completed: { type: 'final' },
    failed: { type: 'final' },
    canceled: { type: 'final' },
  },
});

export const runLifecycle = new Lifecycle<RunStatus, RunEvent, never>(machine);
