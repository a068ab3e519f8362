/** `coord plan`: order, levels, what a block holds, the critical path. */
import { beforeEach, describe, expect, test } from 'vitest';
import { conditional, forEach, loop, step, workflow } from '../../harness/definitions.js';
import { World } from '../world.js';

let world: World;
beforeEach(() => {
  world = new World();
});

const fix = loop('fix', [step('code'), step('qa', { dependencies: ['code'], on_error: 'continue' })], {
  until: "context.state.get('qa_status') === 'pass'",
  dependencies: ['plan'],
});

describe('coord plan', () => {
  test('shows levels, nested lists, the critical path and what could be left out', async () => {
    const steps = [
      step('plan'),
      fix,
      step('docs', { dependencies: ['plan'] }),
      step('ship', { dependencies: ['plan', 'fix', 'docs'], compensate: [step('unship')] }),
      conditional('kind', 'task.big', {}, { then_steps: [step('party')], dependencies: ['ship'] }),
      step('clean', { when: 'always' }),
    ];
    world.workflows.set('all', workflow(steps, { name: 'all' }));
    const { code, out } = await world.coord('plan', 'all');
    expect(out).toMatchInlineSnapshot(`
      "all 1.0.0: 10 steps in 5 levels
       1  plan
       2  fix, docs
          fix: at most 3 rounds, until context.state.get('qa_status') === 'pass'
             1  code
             2  qa
                qa: goes on if it fails
       3  ship
          ship, to undo it:
             1  unship
       4  kind
          kind: if task.big
          kind, then:
             1  party
       5  clean
          clean: always
      at the same time: fix, docs
      critical path: plan -> fix -> ship -> kind -> clean (5 steps)
      could be left out: "ship" need not name "plan": it waits for it through "fix"
      "
    `);
    expect(code).toBe(0);
  });

  test('adds up timeouts', async () => {
    const steps = [
      step('a', { timeout: 1_800 }),
      step('b', { timeout: '45m', dependencies: ['a'] }),
      forEach('c', [step('d', { timeout: 60 })], { items: [1], dependencies: ['a'] }),
    ];
    world.workflows.set('timed', workflow(steps, { name: 'timed' }));
    expect((await world.coord('plan', 'timed')).out).toContain('critical path: a -> b (1h 15m by their timeouts)\n');
  });

  test('says how many steps have no timeout that is known before', async () => {
    const steps = [step('a', { timeout: 60 }), step('b', { timeout: '{{ variables.t }}', dependencies: ['a'] })];
    world.workflows.set('partly', workflow(steps, { name: 'partly' }));
    expect((await world.coord('plan', 'partly')).out).toContain('a -> b (1m 01s by their timeouts, 1 step without)\n');
  });

  test('prints JSON', async () => {
    world.workflows.set('loop', workflow([step('plan'), fix], { name: 'loop' }));
    const { out } = await world.coord('plan', 'loop', '--json');
    expect(JSON.parse(out)).toEqual({
      workflow: 'loop',
      version: '1.0.0',
      order: ['plan', 'fix'],
      levels: [['plan'], ['fix']],
      groups: [],
      redundant: [],
      criticalPath: { path: ['plan', 'fix'], total: 2, unit: 'steps', untimed: 2 },
      inside: [
        {
          step: 'fix',
          key: 'steps',
          order: ['code', 'qa'],
          levels: [['code'], ['qa']],
          groups: [],
          redundant: [],
          criticalPath: { path: ['code', 'qa'], total: 2, unit: 'steps', untimed: 2 },
          inside: [],
        },
      ],
    });
  });

  test('names no more steps than fit, and takes an environment', async () => {
    const steps = Array.from({ length: 40 }, (_, at) => step(`s${String(at)}`));
    world.workflows.set('wide', workflow(steps, { name: 'wide' }));
    const { out } = await world.coord('plan', 'wide', '--env', 'staging');
    expect(out).toContain(' 1  s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11 and 28 more\n');
    expect(world.asked).toEqual(['load wide unchecked in staging']);
  });

  test('says when there is no such workflow', async () => {
    expect(await world.coord('plan', 'gone')).toMatchObject({ code: 2, out: '' });
  });
});
