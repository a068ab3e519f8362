/** What the command line says of a whole namespace: whether it is sound, moving runs to another definition, what was lost. */
import { beforeEach, describe, expect, test } from 'vitest';
import { decision, step, workflow } from '../../harness/definitions.js';
import { World } from '../world.js';

process.env['TZ'] = 'UTC';

let world: World;
beforeEach(() => {
  world = new World();
});

/** Starts a run of workflow `w`, and leaves it where it waits for people. */
async function waiting(): Promise<string> {
  world.workflows.set('w', workflow([step('a'), decision('ok', { dependencies: ['a'] })], { name: 'w' }));
  const { out } = await ended('run', 'w', '--until-waiting');
  return /Started run (\S+)/.exec(out)?.[1] ?? '';
}

async function ended(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const command = world.begin(args);
  let done = false;
  void command.ended.then(() => {
    done = true;
  });
  await world.until(() => done);
  return command.ended;
}

describe('coord verify', () => {
  test('says that all is well, of all runs and of one', async () => {
    const run = await waiting();
    expect(await world.coord('verify')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^✓ 1 run, 2 transitions in .* s: nothing wrong\n$/) as unknown,
    });
    const { out } = await world.coord('verify', run, '--json');
    expect(JSON.parse(out)).toMatchObject({ runs: 1, transitions: 2, faults: 0, found: [], leftovers: [] });
  });

  test('names the place where something is wrong, and ends with 1', async () => {
    const run = await waiting();
    const stored = world.contents.at(0).runs.get(run);
    if (stored === undefined) throw new Error('no run');
    stored.record = stored.record.replace('"settled":1', '"settled":7');
    const [, second] = stored.history;
    if (second === undefined) throw new Error('no second entry');
    stored.history[1] = { ...second, facts: second.facts.replace('step.working', 'step.walking') };
    world.contents.at(0).timers.set('retry|gone-1|a|1', 1);
    const { code, out } = await world.coord('verify');
    expect(code).toBe(1);
    expect(out).toContain(`✗ run ${run}\n`);
    expect(out).toContain(
      `    entry ${second.id} (version 2): facts[0].type should be "step.working", is "step.walking"\n`,
    );
    expect(out).toContain('    record.settled should be 1, is 7\n');
    expect(out).toContain('! the timer "retry|gone-1|a|1" is of run gone-1, which is not there\n');
    expect(out).toContain(': 1 with something wrong\n');
    const { faults, found } = JSON.parse((await world.coord('verify', '--json')).out) as {
      faults: number;
      found: { run: string; problems: object[] }[];
    };
    expect(faults).toBe(1);
    expect(found).toMatchObject([{ run, problems: [{ version: 2 }, { field: 'record.settled' }] }]);
  });

  test('a run that nobody knows is an error of whoever asks', async () => {
    expect(await world.coord('verify', 'nobody-1')).toMatchObject({
      code: 2,
      err: expect.stringContaining('RUN_NOT_FOUND') as unknown,
    });
  });
});

describe('coord migrate', () => {
  const next = workflow([step('a'), decision('ok', { dependencies: ['a'] }), step('ship', { dependencies: ['ok'] })], {
    name: 'w',
  });

  test('says what would become of each step, and changes nothing', async () => {
    const run = await waiting();
    world.workflows.set('next', next);
    const { code, out } = await world.coord('migrate', run, '--to', 'next', '--dry-run');
    expect(code).toBe(0);
    expect(out).toContain(`✓ run ${run} can go on with `);
    expect(out).toMatch(/^a +succeeded +keeps$/m);
    expect(out).toMatch(/^ok +waiting +keeps$/m);
    expect(out).toMatch(/^ship +pending +new$/m);
    expect((await world.client.history(run)).some(({ type }) => type === 'run.migrated')).toBe(false);
  });

  test('lets a run go on with another definition, and what is new is done', async () => {
    const run = await waiting();
    world.workflows.set('next', next);
    const { code, out } = await ended('migrate', run, '--to', 'next');
    expect(out).toContain(`✓ run ${run} goes on with `);
    expect(code).toBe(0);
    await world.client.decide(run, { step: 'ok', choice: 'approve', by: 'ada' });
    expect((await ended('watch', run)).code).toBe(0);
    const view = await world.client.get(run);
    expect(view.steps.map(({ id, status }) => [id, status])).toEqual([
      ['a', 'succeeded'],
      ['ok', 'succeeded'],
      ['ship', 'succeeded'],
    ]);
    expect((await world.coord('history', run)).out).toMatch(
      /run goes on with definition [0-9a-f]{8}, by \S+; 1 step new/,
    );
    expect((await world.coord('verify')).code).toBe(0);
  });

  test('what cannot be mapped is refused with the reason, for each run by itself', async () => {
    const run = await waiting();
    world.workflows.set('other', workflow([step('b')], { name: 'w' }));
    const refused = await ended('migrate', '--all-of', 'w', '--to', 'other');
    expect(refused.code).toBe(1);
    expect(refused.out).toContain(`✗ run ${run} stays as it is: `);
    expect(refused.out).toContain('step ok is waiting, and is not in the new definition');
    const dry = await world.coord('migrate', run, '--to', 'other', '--dry-run', '--json');
    expect(JSON.parse(dry.out)).toMatchObject([
      { run, outcome: 'refused', plan: { steps: [{ id: 'b', fate: 'new' }, { id: 'a' }, { id: 'ok', fate: 'gone' }] } },
    ]);
    expect((await world.client.get(run)).status).toBe('waiting');
    world.workflows.set('next', next);
    expect((await ended('migrate', '--all-of', 'w', '--to', 'next')).code).toBe(0);
    expect((await world.coord('migrate', '--all-of', 'nothing', '--to', 'next')).out).toBe('There are no such runs.\n');
  });

  test('is told which runs', async () => {
    world.workflows.set('next', next);
    for (const args of [[], ['w-1', '--all-of', 'w']])
      expect(await world.coord('migrate', ...args, '--to', 'next')).toMatchObject({
        code: 2,
        err: expect.stringContaining('name the runs') as unknown,
      });
    expect((await world.coord('migrate', 'w-1', '--to', 'next')).err).toContain('RUN_NOT_FOUND');
  });
});

describe('coord incidents', () => {
  test('says that nothing is lost', async () => {
    expect(await world.coord('incidents')).toMatchObject({
      code: 0,
      out: 'Nothing that was confirmed is known to be lost.\n',
    });
  });

  test('tells of each loss what it means, until it is acknowledged', async () => {
    await waiting();
    const copy = world.contents.copy();
    await world.client.signal(await anyRun(), { name: 'lost', by: 'ada' });
    await world.client.signal(await anyRun(), { name: 'lost', by: 'eve' });
    world.contents.restore(copy);
    await world.store.watermarks.check(0, 'host:1');
    const place = world.contents.at(0);
    place.dead.push({
      id: place.nextId(),
      entry: '',
      run: await anyRun(),
      reason: 'late',
      kind: 'late-reply',
      head: '{}',
      body: '{}',
      persona: '',
    });
    const { code, out } = await world.coord('incidents');
    expect(code).toBe(0);
    expect(out).toMatch(
      /✗ partition 0: history rolled back by \d+ changes? \(positions \d+ to \d+\)\n {4}noticed .* by host:1\n {4}1 reply came too late since, and is kept: coord dead\n/,
    );
    expect(out).toContain('with the same idempotency keys');
    expect(JSON.parse((await world.coord('incidents', '--json')).out)).toMatchObject([
      { partition: 0, by: 'host:1', lateReplies: [{}] },
    ]);
    expect((await world.coord('incidents', '--acknowledge')).out).toContain('They are acknowledged');
    expect((await world.coord('incidents')).out).toContain('Nothing that was confirmed');
  });

  async function anyRun(): Promise<string> {
    const [row] = await world.client.list();
    return row?.id ?? '';
  }
});
