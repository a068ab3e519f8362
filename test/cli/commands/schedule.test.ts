/** `coord schedule`: from files and options, and what people see of it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { emit, workflow } from '../../harness/definitions.js';
import { World } from '../world.js';

process.env['TZ'] = 'UTC';

let world: World;
beforeEach(() => {
  world = new World();
  world.workflows.set('loop', workflow([emit('say', 'said')], { name: 'loop' }));
});

function file(name: string, text: string): void {
  mkdirSync(join(world.directory, 'schedules'), { recursive: true });
  writeFileSync(join(world.directory, 'schedules', name), text);
}

describe('coord schedule', () => {
  test('adds the files of the folder, all or none, and changes only what has changed', async () => {
    file('nightly.yml', 'workflow: loop\ncron: "0 3 * * *"\nzone: Europe/Berlin\n');
    file('told.yml', 'workflow: loop\nevent: built\n');
    const { code, out } = await world.coord('schedule', 'add');
    expect({ code, out }).toEqual({
      code: 0,
      out: 'Added schedule nightly of loop: due 2023-11-15 03:00 Europe/Berlin (2023-11-15T02:00:00Z)\nAdded schedule told of loop: each time that "built" is emitted\n',
    });
    // Somebody has to be there for it.
    world.hosted = false;
    file('told.yml', 'workflow: loop\nevent: built\npaused: true\n');
    expect((await world.coord('schedule', 'add')).out).toBe(
      'Unchanged: schedule nightly of loop: due 2023-11-15 03:00 Europe/Berlin (2023-11-15T02:00:00Z)\nChanged schedule told of loop: it is paused\n',
    );
    expect(world.asked).toContain('host as before');
    file('wrong.yml', 'workflow: loop\ncorn: x\n');
    file('another.yml', 'workflow: loop\nevery: 5m\n');
    const refused = await world.coord('schedule', 'add');
    expect(refused).toMatchObject({ code: 2, out: '' });
    expect(refused.err).toContain('schedules/wrong.yml:2:1  unknown-key  unknown key "corn" in the schedule');
    expect((await world.schedules.list()).map(({ name }) => name)).toEqual(['nightly', 'told']);
  });

  test('adds one from options, by the same rules', async () => {
    const add = ['schedule', 'add', 'often', '--workflow', 'loop', '--no-repo'];
    const { code, out } = await world.coord(
      ...add,
      '--every',
      '15m',
      '--set',
      'n=1',
      '--overlap',
      'queue',
      '--catch-up',
      'none',
    );
    expect({ code, out }).toEqual({ code: 0, out: 'Added schedule often of loop: due 2023-11-14T22:28:20Z\n' });
    expect(await world.schedules.get('often')).toMatchObject({
      changedBy: expect.any(String) as string,
      spec: { task: { n: 1 }, overlap: 'queue', catchUp: 'none', repo: null },
    });
    expect(await world.coord(...add, '--cron', '0 3 * *')).toMatchObject({
      code: 2,
      err: expect.stringContaining(
        'error SCHEDULE_INVALID: a cron text has 5 fields, not 4 fields. Five fields are',
      ) as string,
    });
    expect(await world.coord(...add)).toMatchObject({ code: 2, err: expect.stringContaining('no "cron"') as string });
    expect(await world.coord('schedule', 'add', 'often', '--every', '5m')).toMatchObject({
      code: 2,
      err: 'error USAGE: --every goes with --workflow; a file says all of it itself\n',
    });
    expect(await world.coord('schedule', 'add', 'often')).toMatchObject({
      code: 2,
      err: expect.stringContaining('"often" is no file') as string,
    });
    expect(await world.coord('schedule', 'add')).toMatchObject({
      code: 2,
      err: expect.stringContaining('there is no schedule in') as string,
    });
    expect(await world.coord('schedule', 'add', 'x', '--workflow', 'nothing', '--every', '5m')).toMatchObject({
      code: 2,
      err: expect.stringContaining('DEFINITION_NOT_FOUND') as string,
    });
    world.durable = false;
    expect(await world.coord(...add, '--every', '5m')).toMatchObject({
      code: 2,
      err: expect.stringContaining('without Redis a schedule ends with this command') as string,
    });
  });

  test('lists, shows, pauses, resumes, starts by hand and removes', async () => {
    expect((await world.coord('schedule')).out).toContain('No schedules.');
    await world.coord(
      'schedule',
      'add',
      'often',
      '--workflow',
      'loop',
      '--every',
      '15m',
      '--no-repo',
      '--jitter',
      '10s',
    );
    const list = await world.coord('schedule', 'list');
    expect(list.out).toMatch(
      /^SCHEDULE +WORKFLOW +WHEN +NEXT +LAST\noften +loop +every 15m 00s +2023-11-14T22:28:20Z *\n$/,
    );
    const shown = await world.coord('schedule', 'show', 'often');
    expect(shown.out).toContain('overlap   skip\n');
    expect(shown.out).toContain('next      2023-11-14T22:28:20Z\n');
    expect(shown.out).toContain('jitter    up to 10 s later\n');
    expect((await world.coord('schedule', 'pause', 'often')).out).toBe('Schedule often is paused.\n');
    expect((await world.coord('schedule', 'pause', 'often')).out).toBe('Schedule often was paused already.\n');
    expect((await world.coord('schedule', 'list')).out).toContain('paused');
    expect(await world.coord('schedule', 'run-now', 'often')).toMatchObject({
      code: 2,
      err: 'error USAGE: schedule often is paused; coord schedule resume often\n',
    });
    expect((await world.coord('schedule', 'resume', 'often')).out).toContain('Schedule often goes on. It is due ');
    const { out } = await world.coord('schedule', 'run-now', 'often', '--json');
    expect(JSON.parse(out)).toEqual({ schedule: 'often', run: expect.stringMatching(/^loop-\w{10}$/) as string });
    const json = JSON.parse((await world.coord('schedule', 'show', 'often', '--json')).out) as {
      queue: { reason: string }[];
    };
    expect(json.queue.map(({ reason }) => reason)).toEqual(['hand']);
    expect((await world.coord('schedule', 'list', '--json')).out).toContain('"name": "often"');
    expect((await world.coord('schedule', 'remove', 'often')).out).toBe('Schedule often is gone; its runs go on.\n');
    await world.coord('schedule', 'add', 'often', '--workflow', 'loop', '--every', '15m', '--no-repo');
    expect(await world.coord('schedule', 'show', 'oftn')).toMatchObject({
      code: 2,
      err: 'error SCHEDULE_NOT_FOUND: there is no schedule "oftn". Did you mean "often"? See `coord schedule list`.\n',
    });
  });

  test('coord show says which schedule has started a run', async () => {
    const schedule = { name: 'often', revision: 1, at: '2026-03-02T00:15:00.000Z', reason: 'time' };
    const { run } = await world.client.start({
      definition: workflow([emit('say', 'said')]),
      task: { schedule },
      workspace: null,
    });
    expect((await world.coord('show', run)).out).toContain(
      '\nschedule    often, for 2026-03-02T00:15:00.000Z (time)\n',
    );
  });

  test('says when it is due next: a schedule, or a bare cron text without any store', async () => {
    world.asked.length = 0;
    const next = (...args: readonly string[]) => world.coord('schedule', 'next', ...args);
    const spring = ['30 2 * * *', '--zone', 'Europe/Berlin', '--after', '2026-03-28T00:00:00Z', '--count', '2'];
    expect((await next(...spring)).out).toBe(
      '2026-03-28 02:30 Europe/Berlin (2026-03-28T01:30:00Z)\n2026-03-29 03:00 Europe/Berlin (2026-03-29T01:00:00Z)\n',
    );
    expect(JSON.parse((await next('@hourly', '--count', '1', '--json')).out)).toEqual(['2023-11-14T23:00:00.000Z']);
    expect(await next('0 24 * * *')).toMatchObject({
      code: 2,
      err: expect.stringContaining('error USAGE: there is no hour "24"\n  0 24 * * *\n    ^^\n') as string,
    });
    expect(await next('@daily', '--zone', 'Europa/Berlin')).toMatchObject({ code: 2 });
    expect(world.asked).toEqual([]);
    await world.coord('schedule', 'add', 'often', '--workflow', 'loop', '--every', '15m', '--no-repo');
    expect((await next('often', '--count', '2')).out).toBe('2023-11-14T22:28:20Z\n2023-11-14T22:43:20Z\n');
    expect(await next('often', '--zone', 'UTC')).toMatchObject({ code: 2 });
  });
});
