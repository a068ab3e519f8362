import { beforeEach, describe, expect, test } from 'vitest';
import { decision, step, workflow } from '../../harness/definitions.js';
import { World } from '../world.js';

process.env['TZ'] = 'UTC';

let world: World;
beforeEach(() => {
  world = new World();
});

async function ended(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const command = world.begin(args);
  let done = false;
  void command.ended.then(() => {
    done = true;
  });
  await world.until(() => done);
  return command.ended;
}

/** Starts a run of workflow `w`, and leaves it where it waits for people. */
async function waiting(): Promise<string> {
  const steps = [step('a'), decision('ok', { dependencies: ['a'] }), step('z', { dependencies: ['ok'] })];
  world.workflows.set('w', workflow(steps, { name: 'w' }));
  const { out } = await ended('run', 'w', '--until-waiting');
  return /Started run (\S+)/.exec(out)?.[1] ?? '';
}

describe('coord pause, coord resume', () => {
  test('say what was done, who did it and how to go on', async () => {
    const run = await waiting();
    expect(await ended('pause', run, '--reason', 'a freeze')).toMatchObject({
      code: 0,
      out: `Run ${run} is paused; what is in work goes on, and nothing new begins until: coord resume ${run}\n`,
    });
    const shown = await world.coord('show', run);
    expect(shown.out).toContain(`Run ${run} is paused.\n  by `);
    expect(shown.out).toContain(`: a freeze\n  to go on: coord resume ${run}\n`);
    expect((await world.coord('history', run)).out).toMatch(/run paused by .*: a freeze/);
    await ended('decide', run, 'ok', 'approve');
    expect(await ended('watch', run)).toMatchObject({ code: 4 });
    expect(await ended('resume', run)).toMatchObject({ code: 0, out: `Run ${run} goes on: coord watch ${run}\n` });
    expect(await ended('watch', run)).toMatchObject({ code: 0 });
  });

  test('refuse what makes no sense, with the reason', async () => {
    const run = await waiting();
    expect(await ended('resume', run)).toMatchObject({
      code: 2,
      err: `error STEERING_REFUSED: run ${run}: the run is waiting, and only one that is paused can be resumed\n`,
    });
    expect(await ended('pause', 'nobody-1')).toMatchObject({ code: 2, err: expect.stringContaining('RUN_NOT_FOUND') });
  });
});
