import { beforeEach, expect, test } from 'vitest';
import { step, workflow } from '../../harness/definitions.js';
import { PASS, rejected, World } from '../world.js';

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

async function run(key: string): Promise<string> {
  const { out } = await ended('run', 'w', '--key', key);
  return /Started run (\S+)/.exec(out)?.[1] ?? '';
}

test('coord diff says of each step in what two runs differ, and of both as a whole', async () => {
  const steps = [step('a'), step('b', { dependencies: ['a'] }), step('c', { dependencies: ['b'] })];
  world.workflows.set('w', workflow(steps, { name: 'w' }));
  world.answer = async ({ step: id }, bench) =>
    id === 'b' ? { ...PASS, result: 1, artifacts: [await bench.artifact('notes', 'one')] } : PASS;
  const first = await run('1');
  world.answer = async ({ step: id }, bench) =>
    id === 'b'
      ? { ...PASS, result: 2, artifacts: [await bench.artifact('notes', 'two')] }
      : id === 'c'
        ? rejected('no')
        : PASS;
  const second = await run('2');
  const { code, out } = await world.coord('diff', first, second);
  expect(code).toBe(0);
  const rows = out.split('\n').map((line) => line.trim().split(/ {2,}/));
  expect(rows.slice(0, 4)).toEqual([
    ['STEP', first, second],
    ['a', 'succeeded', 'succeeded', 'the same'],
    ['b', 'succeeded', 'succeeded', 'other result, artifacts (notes)'],
    ['c', 'succeeded', 'failed', 'other status'],
  ]);
  expect(out).toContain('As a whole: other status.\n');
  const json = JSON.parse((await world.coord('diff', first, first, '--json')).out) as {
    differs: [];
    steps: { differs: [] }[];
  };
  expect([json.differs, ...json.steps.map(({ differs }) => differs)]).toEqual([[], [], [], []]);
  expect(await world.coord('diff', first, 'nobody-1')).toMatchObject({
    code: 2,
    err: expect.stringContaining('RUN_NOT_FOUND') as unknown,
  });
});
