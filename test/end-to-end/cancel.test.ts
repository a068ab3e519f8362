/** `coord cancel` says when the last process is gone: of a persona that does not care for SIGTERM, nor does what it started. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { COORD, killTree, type Started, start } from '../harness/process-tree.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';

let folder: string;
let server: TestServer;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coord-cancel-'));
  for (const part of ['personas', 'workflows']) mkdirSync(join(folder, part));
  writeFileSync(
    join(folder, 'deaf.sh'),
    `trap '' TERM; (trap '' TERM; while :; do sleep 0.1; done) & echo $! $$ > ${folder}/pids.new; mv ${folder}/pids.new ${folder}/pids; wait`,
  );
  writeFileSync(
    join(folder, 'personas/deaf.md'),
    `---\nname: deaf\nkind: command\ncommand: [sh, ${folder}/deaf.sh]\noutput: text\n---\n`,
  );
  writeFileSync(join(folder, 'workflows/deaf.yml'), 'name: deaf\nsteps:\n  - { id: one, persona: deaf }\n');
  server = await startTestServer();
});
afterEach(async () => {
  await killTree({ mark: `COORD_TEST_TREE=${folder}`, folder });
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

function coord(...args: string[]): Started {
  const env = { COORD_TEST_TREE: folder, COORD_REDIS_URL: `unix:${server.server.socket}` };
  return start([COORD, '-C', folder, ...args], { cwd: folder, env });
}

/** A run whose persona works, with the worker and the processes of it. */
async function working(): Promise<{ run: string; worker: Started; pids: readonly number[] }> {
  const daemon = coord('daemon');
  await says(daemon, 'is ours');
  const worker = coord('worker');
  await says(worker, 'serving partition 0');
  const { stdout } = await coord('run', 'deaf', '--no-repo', '--detach', '--json').ended;
  const file = join(folder, 'pids');
  while (!existsSync(file)) await systemClock.sleep(20);
  const { id, run } = JSON.parse(stdout) as { id?: string; run?: string };
  return { run: id ?? run ?? '', worker, pids: readFileSync(file, 'utf8').trim().split(' ').map(Number) };
}

/** Whether it runs; one that is dead may still lie there until somebody takes note of it. */
function lives(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${String(pid)}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** Resolves when the program has said so on its log. */
async function says(program: Started, text: string): Promise<void> {
  let heard = '';
  await new Promise<void>((resolve) => {
    program.child.stdout?.on('data', (chunk: string) => {
      heard += chunk;
      if (heard.includes(text)) resolve();
    });
  });
}

test('it waits until the group is dead, or not with --no-wait', { timeout: 60_000 }, async () => {
  const { run, pids } = await working();
  const quick = await coord('cancel', run, '--no-wait').ended;
  expect(quick).toMatchObject({ code: 0, stderr: '' });
  expect(pids.map(lives)).toEqual([true, true]);
});

test('it says when the last process is gone', { timeout: 60_000 }, async () => {
  const { run, worker, pids } = await working();
  const { code, stderr } = await coord('cancel', run).ended;
  expect(pids.map(lives)).toEqual([false, false]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/ is canceled; the last process \(worker on \S+, pid \d+\) is gone after [\d.]+ s\.\n$/);
  expect(stderr).toContain(`pid ${String(worker.child.pid)}`);
});

test('it says of a worker that does not answer that nobody knows', { timeout: 60_000 }, async () => {
  const { run, worker } = await working();
  worker.child.kill('SIGSTOP');
  const { code, stderr } = await coord('cancel', run).ended;
  expect(code).toBe(0);
  expect(stderr).toContain('so nobody can say whether its processes are gone');
});
