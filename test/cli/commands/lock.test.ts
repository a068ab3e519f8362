/** `coord lock` and `coord locks`: what a person does under a lock, and who holds which. */
import { beforeEach, describe, expect, test } from 'vitest';
import { lock, step, workflow } from '../../harness/definitions.js';
import { gate, PASS, World } from '../world.js';

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

describe('coord lock', () => {
  test('runs the command while it holds the lock, renews it, and ends with its exit code', async () => {
    const held = gate();
    const asked: (readonly string[])[] = [];
    world.command = async (_, { argv }) => {
      asked.push(argv);
      await held.opened;
      return 7;
    };
    const { ended: editing } = world.begin(['lock', 'ticket/7', '--', 'vim', '--clean', 'a b.md']);
    await world.until(() => asked.length > 0);
    expect(asked).toEqual([['vim', '--clean', 'a b.md']]);
    // Far longer than a lease lasts.
    let passed = 0;
    await world.until(() => ++passed > 100, 1_000);
    const listed = await world.coord('locks', '--json');
    expect(JSON.parse(listed.out)).toMatchObject({
      locks: [{ name: 'ticket/7', holder: { party: { kind: 'command', command: 'vim --clean a b.md' } }, line: [] }],
      broken: [],
    });
    expect((await world.coord('locks')).out).toMatch(
      /^LOCK +HELD BY +SINCE +WAITING\nticket\/7 +\S+ on \S+ +1m \d+s ago/,
    );
    const refused = await world.coord('lock', 'ticket/7', '--', 'true');
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringMatching(
        /^error LOCK_HELD: lock "ticket\/7" is held by \S+ on \S+ \(vim --clean a b.md\) since .*Z, \d+ s ago;/,
      ),
    });
    held.open();
    await expect(editing).resolves.toMatchObject({ code: 7 });
    expect((await world.coord('locks')).out).toBe('Nobody holds a lock.\n');
  });

  test('waits in the line when it is told to', async () => {
    const first = gate();
    const order: string[] = [];
    world.command = async (_, { argv }) => {
      order.push(argv[0] ?? '');
      if (argv[0] === 'one') await first.opened;
      return 0;
    };
    const one = world.begin(['lock', 'x', '--', 'one']);
    await world.until(() => order.length === 1);
    const two = world.begin(['lock', 'x', '--wait', '--', 'two']);
    await world.until(() => two.io.err.includes('Waiting'));
    expect(two.io.err).toMatch(/^Waiting for lock "x", held by \S+ on \S+ …\n$/);
    const three = await ended('lock', 'x', '--wait', '3s', '--', 'three');
    expect(three).toMatchObject({ code: 1, err: expect.stringContaining('error LOCK_HELD') });
    first.open();
    await expect(one.ended).resolves.toMatchObject({ code: 0 });
    let over = false;
    void two.ended.then(() => {
      over = true;
    });
    await world.until(() => over);
    expect(order).toEqual(['one', 'two']);
  });

  test('takes a lock away, with a reason that is kept; who held it is told, and its command is asked to end', async () => {
    let told = false;
    world.command = async (_, { until }) => {
      await new Promise((resolve) => until.addEventListener('abort', resolve));
      told = true;
      return 143;
    };
    const holding = world.begin(['lock', 'x', '--', 'sleep']);
    await world.until(() => world.contents.locks.get('x')?.holder !== undefined);
    expect(await world.coord('lock', 'x', '--break')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--reason'),
    });
    expect(await world.coord('lock', 'x', '--break', '--reason', 'he is\nasleep')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Lock "x" was taken away from \S+ on \S+: its command is asked to end\.\n$/),
    });
    expect(await world.coord('lock', 'x', '--break', '--reason', 'again')).toMatchObject({
      code: 2,
      err: expect.stringContaining('error LOCK_NOT_HELD'),
    });
    await world.until(() => told);
    await expect(holding.ended).resolves.toMatchObject({
      code: 1,
      err: expect.stringMatching(/^Lock x is lost: the command is asked to end\.\nerror LOCK_LOST: /),
    });
    expect((await world.coord('locks')).out).toMatch(
      /^Nobody holds a lock\.\nx: taken away from \S+ on \S+ by \S+ \S+ .*ago: he is\\nasleep\n$/,
    );
  });

  test.each([
    [['lock', 'x'], 'say what to run'],
    [['lock', 'x', '--reason', 'r', '--', 'true'], '--reason goes with --break'],
    [['lock', 'x', '--break', '--reason', 'r', '--', 'true'], '--break runs no command'],
    [['lock', ' x', '--', 'true'], 'cannot be the name of a lock'],
    [['lock', 'x', '--wait', 'soon', '--', 'true'], 'duration'],
  ])('refuses %j', async (args, why) => {
    expect(await world.coord(...args)).toMatchObject({ code: 2, err: expect.stringContaining(why) });
  });
});

test('what a run waits for is told with who holds it, in its history and by coord why', async () => {
  const held = gate();
  let begun = false;
  world.answer = async () => {
    begun = true;
    await held.opened;
    return PASS;
  };
  world.workflows.set('w', workflow([lock('take', 'repo'), step('work', { dependencies: ['take'] })], { name: 'w' }));
  const first = world.begin(['run', 'w', '--key', 'a']);
  await world.until(() => begun);
  const second = world.begin(['run', 'w', '--key', 'b']);
  await world.until(() => second.io.out.includes('held by'));
  const [, run = ''] = /run (\S+) of w/.exec(second.io.out) ?? [];
  expect(second.io.out).toMatch(/take waits for lock "repo", held by run w-\S+ \(step take\); to see it: coord locks/);
  const why = (await world.coord('why', run)).out;
  expect(why).toMatch(/step take waits for .* for lock "repo", held by run w-\S+ \(step take\) for /);
  expect(why).toMatch(/→ step work of run|→ .*work is worked on/);
  expect((await world.coord('locks')).out).toMatch(/repo +run w-\S+ \(step take\) +.* +run w-\S+ \(step take\)/);
  held.open();
  let over = 0;
  for (const { ended: end } of [first, second]) void end.then(() => over++);
  await world.until(() => over === 2);
  expect((await second.ended).code).toBe(0);
});
