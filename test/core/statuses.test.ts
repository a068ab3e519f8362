import { expect, it } from 'vitest';
import { RUN_STATUSES, runHasEnded, STEP_STATUSES, stepIsSettled } from '../../src/core/statuses.js';

it('a run has ended in three statuses', () => {
  expect(RUN_STATUSES.filter(runHasEnded)).toEqual(['completed', 'failed', 'canceled']);
});

it('a step is settled in four statuses', () => {
  expect(STEP_STATUSES.filter(stepIsSettled)).toEqual(['succeeded', 'failed', 'skipped', 'canceled']);
});
