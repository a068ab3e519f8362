import { describe, expect, test } from 'vitest';
import { RUN_STATUSES, STEP_STATUSES } from '../../src/core/statuses.js';
import { runLifecycle } from '../../src/machines/run.machine.js';
import { stepLifecycle } from '../../src/machines/step.machine.js';

describe('lifecycles', () => {
  test('every state is one of the statuses', () => {
    for (const state of Object.keys(runLifecycle.machine.states)) expect(RUN_STATUSES).toContain(state);
    for (const state of Object.keys(stepLifecycle.machine.states)) expect(STEP_STATUSES).toContain(state);
  });

  test('an event that a state does not take moves nothing', () => {
    expect(runLifecycle.move('completed', 'CANCEL')).toBeNull();
    expect(stepLifecycle.move('succeeded', 'FAIL')).toBeNull();
    expect(stepLifecycle.move('pending', 'BEGIN')).toBeNull();
  });

  test('a move names its actions, exit before entry', () => {
    expect(stepLifecycle.move('pending', 'DISPATCH')).toEqual({ state: 'queued', actions: ['dispatch'] });
    expect(stepLifecycle.move('working', 'RETRY')).toEqual({
      state: 'retrying',
      actions: ['disarmAttempt', 'armRetry'],
    });
    expect(stepLifecycle.move('retrying', 'CANCEL')).toEqual({ state: 'canceled', actions: ['disarmRetry', 'settle'] });
  });

  test('a stored state that the machine does not have is unreadable, not wrong', () => {
    expect(() => stepLifecycle.move('nowhere' as 'pending', 'DISPATCH')).toThrow('has no state "nowhere"');
    expect(() => runLifecycle.move('constructor' as 'pending', 'START')).toThrow('has no state');
  });

  test('asking again gives the same move', () => {
    expect(stepLifecycle.move('queued', 'BEGIN')).toBe(stepLifecycle.move('queued', 'BEGIN'));
  });
});
