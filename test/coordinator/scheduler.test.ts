import { describe, expect, test } from 'vitest';
import { CoordError } from '../../src/core/errors.js';
import type { Store } from '../../src/core/ports.js';
import { emit, wait, workflow } from '../harness/definitions.js';
import { BEGIN, HOUR, long, MINUTE, Scene, SECOND, short } from './schedule-scene.js';

/** Tells nothing, and is over at once. */
const quiet = workflow([wait('pause', { duration: 0.001 })], { name: 'quiet' });

const outcomes = async (scene: Scene, name: string): Promise<readonly string[]> =>
  (await scene.schedules.get(name)).recent.map(
    ({ at, outcome, count }) =>
      `${new Date(at).toISOString().slice(11, 19)} ${outcome}${count === 1 ? '' : ` ${String(count)}`}`,
  );

describe('a schedule', () => {
  test('starts a run at each of its instants, and the run says which', async () => {
    const scene = new Scene();
    scene.coordinator();
    await scene.add('quarters', {
      trigger: { kind: 'cron', cron: '*/15 * * * *', zone: 'UTC' },
      task: { title: 'look' },
    });
    await scene.add('minutes', { trigger: { kind: 'every', everyMs: 10 * MINUTE } });
    await scene.pass(31 * MINUTE, SECOND);
    expect(await scene.startedAt('quarters')).toEqual(['00:15:00', '00:30:00']);
    expect(await scene.startedAt('minutes')).toEqual(['00:10:00', '00:20:00', '00:30:00']);
    const [first] = await scene.starts('quarters');
    expect(first?.run).toMatchObject({
      status: 'completed',
      task: {
        title: 'look',
        schedule: { name: 'quarters', revision: 1, at: '2026-03-02T00:15:00.000Z', reason: 'time' },
      },
    });
    expect(await outcomes(scene, 'quarters')).toEqual(['00:30:00 started', '00:15:00 started']);
    expect(scene.events).toContainEqual({
      type: 'schedule.started',
      schedule: 'quarters',
      at: BEGIN + 15 * MINUTE,
      run: first?.run.id,
    });
  });

  test('has nothing due before it starts and after it ends, and counts its interval from its start', async () => {
    const scene = new Scene();
    scene.coordinator();
    const bounds = { startsAt: BEGIN + 5 * MINUTE, endsAt: BEGIN + 7 * MINUTE };
    await scene.add('few', { trigger: { kind: 'every', everyMs: MINUTE }, ...bounds });
    await scene.pass(10 * MINUTE, SECOND);
    expect(await scene.startedAt('few')).toEqual(['00:05:00', '00:06:00', '00:07:00']);
    expect(await scene.schedules.next('few', 3)).toEqual([]);
  });

  test('with jitter starts each run somewhat later, for the same instant', async () => {
    const scene = new Scene();
    scene.coordinator();
    await scene.add('spread', { jitterMs: 40 * SECOND });
    await scene.pass(4 * MINUTE, SECOND);
    const starts = await scene.starts('spread');
    expect(starts.map(({ at }) => at).slice(0, 3)).toEqual(['00:01:00', '00:02:00', '00:03:00']);
    const delays = starts.map(({ run, at }) => run.createdAt - Date.parse(`2026-03-02T${at}Z`));
    expect(Math.max(...delays)).toBeLessThan(42 * SECOND);
    expect(Math.max(...delays)).toBeGreaterThan(2 * SECOND);
  });

  test('that is paused starts nothing, and goes on from when it is resumed', async () => {
    const scene = new Scene();
    scene.coordinator();
    await scene.add('tick', { catchUp: 'all' });
    await scene.pass(90 * SECOND, SECOND);
    expect(await scene.schedules.pause('tick', 'ann')).toBe(true);
    expect(await scene.schedules.pause('tick', 'ann')).toBe(false);
    await scene.pass(5 * MINUTE, SECOND);
    expect(await scene.schedules.resume('tick')).toBe(true);
    await scene.pass(MINUTE, SECOND);
    expect(await scene.startedAt('tick')).toEqual(['00:01:00', '00:07:00']);
  });

  test('that is taken out starts nothing more', async () => {
    const scene = new Scene();
    scene.coordinator();
    await scene.add('tick', {});
    await scene.pass(90 * SECOND, SECOND);
    await scene.schedules.remove('tick');
    await scene.pass(3 * MINUTE, SECOND);
    expect(await scene.startedAt('tick')).toEqual(['00:01:00']);
    await expect(scene.schedules.get('tock')).rejects.toMatchObject({ code: 'SCHEDULE_NOT_FOUND' });
  });

  test('is changed by adding it again: the same is the same, something else is a new revision', async () => {
    const scene = new Scene();
    scene.coordinator();
    expect(await scene.add('tick', {})).toMatchObject({ outcome: 'added', schedule: { revision: 1 } });
    await scene.pass(90 * SECOND, SECOND);
    expect(await scene.add('tick', {})).toMatchObject({ outcome: 'same', schedule: { revision: 1 } });
    expect(await scene.add('tick', { task: { a: 1 } })).toMatchObject({
      outcome: 'changed',
      schedule: { revision: 2 },
    });
    await scene.pass(MINUTE, SECOND);
    const starts = await scene.starts('tick');
    expect(starts.map(({ at, run }) => [at, run.task['a'] ?? null])).toEqual([
      ['00:01:00', null],
      ['00:02:00', 1],
    ]);
    // Another rhythm counts from the change.
    expect(await scene.add('tick', { trigger: { kind: 'every', everyMs: 5 * MINUTE } })).toMatchObject({
      outcome: 'changed',
    });
    expect(await scene.schedules.next('tick', 1)).toEqual([BEGIN + 150 * SECOND + 5 * MINUTE]);
  });

  test('can be had to start a run by hand, besides those that are due', async () => {
    const scene = new Scene();
    scene.coordinator();
    await scene.add('rare', { trigger: { kind: 'every', everyMs: HOUR } });
    await scene.pass(10 * SECOND);
    const run = await scene.schedules.runNow('rare');
    await scene.pass(5 * SECOND);
    expect(await scene.starts('rare')).toMatchObject([{ reason: 'hand', run: { id: run, status: 'completed' } }]);
    await scene.schedules.pause('rare', 'ann');
    await expect(scene.schedules.runNow('rare')).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('refuses at once what its runs could never be started with', async () => {
    const scene = new Scene();
    await expect(scene.add('bad', { task: { schedule: 1 } })).rejects.toMatchObject({ code: 'TASK_INVALID' });
    const strict = workflow(short.steps, { input: { type: 'object', properties: {}, additionalProperties: false } });
    await expect(scene.add('bad', { definition: strict })).rejects.toMatchObject({ code: 'TASK_INVALID' });
    const itself = scene.add('bad', { trigger: { kind: 'event', event: 'said' } });
    await expect(itself).rejects.toMatchObject({
      code: 'SCHEDULE_INVALID',
      message: expect.stringContaining('start itself for ever') as string,
    });
    expect(await scene.schedules.list()).toEqual([]);
  });

  test('works on the commit that its repository stands at, and says when there is none', async () => {
    const scene = new Scene();
    scene.coordinator();
    await scene.add('git', { repo: '/repo' });
    await scene.pass(70 * SECOND, SECOND);
    scene.heads = async () => {
      throw new CoordError('WORKSPACE_INVALID', 'no repository');
    };
    await scene.pass(MINUTE, SECOND);
    scene.heads = async () => 'b'.repeat(40);
    await scene.pass(MINUTE, SECOND);
    const starts = await scene.starts('git');
    expect(starts.map(({ at, run }) => [at, run.workspace?.base])).toEqual([
      ['00:01:00', 'a'.repeat(40)],
      ['00:03:00', 'b'.repeat(40)],
    ]);
    expect(await outcomes(scene, 'git')).toEqual(['00:03:00 started', '00:02:00 failed', '00:01:00 started']);
    expect((await scene.schedules.get('git')).recent[1]?.error).toBe('no repository');
  });

  test('that cannot be read, or is of a newer format, stops no other', async () => {
    const scene = new Scene();
    scene.coordinator();
    await scene.store.schedules.write({ name: 'broken', expected: 0, text: '{"format":1}' });
    await scene.store.schedules.write({ name: 'newer', expected: 0, text: '{"format":99}' });
    await scene.add('tick', {});
    await scene.pass(90 * SECOND, SECOND);
    expect(await scene.startedAt('tick')).toEqual(['00:01:00']);
    const all = await scene.schedules.list();
    expect(all.map(({ name, error }) => [name, error === null])).toEqual([
      ['broken', false],
      ['newer', false],
      ['tick', true],
    ]);
    expect((await scene.store.schedules.get('newer'))?.text).toBe('{"format":99}');
    const told = scene.events.flatMap((event) => (event.type === 'schedule.interrupted' ? [event.schedule] : []));
    expect(told).toHaveLength(2);
    expect(new Set(told)).toEqual(new Set(['broken', 'newer']));
  });
});

describe('when the run before is not over', () => {
  const every = { trigger: { kind: 'every', everyMs: MINUTE }, definition: long } as const;

  test('skip: the instant is left out, and said so', async () => {
    const scene = new Scene();
    scene.coordinator();
    await scene.add('one', { ...every, overlap: 'skip' });
    await scene.pass(150 * SECOND, SECOND);
    expect(await scene.startedAt('one')).toEqual(['00:01:00']);
    expect(await outcomes(scene, 'one')).toEqual(['00:02:00 skipped', '00:01:00 started']);
    const [first] = await scene.starts('one');
    await scene.client.signal(first?.run.id ?? '', { name: 'go', by: 'test' });
    await scene.pass(MINUTE, SECOND);
    expect(await scene.startedAt('one')).toEqual(['00:01:00', '00:03:00']);
  });

  test('queue: it waits, and starts when the one before is over, in order', async () => {
    const scene = new Scene();
    scene.coordinator();
    await scene.add('line', { ...every, overlap: 'queue' });
    await scene.pass(200 * SECOND, SECOND);
    expect(await scene.startedAt('line')).toEqual(['00:01:00']);
    expect((await scene.schedules.get('line')).queue).toHaveLength(2);
    for (const wanted of ['00:02:00', '00:03:00']) {
      const open = (await scene.starts('line')).find(({ run }) => run.status === 'waiting');
      await scene.client.signal(open?.run.id ?? '', { name: 'go', by: 'test' });
      await scene.pass(5 * SECOND);
      expect((await scene.startedAt('line')).at(-1)).toBe(wanted);
    }
  });

  test('allow: both go on', async () => {
    const scene = new Scene();
    scene.coordinator();
    await scene.add('many', { ...every, overlap: 'allow' });
    await scene.pass(200 * SECOND, SECOND);
    expect((await scene.starts('many')).map(({ run }) => run.status)).toEqual(['waiting', 'waiting', 'waiting']);
    expect((await scene.schedules.get('many')).open).toEqual([]);
  });

  test('cancel-previous: the one before is told to end', async () => {
    const scene = new Scene();
    scene.coordinator();
    await scene.add('last', { ...every, overlap: 'cancel-previous' });
    await scene.pass(200 * SECOND, SECOND);
    const starts = await scene.starts('last');
    expect(starts.map(({ run }) => run.status)).toEqual(['canceled', 'canceled', 'waiting']);
    expect(starts[0]?.run.canceled).toMatchObject({ by: 'schedule last' });
  });
});

describe('what was due while nobody looked', () => {
  test.each([
    ['none', []],
    ['last', ['00:50:00 late']],
    ['all', ['00:30:00 late', '00:40:00 late', '00:50:00 late']],
  ] as const)('catch_up %s', async (catchUp, wanted) => {
    const scene = new Scene();
    const trigger = { kind: 'every', everyMs: 10 * MINUTE } as const;
    await scene.add('s', { trigger, catchUp, catchUpLimit: 3, overlap: 'allow' });
    scene.clock.advance(55 * MINUTE);
    scene.coordinator();
    await scene.pass(10 * SECOND);
    expect(await scene.startedAt('s')).toEqual(wanted);
    const missed = 5 - wanted.length;
    const told = (await scene.schedules.get('s')).recent.filter(({ outcome }) => outcome === 'missed');
    expect(told.map(({ count }) => count)).toEqual([missed]);
    await scene.pass(6 * MINUTE, SECOND);
    expect((await scene.startedAt('s')).at(-1)).toBe('01:00:00');
  });

  test('is not made up for with last when another one is on time anyway', async () => {
    const scene = new Scene();
    await scene.add('s', { trigger: { kind: 'every', everyMs: 10 * MINUTE }, overlap: 'allow' });
    scene.clock.advance(30 * MINUTE + 20 * SECOND);
    scene.coordinator();
    await scene.pass(10 * SECOND);
    expect(await scene.startedAt('s')).toEqual(['00:30:00']);
    expect(await outcomes(scene, 's')).toEqual(['00:30:00 started', '00:20:00 missed 2']);
  });

  test('after years of silence takes no longer than after a day', async () => {
    const scene = new Scene();
    await scene.add('s', {
      trigger: { kind: 'every', everyMs: SECOND },
      catchUp: 'all',
      catchUpLimit: 5,
      overlap: 'allow',
    });
    scene.clock.advance(3 * 365 * 24 * HOUR);
    scene.coordinator();
    await scene.until(async () => (await scene.starts('s')).length >= 60);
    expect((await scene.schedules.get('s')).recent.length).toBeLessThanOrEqual(20);
  });
});

describe('an event', () => {
  const teller = workflow([emit('tell', 'built', { data: { version: '{{ task.version }}' } })], { name: 'teller' });

  test('starts a run for each time that it is emitted, with what it brought', async () => {
    const scene = new Scene(2);
    const coordinator = scene.coordinator();
    await scene.add('on', { trigger: { kind: 'event', event: 'built' }, overlap: 'allow', catchUp: 'all' });
    await scene.pass(3 * SECOND);
    const told: string[] = [];
    for (const version of ['1', '2', '3'])
      told.push((await scene.client.start({ definition: teller, task: { version }, workspace: null })).run);
    await scene.pass(5 * SECOND);
    const starts = await scene.starts('on');
    const events = starts.map(
      ({ run }) => run.task['event'] as { run: string; name: string; data: { version: unknown } },
    );
    expect(events.map(({ run }) => run).toSorted()).toEqual(told.toSorted());
    expect(events.map(({ data }) => String(data.version)).toSorted()).toEqual(['1', '2', '3']);
    expect(events[0]).toMatchObject({ name: 'built', step: 'tell' });
    // What comes while no scheduler looks is found later.
    await coordinator.stop();
    const moving = scene.coordinator({ schedules: false });
    await scene.client.start({ definition: teller, task: { version: '4' }, workspace: null });
    await scene.pass(10 * MINUTE, 5 * SECOND);
    expect(await scene.starts('on')).toHaveLength(3);
    await moving.stop();
    scene.coordinator();
    await scene.pass(10 * SECOND);
    expect((await scene.startedAt('on')).filter((at) => at.endsWith('event'))).toHaveLength(4);
  });

  test('that the feed has forgotten before anybody read it is told as missed', async () => {
    const scene = new Scene();
    const first = scene.coordinator();
    await scene.add('on', { trigger: { kind: 'event', event: 'built' }, overlap: 'allow', catchUp: 'all' });
    await scene.client.start({ definition: teller, task: { version: '1' }, workspace: null });
    await scene.pass(5 * SECOND);
    await first.stop();
    const moving = scene.coordinator({ schedules: false });
    for (const version of ['2', '3'])
      await scene.client.start({ definition: teller, task: { version }, workspace: null });
    await scene.pass(5 * SECOND);
    await moving.stop();
    const { feed } = scene.contents.at(0);
    feed.splice(0, feed.length - 1);
    scene.coordinator();
    await scene.pass(10 * SECOND);
    expect(await scene.starts('on')).toHaveLength(2);
    const told = (await scene.schedules.get('on')).recent.filter(({ outcome }) => outcome === 'missed');
    expect(told).toMatchObject([{ reason: 'event', error: expect.stringContaining('may be missing') as string }]);
  });

  test('that was emitted before, or while it was paused, does not count', async () => {
    const scene = new Scene();
    scene.coordinator();
    const tell = async (version: string): Promise<void> => {
      await scene.client.start({ definition: teller, task: { version }, workspace: null });
      await scene.pass(5 * SECOND);
    };
    await tell('1');
    await scene.add('on', { trigger: { kind: 'event', event: 'built' }, overlap: 'allow', catchUp: 'all' });
    await scene.pass(3 * SECOND);
    await scene.schedules.pause('on', 'ann');
    await tell('2');
    await scene.schedules.resume('on');
    await tell('3');
    const starts = await scene.starts('on');
    expect(starts.map(({ run }) => (run.task['event'] as { data: object }).data)).toEqual([{ version: '3' }]);
  });
});

describe('what it watches', () => {
  test('a branch: a run for each commit that it is seen at, on that commit', async () => {
    const scene = new Scene();
    scene.coordinator();
    const commit = (letter: string): void => void (scene.seen = () => ({ main: letter.repeat(40) }));
    commit('a');
    await scene.add('main', { trigger: { kind: 'branch', branch: 'main' }, repo: '/repo', overlap: 'allow' });
    await scene.pass(10 * SECOND);
    expect(await scene.starts('main')).toEqual([]);
    for (const letter of ['b', 'c', 'b']) {
      commit(letter);
      await scene.pass(5 * SECOND);
    }
    const starts = await scene.starts('main');
    expect(starts.map(({ run, reason }) => [reason, run.task['change'], run.workspace?.base])).toEqual(
      [
        ['a', 'b'],
        ['b', 'c'],
        ['c', 'b'],
      ].map(([from = '', to = '']) => [
        'change',
        { branch: 'main', from: from.repeat(40), to: to.repeat(40), files: [] },
        to.repeat(40),
      ]),
    );
    await expect(scene.add('none', { trigger: { kind: 'branch', branch: 'main' } })).rejects.toMatchObject({
      code: 'SCHEDULE_INVALID',
    });
  });

  test('files: a run knows which have changed, and what happens while it is paused does not count', async () => {
    const scene = new Scene();
    scene.coordinator();
    scene.seen = () => ({ 'a.md': '1', 'b.md': '1' });
    await scene.add('docs', { trigger: { kind: 'files', files: '*.md' } });
    expect((await scene.schedules.get('docs')).spec.trigger).toMatchObject({ folder: '/project' });
    await scene.pass(5 * SECOND);
    scene.seen = () => ({ 'a.md': '2', 'c.md': '1' });
    await scene.pass(5 * SECOND);
    await scene.schedules.pause('docs', 'ann');
    scene.seen = () => ({ 'a.md': '3' });
    await scene.pass(5 * SECOND);
    await scene.schedules.resume('docs');
    await scene.pass(5 * SECOND);
    const starts = await scene.starts('docs');
    expect(starts.map(({ run }) => run.task['change'])).toEqual([
      { branch: null, from: null, to: null, files: ['a.md', 'b.md', 'c.md'] },
    ]);
  });

  test('one that was taken out and is added again starts runs of its own', async () => {
    const scene = new Scene();
    scene.coordinator();
    for (const round of [1, 2]) {
      await scene.add('docs', { trigger: { kind: 'files', files: '*.md' } });
      await scene.pass(5 * SECOND);
      scene.seen = () => ({ 'a.md': String(round) });
      await scene.pass(5 * SECOND);
      expect(await scene.starts('docs')).toHaveLength(round);
      await scene.schedules.remove('docs');
    }
  });

  test('what cannot be looked at is said, and looked at again', async () => {
    const scene = new Scene();
    scene.coordinator();
    await scene.add('docs', { trigger: { kind: 'files', files: '*.md' } });
    await scene.pass(3 * SECOND);
    scene.seen = () => {
      throw new CoordError('WORKSPACE_INVALID', 'no such folder');
    };
    await scene.pass(6 * SECOND);
    scene.seen = () => ({ 'a.md': '1' });
    await scene.pass(25 * SECOND);
    expect(scene.events.some((event) => event.type === 'schedule.interrupted' && event.schedule === 'docs')).toBe(true);
    expect(await scene.starts('docs')).toHaveLength(1);
  });
});

describe('exactly once', () => {
  const INSTANTS = ['00:01:00', '00:02:00', '00:03:00', '00:04:00'];

  test('with coordinators that take over from each other', async () => {
    const scene = new Scene();
    await scene.add('tick', { overlap: 'allow' });
    const first = scene.coordinator();
    scene.coordinator();
    scene.coordinator();
    await scene.pass(59 * SECOND, SECOND);
    await first.stop();
    await scene.pass(4 * MINUTE, SECOND);
    expect(await scene.startedAt('tick')).toEqual(INSTANTS);
  });

  test('with two that both believe to be the only one', async () => {
    const scene = new Scene();
    scene.coordinator({ schedules: false });
    await scene.add('tick', { overlap: 'queue' });
    await scene.add('said', {
      definition: quiet,
      trigger: { kind: 'event', event: 'said' },
      overlap: 'queue',
      catchUp: 'all',
      endsAt: BEGIN + 61 * SECOND,
    });
    const stop = new AbortController();
    const schedulers = ['x', 'y', 'z'].map((name) => scene.schedulerOf(scene.storeOf(name)));
    for (const scheduler of schedulers) scheduler.own(stop.signal);
    await scene.pass(4 * MINUTE + 30 * SECOND, SECOND);
    stop.abort();
    await Promise.all(schedulers.map((scheduler) => scheduler.settled()));
    expect(await scene.startedAt('tick')).toEqual(INSTANTS);
    expect((await scene.schedules.get('tick')).queue).toEqual([]);
    expect(await outcomes(scene, 'tick')).toEqual(INSTANTS.toReversed().map((at) => `${at} started`));
    const causes = (await scene.starts('said')).map(({ run }) => (run.task['event'] as { run: string }).run);
    expect(new Set(causes).size).toBe(causes.length);
    expect(causes.length).toBeGreaterThan(0);
  });

  test('and what somebody changes meanwhile is not written over', async () => {
    const scene = new Scene();
    scene.coordinator({ schedules: false });
    await scene.add('tick', { overlap: 'allow' });
    const store = scene.storeOf('x');
    let writes = 0;
    const slow: Store = {
      ...store,
      schedules: {
        ...store.schedules,
        write: async (change) => {
          // Somebody is faster than what the scheduler has read.
          if (++writes === 1) await scene.schedules.pause('tick', 'ann');
          return store.schedules.write(change);
        },
      },
    };
    const stop = new AbortController();
    const scheduler = scene.schedulerOf(slow);
    scheduler.own(stop.signal);
    await scene.pass(150 * SECOND, SECOND);
    stop.abort();
    await scheduler.settled();
    expect(writes).toBe(1);
    expect(await scene.schedules.get('tick')).toMatchObject({ paused: { by: 'ann' }, queue: [], recent: [] });
    expect(await scene.starts('tick')).toEqual([]);
  });

  /** A store whose process dies at the nth write that has to do with schedules: nothing of it is heard or done any more. */
  function dying(store: Store, { moment, when }: { moment: number; when: 'before' | 'after' }, die: () => void): Store {
    let writes = 0;
    let dead = false;
    const wrap =
      <A extends unknown[], R>(write: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        if (dead) throw new CoordError('USAGE', 'dead');
        const fatal = ++writes === moment;
        if (fatal) dead = true;
        if (!fatal || when === 'after') {
          const result = await write(...args);
          if (!fatal) return result;
        }
        die();
        throw new CoordError('USAGE', 'dead');
      };
    return {
      ...store,
      admission: { admit: wrap((request) => store.admission.admit(request)) },
      schedules: { ...store.schedules, write: wrap((change) => store.schedules.write(change)) },
    };
  }

  const MOMENTS = Array.from({ length: 8 }, (_, index) => index + 1).flatMap((moment) =>
    (['before', 'after'] as const).map((when) => ({ moment, when })),
  );

  test.each(MOMENTS)('when it dies $when write $moment', async (moment) => {
    const scene = new Scene();
    scene.coordinator({ schedules: false });
    await scene.add('tick', { overlap: 'allow' });
    const death = new AbortController();
    let died = false;
    const dies = scene.schedulerOf(
      dying(scene.storeOf('x'), moment, () => {
        died = true;
        death.abort();
      }),
    );
    dies.own(death.signal);
    await scene.until(() => died, SECOND);
    const stop = new AbortController();
    const next = scene.schedulerOf(scene.storeOf('y'));
    next.own(stop.signal);
    await scene.pass(BEGIN + 4 * MINUTE + 30 * SECOND - scene.clock.now(), SECOND);
    stop.abort();
    await next.settled();
    expect(await scene.startedAt('tick')).toEqual(INSTANTS);
    expect((await scene.schedules.get('tick')).queue).toEqual([]);
  });
});
