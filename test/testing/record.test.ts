/** A run written down as a test goes the same way again, and differently when the workflow has changed. */
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { systemClock } from '../../src/core/clock.js';
import { checkedTests } from '../../src/testing/load-tests.js';
import { recordedTest } from '../../src/testing/record.js';
import { EMPTY_SCENARIO, PASS, type Scenario } from '../../src/testing/scenario.js';
import { Simulation } from '../../src/testing/simulation.js';
import { runTests } from '../../src/testing/suite.js';
import { LOOP, workflowOf } from './workflow-tests.js';

const SCENARIO: Scenario = {
  ...EMPTY_SCENARIO,
  task: { title: 'Cart', public: true },
  replies: new Map([
    [
      'planning',
      [[{ ...PASS, kind: 'error', message: 'boom' }], [{ ...PASS, kind: 'hang' }], [{ ...PASS, result: 7 }]],
    ],
    [
      'implementation',
      [[{ ...PASS, kind: 'lose_worker' }], [{ ...PASS, afterMs: 90_500, artifacts: { 'a.md': 'text' } }]],
    ],
    ['qa', [[{ ...PASS, kind: 'fail', message: '2 of 5', result: { passed: 3 } }]]],
  ]),
};

async function recorded(scenario: Scenario): Promise<ReturnType<typeof recordedTest>> {
  const { view, facts } = await new Simulation({ workflow: workflowOf(LOOP), scenario }).run();
  if (view === null) throw new Error('the start was refused');
  const artifacts = view.steps.flatMap((step) => step.artifacts);
  return recordedTest({ view, facts, texts: new Map(artifacts.map(({ sha256 }) => [sha256, 'text'])) });
}

async function played(test: ReturnType<typeof recordedTest>, workflow: string): Promise<readonly string[]> {
  const tested = workflowOf(workflow);
  const workflowOfFile = async (): Promise<typeof tested> => tested;
  const file = await checkedTests({ text: stringify(test), file: 'run x', color: false, workflowOf: workflowOfFile });
  const report = await runTests({
    files: [file],
    workflowOf: workflowOfFile,
    filter: null,
    seed: 1,
    clock: systemClock,
  });
  return report.tests.flatMap(({ differences }) => differences.map(({ what }) => what));
}

describe('a recorded run', () => {
  it('has the replies of all attempts', async () => {
    const test = await recorded(SCENARIO);
    expect(test).toMatchObject({
      workflow: 'loop',
      tests: [
        {
          task: { title: 'Cart', public: true },
          replies: {
            planning: [{ error: 'boom', class: 'PERSONA_ERROR' }, { hang: true }, { result: 7 }],
            implementation: [{ lose_worker: true }, { artifacts: { 'a.md': 'text' }, after: '90500ms' }],
            qa: { fail: '2 of 5', result: { passed: 3 } },
          },
          expect: {
            status: 'failed',
            error: { class: 'REJECTED', step: 'qa' },
            steps: { planning: { status: 'succeeded', attempts: 3 }, qa: { status: 'failed', attempts: 1 } },
          },
        },
      ],
    });
  });

  it('goes the same way again', async () => {
    expect(await played(await recorded(SCENARIO), LOOP)).toEqual([]);
  });

  it('goes another way when the workflow has changed', async () => {
    const changed = LOOP.replace('retries: 2', 'retries: 1');
    expect(await played(await recorded(SCENARIO), changed)).toEqual(
      expect.arrayContaining(['error.step', 'steps.planning.status']),
    );
  });

  it('is canceled again', async () => {
    const canceled = { ...SCENARIO, cancel: { atMs: 60_000, reason: 'enough' } };
    const test = await recorded(canceled);
    expect(test).toMatchObject({
      tests: [{ cancel: { at: '60s', reason: 'enough' }, expect: { status: 'canceled' } }],
    });
    expect(await played(test, LOOP)).toEqual([]);
  });
});
