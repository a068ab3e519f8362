/**
 * Agents that ignore signals, leave daemons, commit and leave files uncommitted are canceled, timed out, and lose their
 * worker; afterwards nothing of them is left but what they have committed. `COORD_TEST_SURVIVORS=200` for more of it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COORD, killTree, says, type Started, start } from '../harness/process-tree.js';
import { until } from '../harness/redis-instance.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';

const AT_ONCE = 4;
const WANTED = Number(process.env['COORD_TEST_SURVIVORS'] ?? '3');
const WAYS = ['cancel', 'timeout', 'worker killed'] as const;

let folder: string;
let server: TestServer;

/** Commits, leaves something uncommitted and staged, leaves daemons, and never ends by itself. */
const AGENT = `#!/bin/sh
trap '' TERM INT HUP
cat > /dev/null
echo '{"type":"system","subtype":"init","session_id":"s-1","model":"m"}'
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@x GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@x
echo "$COORD_RUN $COORD_ATTEMPT" > work.txt
git add work.txt && git commit -qm "work of $COORD_RUN" && git rev-parse HEAD >> FOLDER/commits
echo more > staged.txt && git add staged.txt
echo most > untracked.txt
setsid sh -c 'trap "" TERM HUP; sleep 3000' < /dev/null > /dev/null 2>&1 &
setsid sleep 3000 &
touch FOLDER/ready/$COORD_RUN.$COORD_ATTEMPT
while :; do sleep 3000 & wait; done
`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coord-survivors-'));
  for (const part of ['personas', 'workflows', 'ready', 'bin']) mkdirSync(join(folder, part));
  writeFileSync(join(folder, 'bin/claude'), AGENT.replaceAll('FOLDER', folder), { mode: 0o755 });
  writeFileSync(
    join(folder, 'personas/deaf.md'),
    `---\nkind: agent\nagent: claude\ncommand: [../bin/claude]\nconcurrency: ${String(AT_ONCE)}\n---\nWork.\n`,
  );
  writeFileSync(join(folder, 'workflows/long.yml'), 'name: long\nsteps:\n  - { id: one, persona: deaf }\n');
  writeFileSync(
    join(folder, 'workflows/timed.yml'),
    'name: timed\nsteps:\n  - { id: one, persona: deaf, timeout: 4, retries: 0 }\n',
  );
  writeFileSync(join(folder, '.gitignore'), 'ready\ncommits\n');
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('-c', 'user.name=u', '-c', 'user.email=u@x', 'commit', '-qm', 'first');
  server = await startTestServer();
});

afterAll(async () => {
  await killTree({ mark: `COORD_TEST_TREE=${folder}`, folder });
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

function git(...args: string[]): string {
  return execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8' }).trim();
}

function coord(...args: string[]): Started {
  const env = { COORD_TEST_TREE: folder, COORD_REDIS_URL: `unix:${server.server.socket}` };
  return start([COORD, '-C', folder, ...args], { cwd: folder, env });
}

async function aWorker(): Promise<Started> {
  const worker = coord('worker');
  await says(worker, 'serving partition 0');
  return worker;
}

async function begin(workflow: string, key: string): Promise<string> {
  const { stdout, stderr, code } = await coord('run', workflow, '--key', key, '--detach', '--json').ended;
  if (code !== 0) throw new Error(stderr);
  const { id, run } = JSON.parse(stdout) as { id?: string; run?: string };
  return id ?? run ?? '';
}

const working = (run: string, attempt: number): boolean =>
  existsSync(join(folder, 'ready', `${run}.${String(attempt)}`));

/** Processes that carry the marks of an attempt on this project, and are no zombies. */
function survivors(): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const environ = readFileSync(`/proc/${pid}/environ`, 'latin1');
      return environ.includes('COORD_TOKEN=') && environ.includes(`COORD_WORKSPACE=${folder}`);
    } catch {
      return false;
    }
  });
}

const attemptFiles = (): readonly string[] => {
  const place = join(folder, '.coord', 'attempts');
  return existsSync(place) ? readdirSync(place) : [];
};

test.runIf(process.platform === 'linux')(
  `${String(WANTED)} attempts that are ended leave nothing behind`,
  { timeout: 120_000 + WANTED * 10_000 },
  async () => {
    const daemon = coord('daemon');
    await says(daemon, 'is ours');
    let worker = await aWorker();
    for (let batch = 0, begun = 0; begun < WANTED; batch++) {
      const way = WAYS[batch % WAYS.length];
      const keys = Array.from(
        { length: Math.min(AT_ONCE, WANTED - begun) },
        (_, at) => `${String(batch)}-${String(at)}`,
      );
      begun += keys.length;
      if (way === 'timeout') {
        // Each is followed to its end.
        await Promise.all(keys.map((key) => coord('run', 'timed', '--key', key).ended));
        await until('timeout: nothing is left', () => survivors().length === 0, 60_000);
        continue;
      }
      const these = await Promise.all(keys.map((key) => begin('long', key)));
      await until('all work', () => these.every((run) => working(run, 1)), 60_000);
      expect(survivors().length, 'what is looked for is seen').toBeGreaterThanOrEqual(4 * these.length);
      if (way === 'worker killed') {
        worker.child.kill('SIGKILL');
        await worker.ended;
        worker = await aWorker();
        await until('all work again', () => these.every((run) => working(run, 2)), 60_000);
      }
      await Promise.all(these.map((run) => coord('cancel', run).ended));
      await until(`${way ?? ''}: nothing is left`, () => survivors().length === 0, 60_000);
    }

    const list = JSON.parse((await coord('list', '--json', '--limit', '1000').ended).stdout) as { status: string }[];
    expect(list.filter(({ status }) => status !== 'canceled' && status !== 'failed')).toEqual([]);
    expect(list).toHaveLength(WANTED);
    const worktrees = join(folder, '.coord', 'worktrees');
    const left = (): readonly string[] =>
      readdirSync(worktrees, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
    await until('the worktrees are gone', () => left().length === 0, 60_000);
    await until('the attempt files are gone', () => attemptFiles().length === 0);
    for (const program of [worker, daemon]) program.child.kill('SIGTERM');
    await Promise.all([worker.ended, daemon.ended]);

    expect(survivors()).toEqual([]);
    expect(attemptFiles()).toEqual([]);
    expect(git('worktree', 'list', '--porcelain').match(/^worktree /gm)).toHaveLength(1);
    const commits = readFileSync(join(folder, 'commits'), 'utf8').trim().split('\n');
    // On a busy machine one that has a timeout may not have come so far.
    const worked = readdirSync(join(folder, 'ready')).length;
    expect(worked).toBeGreaterThanOrEqual(WANTED / 2);
    expect(commits.length).toBeGreaterThanOrEqual(worked);
    expect(commits.filter((commit) => git('for-each-ref', '--count=1', `--contains=${commit}`) === '')).toEqual([]);
    expect(git('fsck', '--unreachable', '--no-reflogs').match(/^unreachable commit.*$/gm) ?? []).toEqual([]);
    expect(execFileSync('find', [join(folder, '.git'), '-name', '*.lock'], { encoding: 'utf8' })).toBe('');
    // What lay there uncommitted is kept as well.
    const kept = git('for-each-ref', '--format=%(refname)', 'refs/coord/').split('\n');
    expect(
      kept.filter((ref) => git('ls-tree', '--name-only', ref).includes('untracked.txt')).length,
    ).toBeGreaterThanOrEqual(worked);
  },
);
