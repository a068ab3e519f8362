/** The real programs as a team runs them: one daemon, two workers, a terminal, each a process of its own, on one Redis. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunView } from '../../src/core/views.js';
import { COORD, killTree, says, type Started, start, TOP } from '../harness/process-tree.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';

let folder: string;
let repository: string;
let server: TestServer;
let env: Record<string, string>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coord-team-'));
  repository = join(folder, 'repository');
  cpSync(join(TOP, 'examples/shopping-cart/project'), repository, { recursive: true });
  const git = (...args: string[]): void =>
    void execFileSync('git', ['-C', repository, '-c', 'user.name=t', '-c', 'user.email=t@t', ...args]);
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--message=first');
  server = await startTestServer();
  env = {
    COORD_TEST_TREE: folder,
    COORD_REDIS_URL: `unix:${server.server.socket}`,
    EFFECTS_FILE: join(folder, 'effects'),
  };
});
afterEach(async () => {
  await killTree({ mark: `COORD_TEST_TREE=${folder}`, folder });
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const PERSONAS = ['--personas', join(TOP, 'examples/shopping-cart/personas')];
const coord = (...args: string[]): Started => start([COORD, ...args], { cwd: repository, env });

describe('a daemon and two workers', () => {
  test('run the project loop to its end for a terminal that only watches', async () => {
    const daemon = coord('daemon');
    await says(daemon, 'is ours');
    const workers = [coord('worker', ...PERSONAS), coord('worker', ...PERSONAS)];
    await Promise.all(workers.map((worker) => says(worker, 'serving partition 0')));
    const task = join(TOP, 'examples/shopping-cart/task.yml');
    const ended = await coord('run', 'project-loop', '--task', task, ...PERSONAS, '--json').ended;
    expect(ended.stderr).toBe('');
    expect(ended.code).toBe(0);
    const view = JSON.parse(ended.stdout) as RunView & { exitCode: number };
    expect(view).toMatchObject({ status: 'completed', workflow: 'project-loop', exitCode: 0 });
    expect(view.steps.map(({ id, status, attempt }) => [id, status, attempt])).toEqual(
      ['planning', 'plan-evaluation', 'implementation', 'qa', 'code-review', 'security-review'].map((id) => [
        id,
        'succeeded',
        1,
      ]),
    );
    // Nobody but the two workers did the work, and the terminal started no host of its own.
    const served = new Set(view.steps.map((step) => step.worker?.split(':')[1]));
    const pids = new Set(workers.map((worker) => String(worker.child.pid)));
    expect([...served].every((pid) => pids.has(pid ?? ''))).toBe(true);
    // Each persona was asked once, and the two reviews were asked for by one transition.
    const effects = readFileSync(join(folder, 'effects'), 'utf8').trim().split('\n');
    expect(effects.filter((line) => line.endsWith('begin'))).toHaveLength(6);
    const [first, second] = view.steps.slice(-2);
    expect(first?.queuedAt).toBe(second?.queuedAt);
    const commits = execFileSync(
      'git',
      ['-C', repository, 'log', '--format=%s', `main..${view.workspace?.branch ?? ''}`],
      { encoding: 'utf8' },
    );
    expect(commits).toContain('implementation: lead-engineer');
    const status = execFileSync('git', ['-C', repository, 'status', '--porcelain'], { encoding: 'utf8' });
    expect(status).toBe('');
    for (const program of [...workers, daemon]) program.child.kill('SIGTERM');
    expect(await Promise.all([...workers, daemon].map(async (program) => (await program.ended).code))).toEqual([
      0, 0, 0,
    ]);
  });

  test('two runs on one repository work side by side without touching each other', async () => {
    const daemon = coord('daemon');
    await says(daemon, 'is ours');
    const worker = coord('worker', ...PERSONAS);
    await says(worker, 'serving partition 0');
    const task = join(TOP, 'examples/shopping-cart/task.yml');
    const run = (who: string): Promise<{ code: number | null; stdout: string }> =>
      coord('run', 'project-loop', '--task', task, '--set', `who=${who}`, ...PERSONAS, '--json').ended;
    const [first, second] = await Promise.all([run('ada'), run('bob')]);
    expect([first.code, second.code]).toEqual([0, 0]);
    const branches = [first, second].map(({ stdout }) => (JSON.parse(stdout) as RunView).workspace?.branch);
    expect(new Set(branches).size).toBe(2);
    expect(
      execFileSync('git', ['-C', repository, 'rev-parse', '--abbrev-ref', 'HEAD'], { encoding: 'utf8' }).trim(),
    ).toBe('main');
  });
});
