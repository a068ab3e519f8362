/** `coord run` on a Redis with TLS and a user: it works, and the password appears nowhere but where it was given. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { COORD, killTree, start } from '../harness/process-tree.js';
import { until } from '../harness/redis-instance.js';
import { PASSWORD, type Standalone, startStandalone } from '../harness/topology.js';

let folder: string;
let single: Standalone;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coord-secret-'));
  single = await startStandalone({ secure: true });
});
afterEach(async () => {
  await killTree({ mark: `COORD_TEST_TREE=${folder}`, folder });
  await single.stop();
  rmSync(folder, { recursive: true, force: true });
});

const secrets = [PASSWORD, encodeURIComponent(PASSWORD)];
const tells = (text: string): boolean => secrets.some((secret) => text.includes(secret));

/**
 * Every process of this test but the one that was given the address: what anybody on the machine may read of it. A process that it has
 * just made has its line for a moment, before it is another program.
 */
function commandLines(but: number | undefined): readonly string[] {
  const lineOf = (pid: string): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  const given = lineOf(String(but));
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== but)
    .flatMap((pid) => {
      try {
        const ours = readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`COORD_TEST_TREE=${folder}`);
        return ours ? [lineOf(pid)].filter((line) => line !== given) : [];
      } catch {
        return [];
      }
    });
}

test('a password is in no list of processes, no log, no record and no message', async () => {
  const project = join(folder, 'project');
  mkdirSync(join(project, 'personas'), { recursive: true });
  mkdirSync(join(project, 'workflows'));
  const gate = join(folder, 'gate');
  const wait = `[sh, -c, "while [ ! -e '${gate}' ]; do sleep 0.05; done; echo done"]`;
  writeFileSync(
    join(project, 'personas/waiter.md'),
    `---\nkind: command\ncommand: ${wait}\noutput: text\n---\nWaits.\n`,
  );
  writeFileSync(join(project, 'workflows/wait.yml'), 'name: wait\nsteps:\n  - { id: one, persona: waiter }\n');
  const coord = (...args: string[]): ReturnType<typeof start> =>
    start([COORD, '-C', project, '--redis', single.address(), ...args], {
      cwd: project,
      env: { COORD_TEST_TREE: folder },
    });
  const run = coord('run', 'wait');
  await until('a host works in the background', () =>
    commandLines(run.child.pid).some((line) => line.includes('daemon')),
  );
  const lines = commandLines(run.child.pid);
  expect(lines.join('\n')).toContain('daemon');
  expect(lines.filter(tells)).toEqual([]);
  writeFileSync(gate, '');
  const ended = await run.ended;
  expect(ended.code).toBe(0);
  expect(ended.stderr).toContain('appendfsync everysec');
  const doctor = await coord('doctor').ended;
  expect(doctor.stdout).toContain(`at rediss://127.0.0.1:${String(single.server.port)}`);
  const wrong = await coord('list', '--redis', single.address().replace('@', 'x@')).ended;
  expect(wrong.stderr).toContain('REDIS_DENIED');
  for (const { stdout, stderr } of [ended, doctor, wrong]) expect(tells(stdout + stderr)).toBe(false);
  const kept = readdirSync(join(project, '.coord'), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  expect(kept.length).toBeGreaterThan(0);
  for (const { parentPath, name } of kept)
    expect([name, tells(readFileSync(join(parentPath, name), 'utf8'))]).toEqual([name, false]);
}, 60_000);
