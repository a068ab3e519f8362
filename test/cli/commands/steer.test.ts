import { beforeEach, describe, expect, test } from 'vitest';
import { decision, step, workflow } from '../../harness/definitions.js';
import { PASS, rejected, World } from '../world.js';

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

describe('coord retry, coord skip, coord restart', () => {
  async function failedRun(): Promise<string> {
    world.answer = ({ step: id }) => (id === 'b' ? rejected('no') : PASS);
    world.workflows.set('w', workflow([step('a'), step('b', { dependencies: ['a'] })], { name: 'w' }));
    const { out } = await ended('run', 'w');
    return /Started run (\S+)/.exec(out)?.[1] ?? '';
  }

  test('say what was done, and how to follow it', async () => {
    const run = await failedRun();
    const retried = await ended('retry', run, '--reason', 'again');
    expect(retried).toMatchObject({ code: 0, out: `Run ${run} goes on from where it ended: coord watch ${run}\n` });
    expect(await ended('watch', run)).toMatchObject({ code: 1 });
    expect(await ended('skip', run, 'b', '--reason', 'not needed')).toMatchObject({ code: 0 });
    expect(await ended('watch', run)).toMatchObject({ code: 0 });
    expect(await ended('restart', run, '--from', 'a')).toMatchObject({ code: 0 });
    const { out } = await world.coord('history', run);
    expect(out).toMatch(/run goes on from where it ended, by .*: again; 1 step again/);
    expect(out).toMatch(/b +skipped by .*: not needed/);
    expect(out).toMatch(/run goes on from step a, by .*: restarted on the command line; 2 steps again/);
  });

  test('refuse what makes no sense, with the reason', async () => {
    const run = await failedRun();
    expect(await ended('skip', run, 'b')).toMatchObject({ code: 2, err: expect.stringContaining('--reason') });
    expect(await ended('skip', run, 'bb', '--reason', 'x')).toMatchObject({
      code: 2,
      err: `error STEERING_REFUSED: run ${run}: there is no step "bb". Did you mean "b"?\n`,
    });
    await ended('skip', run, 'b', '--reason', 'x');
    await ended('watch', run);
    expect(await ended('retry', run)).toMatchObject({
      code: 2,
      err: `error STEERING_REFUSED: run ${run}: the run is completed, and only one that is failed or canceled can be tried again\n`,
    });
  });
});

test('coord fork starts another run, which coord diff compares with the first', async () => {
  world.workflows.set('w', workflow([step('a'), step('b', { dependencies: ['a'] })], { name: 'w' }));
  const { out } = await ended('run', 'w');
  const run = /Started run (\S+)/.exec(out)?.[1] ?? '';
  const forked = await ended('fork', run, '--from', 'b', '--set', 'title=other', '--key', 'k');
  const id = /Started run (\S+) from step b of run/.exec(forked.out)?.[1] ?? '';
  expect(forked).toMatchObject({ code: 0, out: `Started run ${id} from step b of run ${run}: coord watch ${id}\n` });
  expect((await ended('fork', run, '--from', 'b', '--set', 'title=other', '--key', 'k')).out).toContain(
    'This key has started',
  );
  expect(await ended('watch', id)).toMatchObject({ code: 0 });
  expect((await world.client.get(id)).task).toEqual({ title: 'other' });
  expect((await world.coord('diff', run, id)).out).toContain('As a whole: no difference.');
  expect((await world.coord('history', id)).out).toContain(`run begins with step b as run ${run} stood before it`);
  expect(await ended('fork', run, '--from', 'c')).toMatchObject({
    code: 2,
    err: expect.stringContaining('there is no step "c"'),
  });
  expect(await ended('fork', run, '--from', 'b', '--persona', 'b')).toMatchObject({ code: 2 });
});

test('coord fork refuses a persona that nobody can serve, and warns where that cannot be known', async () => {
  world.files = new Set(['worker', 'reviewer']);
  world.workflows.set('w', workflow([step('a'), step('b', { dependencies: ['a'] })], { name: 'w' }));
  const run = /Started run (\S+)/.exec((await ended('run', 'w')).out)?.[1] ?? '';
  const forkTo = (persona: string): ReturnType<typeof ended> =>
    ended('fork', run, '--from', 'b', '--persona', `b=${persona}`);
  const refused = await forkTo('reviwer');
  expect(refused.code).toBe(2);
  expect(refused.err).toContain('there is no persona file "reviwer" here, and nobody serves');
  expect(refused.err).toContain('Did you mean "reviewer"?');
  expect(await world.client.list()).toHaveLength(1);
  expect(await forkTo('reviewer')).toMatchObject({ code: 0, err: '' });
  world.files = null;
  const warned = await forkTo('elsewhere');
  expect(warned).toMatchObject({ code: 0 });
  expect(warned.err).toContain('the step will wait until somebody does');
});
