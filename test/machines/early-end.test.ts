/** Steps that end the run, and states of what a run works on. */
import { describe, expect, test } from 'vitest';
import type { EndStep, StepDefinition } from '../../src/definition/steps.js';
import type { WorkState } from '../../src/definition/workflow.js';
import { foldSteering } from '../../src/machines/steering.js';
import { applyFold } from '../../src/machines/state.js';
import { conditional, decision, loop, parallel, step } from '../harness/definitions.js';
import { Bench, PASS, passing } from '../harness/fold-bench.js';

const after = (...dependencies: string[]): { dependencies: string[] } => ({ dependencies });

function end(id: string, status: EndStep['status'], change: Partial<EndStep> = {}): EndStep {
  const {
    output: _output,
    persona: _persona,
    fallback: _f,
    params: _p,
    queue_timeout: _q,
    retries: _r,
    ...base
  } = step(id);
  return { ...base, type: 'end', status, reason: null, ...change };
}

describe('a step that ends the run', () => {
  const bench = (status: EndStep['status'], more: readonly StepDefinition[] = []): Bench =>
    new Bench([
      step('slow'),
      decision('ask', {
        choices: [
          { id: 'go', label: 'Go' },
          { id: 'stop', label: 'Stop' },
        ],
        reject: [],
      }),
      conditional(
        'route',
        "steps.ask.result.choice === 'stop'",
        {
          then: [
            step('undo'),
            end('stop', status, { ...after('undo'), reason: '{{ steps.ask.result.by }} wants it no more' }),
          ],
          else: [],
        },
        after('ask'),
      ),
      step('next', after('route')),
      step('tidy', { ...after('next'), when: 'always' }),
      step('mend', { when: 'on_failure' }),
      ...more,
    ])
      .start()
      .decide('ask', 'stop')
      .pass('undo');

  test('as canceled: like a cancel, with who and why', () => {
    const run = bench('canceled');
    expect(run.state.record).toMatchObject({
      status: 'canceled',
      canceled: { reason: 'ada wants it no more', by: 'step stop' },
    });
    expect(run.statuses).toMatchObject({ slow: 'canceled', next: 'canceled', stop: 'succeeded', route: 'canceled' });
  });

  test('as failed: what deals with failures still runs', () => {
    const run = bench('failed');
    expect(run.status).toBe('running');
    expect(run.statuses).toMatchObject({ slow: 'canceled', next: 'skipped', tidy: 'queued' });
    expect(run.asked.toSorted()).toEqual(['mend', 'tidy']);
    expect(run.pass('tidy', 'mend').state.record).toMatchObject({
      status: 'failed',
      failure: { class: 'REJECTED', message: 'ada wants it no more', step: 'stop' },
    });
  });

  test('as completed: nothing has failed, and what is done in any case is done', () => {
    const run = bench('completed');
    expect(run.asked).toEqual(['tidy']);
    expect(run.statuses).toMatchObject({ slow: 'canceled', next: 'skipped', mend: 'skipped' });
    expect(run.reload().pass('tidy').status).toBe('completed');
    // What comes late changes nothing.
    expect(run.reply('slow').facts.at(-1)).toMatchObject({ type: 'message.ignored' });
  });

  test('undoes what can be undone, unless it completes', () => {
    const undoing = step('made', { compensate: [step('unmake')] });
    for (const [status, ended] of [
      ['canceled', 'canceled'],
      ['failed', 'failed'],
      ['completed', 'completed'],
    ] as const) {
      const run = new Bench([undoing, end('stop', status, after('made'))]).start().pass('made');
      expect(run.asked).toEqual(status === 'completed' ? [] : ['made[compensate]/unmake']);
      if (status !== 'completed') run.pass('made[compensate]/unmake');
      expect(run.status).toBe(ended);
    }
  });

  test('from inside of a loop and a parallel, whatever else is open there', () => {
    const inside = [
      step('a'),
      end('stop', 'completed', { ...after('a'), condition: 'steps.a.result.enough === true' }),
      step('b'),
    ];
    const run = new Bench([loop('again', [parallel('both', inside)], { max_rounds: 3, until: 'false' })], {
      result: 'over',
    })
      .start()
      .reply('again[1]/a', passing({ enough: false }))
      .pass('again[1]/b')
      .reload()
      .reply('again[2]/a', passing({ enough: true }));
    expect(run.state.record).toMatchObject({ status: 'completed', result: 'over', active: 0, waiting: 0 });
    expect(run.statuses).toMatchObject({ again: 'canceled', 'again[2]/both': 'canceled', 'again[2]/b': 'canceled' });
  });
});

describe('states', () => {
  const STATES: readonly WorkState[] = [
    { name: 'open', to: ['draft'], requires: [] },
    { name: 'draft', to: ['ready', 'open'], requires: [] },
    { name: 'ready', to: [], requires: ['steps.write.result.criteria', 'task.owner'] },
  ];
  const bench = (task: object = { owner: 'ann' }, steps = STEPS): Bench =>
    new Bench(steps, { states: STATES, task: task as never }).start();
  const STEPS: readonly StepDefinition[] = [
    step('write', { enters: 'draft' }),
    step('finish', { ...after('write'), enters: 'ready' }),
    step('mark', { when: 'on_failure' }),
  ];
  const states = (run: Bench): unknown[] =>
    run.facts.flatMap((fact) => (fact.type === 'run.entered' ? [[fact.step, fact.from, fact.state]] : []));

  test('are entered with their steps', () => {
    const run = bench();
    expect(run.state.record.state).toBe('draft');
    run.reply('write', passing({ criteria: ['works'] }));
    expect(run.state.record.state).toBe('ready');
    expect(states(run)).toEqual([
      ['write', 'open', 'draft'],
      ['finish', 'draft', 'ready'],
    ]);
    expect(run.pass('finish').status).toBe('completed');
  });

  test.each([
    [{ criteria: [] }, { owner: 'ann' }, 'it cannot become ready without steps.write.result.criteria'],
    [null, { owner: 'ann' }, 'it cannot become ready without steps.write.result.criteria'],
    [{ criteria: '' }, {}, 'it cannot become ready without steps.write.result.criteria, task.owner'],
  ])('are not entered without what they require: %j %j', (result, task, message) => {
    const run = bench(task).reply('write', passing(result));
    expect(run.step('finish')).toMatchObject({ status: 'failed', error: { class: 'INVALID_STATE', message } });
    expect(run.requests.map(({ step: path }) => path)).toEqual(['write', 'mark']);
    expect(run.state.record.state).toBe('draft');
  });

  test('follow each other only as they say', () => {
    const run = bench({ owner: 'ann' }, [step('finish', { enters: 'ready' })]);
    expect(run.state.record.failure).toMatchObject({
      class: 'INVALID_STATE',
      message: 'it cannot become ready: it is open, and it may become draft',
    });
  });

  test('go back with a run that is restarted from an earlier step', () => {
    const run = bench()
      .reply('write', passing({ criteria: ['works'] }))
      .pass('finish');
    const restart = { ...run.stamp(), kind: 'restart', step: 'write', by: 'ann', reason: 'again' } as const;
    const { state, result } = foldSteering(run.state, restart);
    run.state = applyFold(state, result, '');
    expect(run.state.record.state).toBe('draft');
    expect(run.reply('write', passing({ criteria: [1] })).reply('finish', PASS).status).toBe('completed');
  });
});
