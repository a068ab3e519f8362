/** Steering by the command line on a real redis-server, with kill -9 of everything between the commands. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunView } from '../../src/core/views.js';
import { COORD, type Ended, killTree, start } from '../harness/process-tree.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coord-steer-'));
  for (const part of ['workflows', 'personas']) mkdirSync(join(folder, part));
  writeFileSync(join(folder, 'personas/worker.md'), WORKER.replaceAll('HERE', folder));
  writeFileSync(join(folder, 'personas/worker.mjs'), PROGRAM.replaceAll('HERE', folder));
  writeFileSync(join(folder, 'workflows/chain.yml'), CHAIN);
});
afterEach(async () => {
  await killAll();
  rmSync(folder, { recursive: true, force: true });
});

const WORKER = `---
name: worker
kind: command
command: [node, HERE/personas/worker.mjs]
concurrency: 3
---
Does what it is asked.
`;

/** Fails in \`b\` while the file \`broken\` is there. */
const PROGRAM = `
import { existsSync, readFileSync } from 'node:fs';
const { step, attempt } = JSON.parse(readFileSync(0, 'utf8'));
const broken = step === 'b' && existsSync('HERE/broken');
console.log(JSON.stringify({ status: broken ? 'fail' : 'pass', result: attempt, ...(broken ? { error: 'broken' } : {}) }));
`;

const CHAIN = `
name: chain
steps:
  - { id: a, persona: worker }
  - { id: gate, type: wait, signal: go, dependencies: [a] }
  - { id: b, persona: worker, dependencies: [gate] }
  - { id: c, persona: worker, dependencies: [b] }
`;

const killAll = (): Promise<number> => killTree({ mark: `COORD_TEST_TREE=${folder}`, folder });

const coord = (...args: string[]): Promise<Ended> =>
  start([COORD, ...args], { cwd: folder, env: { COORD_TEST_TREE: folder } }).ended;

async function ok(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await coord(...args);
  expect(`${args.join(' ')} ${String(code)} ${code === 0 ? '' : stderr}`).toBe(`${args.join(' ')} 0 `);
  return stdout;
}

async function view(run: string): Promise<RunView> {
  return JSON.parse(await ok('show', run, '--json')) as RunView;
}

const statusesOf = ({ steps }: RunView): unknown => Object.fromEntries(steps.map(({ id, status }) => [id, status]));
const attemptsOf = ({ steps }: RunView): unknown => Object.fromEntries(steps.map(({ id, attempt }) => [id, attempt]));

/** All succeeded, `a` with its first attempt, and others with at least so many: one that was killed with its worker is asked again. */
async function againFrom(run: string, least: Readonly<Record<string, number>>): Promise<void> {
  const found = await view(run);
  expect(statusesOf(found)).toEqual({ a: 'succeeded', gate: 'succeeded', b: 'succeeded', c: 'succeeded' });
  expect(attemptsOf(found)).toMatchObject({ a: 1 });
  for (const { id, attempt } of found.steps) expect(attempt).toBeGreaterThanOrEqual(least[id] ?? 1);
}

/** Starts the run, which then waits for the signal. */
async function waiting(): Promise<string> {
  const { stdout } = await coord('run', 'chain', '--key', 'k', '--no-repo', '--until-waiting', '--json');
  return (JSON.parse(stdout) as RunView).id;
}

/** Everything dies, and somebody comes back to the run. */
async function killAndComeBack(run: string): Promise<void> {
  await killAll();
  await ok('up');
  expect(await view(run)).toMatchObject({ id: run });
}

test('pause, kill -9 of everything, a signal, kill -9, resume', { timeout: 60_000 }, async () => {
  const run = await waiting();
  await ok('pause', run, '--reason', 'a freeze', '--key', 'p');
  await killAndComeBack(run);
  // Said again, since nobody knows whether it was heard.
  await ok('pause', run, '--reason', 'a freeze', '--key', 'p');
  await ok('signal', run, 'go');
  expect((await coord('watch', run)).code).toBe(4);
  await killAndComeBack(run);
  expect(await view(run)).toMatchObject({ status: 'paused', paused: { reason: 'a freeze' } });
  await ok('resume', run);
  await killAndComeBack(run);
  await ok('run', 'chain', '--key', 'k', '--no-repo');
  expect(statusesOf(await view(run))).toEqual({ a: 'succeeded', gate: 'succeeded', b: 'succeeded', c: 'succeeded' });
  expect(attemptsOf(await view(run))).toMatchObject({ a: 1 });
  await ok('verify');
});

/** A run that has failed in `b`. */
async function failedRun(): Promise<string> {
  writeFileSync(join(folder, 'broken'), '');
  const run = await waiting();
  await ok('signal', run, 'go');
  expect((await coord('run', 'chain', '--key', 'k', '--no-repo')).code).toBe(1);
  expect(statusesOf(await view(run))).toEqual({ a: 'succeeded', gate: 'succeeded', b: 'failed', c: 'skipped' });
  return run;
}

test('a failed run, kill -9 of everything, retry, kill -9', { timeout: 60_000 }, async () => {
  const run = await failedRun();
  await killAndComeBack(run);
  rmSync(join(folder, 'broken'));
  await ok('retry', run, '--reason', 'it is repaired', '--key', 'r');
  await killAndComeBack(run);
  await ok('run', 'chain', '--key', 'k', '--no-repo');
  await againFrom(run, { b: 2 });
  expect(await ok('history', run)).toContain('it is repaired');
  await ok('verify');
});

// Much like retry: with COORD_TEST_EVERY_STEP=1.
test.each(process.env['COORD_TEST_EVERY_STEP'] === undefined ? [] : ['skip'])(
  'a failed run, kill -9 of everything, %s, kill -9',
  { timeout: 60_000 },
  async () => {
    const run = await failedRun();
    await killAndComeBack(run);
    await ok('skip', run, 'b', '--reason', 'not needed');
    await killAndComeBack(run);
    await ok('run', 'chain', '--key', 'k', '--no-repo');
    expect(statusesOf(await view(run))).toEqual({ a: 'succeeded', gate: 'succeeded', b: 'skipped', c: 'succeeded' });
    await ok('verify');
  },
);

test('a completed run, kill -9 of everything, restart, kill -9', { timeout: 60_000 }, async () => {
  const run = await waiting();
  await ok('signal', run, 'go');
  await ok('run', 'chain', '--key', 'k', '--no-repo');
  await killAndComeBack(run);
  expect((await coord('restart', run, '--from', 'bb')).stderr).toContain('there is no step "bb". Did you mean "b"?');
  await ok('restart', run, '--from', 'b');
  await killAndComeBack(run);
  await ok('run', 'chain', '--key', 'k', '--no-repo');
  await againFrom(run, { b: 2, c: 2 });
  await ok('verify');
});

test('a failed run, kill -9 of everything, fork, kill -9', { timeout: 60_000 }, async () => {
  const run = await failedRun();
  await killAndComeBack(run);
  rmSync(join(folder, 'broken'));
  const fork = ['fork', run, '--from', 'b', '--key', 'f'] as const;
  const forked = /run (\S+) from step b/.exec(await ok(...fork))?.[1] ?? '';
  await killAndComeBack(run);
  expect(await ok(...fork)).toContain(`This key has started run ${forked}`);
  await ok('watch', forked);
  await againFrom(forked, {});
  expect(statusesOf(await view(run))).toMatchObject({ b: 'failed' });
  expect(await ok('diff', run, forked)).toMatch(/^b +failed +succeeded/m);
  await ok('verify');
});
