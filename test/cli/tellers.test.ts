/** A followed run on a terminal of 60 columns. */
import { beforeEach, describe, expect, test } from 'vitest';
import { CoordError } from '../../src/core/errors.js';
import { step, workflow } from '../harness/definitions.js';
import { FakeTerminal } from './fake-terminal.js';
import type { FakeIo } from './fake-io.js';
import { gate, PASS, rejected, World } from './world.js';

const LOOP = workflow(
  [
    step('plan', { name: 'Implementation Planning', persona: 'implementation-planner' }),
    step('build', { name: 'Build {{ task.title }}', persona: 'lead-engineer', dependencies: ['plan'], retries: 1 }),
    step('qa', { name: '品質保証 ✅', persona: 'qa-engineer', dependencies: ['build'] }),
    step('review', { persona: 'code-reviewer', dependencies: ['qa'] }),
  ],
  { name: 'loop' },
);

let world: World;
beforeEach(() => {
  world = new World();
  world.workflows.set('loop', LOOP);
});

function replay(io: FakeIo): FakeTerminal {
  const terminal = new FakeTerminal(io.columns);
  for (const text of io.written) terminal.write(String(text));
  return terminal;
}

const TERMINAL = { isTTY: true, columns: 60, color: true } as const;

describe('a run on a terminal', () => {
  test('is drawn in place: who works since when, what they report, what comes again and when', async () => {
    const building = gate();
    let stage = '';
    world.answer = async ({ step: id, attempt }, { clock, report }) => {
      if (id === 'plan') clock.advance(3_200);
      if (id !== 'build') return id === 'qa' ? rejected('2 of 5 tests failed \u001B[2J') : PASS;
      if (attempt === 1) return { ...PASS, status: 'error', error: { class: 'PERSONA_ERROR', message: 'no tokens' } };
      await report('editing src/cart.js \u001B[2J and a very long line that cannot fit');
      stage = 'building';
      await building.opened;
      return PASS;
    };
    const { io, ended } = world.begin(['run', 'loop', '--set', 'title=x'], TERMINAL);
    await world.until(() => replay(io).screen.includes('again in'), 10);
    expect(replay(io).screen).toMatchInlineSnapshot(`
      "Started run loop-kqwvejr95m of loop 1.0.0.
      loop-kqwvejr95m  loop  running  3.4 s
      ✓ Implementation Plan…  implementation-planner  3.2 s
      ↻ build                 lead-engineer  again in 0.8 s: PERS…
      · 品質保証 ✅           qa-engineer
      · review                code-reviewer"
    `);
    await world.until(() => stage === 'building' && replay(io).screen.includes('attempt 2'));
    expect(replay(io).screen.split('\n').at(3)).toMatchInlineSnapshot(
      `"● build                 lead-engineer  attempt 2  worker w1…"`,
    );
    expect(replay(io).cursorHidden).toBe(true);
    building.open();
    expect((await ended).code).toBe(1);
    const terminal = replay(io);
    expect(terminal.screen).toMatchInlineSnapshot(`
      "Started run loop-kqwvejr95m of loop 1.0.0.
      loop-kqwvejr95m  loop  failed  4.4 s
      ✓ Implementation Plan…  implementation-planner  3.2 s
      ✓ build                 lead-engineer  attempt 2  0.2 s
      ✗ 品質保証 ✅           qa-engineer  REJECTED 2 of 5 tests …
      - review                code-reviewer  step qa failed
      Run loop-kqwvejr95m has failed after 4.4 s.
        step qa: REJECTED 2 of 5 tests failed \\x1b[2J"
    `);
    expect({ hidden: terminal.cursorHidden, wrapped: terminal.wrapped }).toEqual({ hidden: false, wrapped: 0 });
  });

  test('gives the cursor back on Ctrl-C and on an error', async () => {
    const held = gate();
    let working = 0;
    world.answer = async () => {
      working++;
      await held.opened;
      return PASS;
    };
    const left = world.begin(['run', 'loop'], TERMINAL);
    await world.until(() => working === 1 && replay(left.io).cursorHidden);
    left.io.interrupt();
    expect((await left.ended).code).toBe(130);
    expect(replay(left.io).cursorHidden).toBe(false);

    const broken = world.begin(['run', 'loop', '--new'], TERMINAL);
    await world.until(() => replay(broken.io).cursorHidden);
    world.isHosted = async () => {
      throw new CoordError('FORMAT_UNKNOWN', 'newer');
    };
    let done = false;
    void broken.ended.then(() => {
      done = true;
    });
    await world.until(() => done);
    expect(await broken.ended).toMatchObject({ code: 1, err: expect.stringContaining('newer') as string });
    expect(replay(broken.io).cursorHidden).toBe(false);
    held.open();
  });

  test('keeps notes above, and waits for a store that is away', async () => {
    const held = gate();
    world.answer = async ({ step: id }, { report }) => {
      if (id === 'plan') return PASS;
      await report('editing \u001B[2J src/cart.js');
      await held.opened;
      return PASS;
    };
    const { io, ended } = world.begin(['run', 'loop', '--set', 'title=x'], { ...TERMINAL, columns: 90 });
    await world.until(() => replay(io).screen.includes('s  editing \\x1b[2J src/cart.js\n'));
    const isHosted = world.isHosted.bind(world);
    let looks = 0;
    world.isHosted = async () => {
      looks++;
      if (looks <= 3) throw new CoordError('REDIS_UNREACHABLE', 'no answer');
      return isHosted();
    };
    await world.until(() => looks > 4);
    expect(replay(io).screen.split('\n').slice(0, 3)).toEqual([
      expect.stringMatching(/^Started run /),
      'Redis does not answer (no answer); waiting for it. Nothing is lost.',
      expect.stringMatching(/^loop-\w+ {2}loop {2}running /),
    ]);
    held.open();
    expect((await ended).code).toBe(0);
  });
});
