/** redis-server dies under a run, or is stopped under one: what the person at the terminal gets. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { managedServer, serverPid } from '../../src/redis/managed-server.js';
import { COORD, killTree, type Started, start } from '../harness/process-tree.js';

let folder: string;
let project: string;
let gate: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coord-redis-'));
  project = join(folder, 'project');
  gate = join(folder, 'gate');
  mkdirSync(join(project, 'personas'), { recursive: true });
  mkdirSync(join(project, 'workflows'));
  const wait = `[sh, -c, "while [ ! -e '${gate}' ]; do sleep 0.05; done; echo done"]`;
  writeFileSync(
    join(project, 'personas/waiter.md'),
    `---\nkind: command\ncommand: ${wait}\noutput: text\n---\nWaits.\n`,
  );
  writeFileSync(
    join(project, 'workflows/wait.yml'),
    'name: wait\nsteps:\n  - { id: one, persona: waiter }\n  - { id: two, persona: waiter, dependencies: [one] }\n',
  );
});
afterEach(async () => {
  await killTree({ mark: `COORD_TEST_TREE=${folder}`, folder });
  rmSync(folder, { recursive: true, force: true });
});

const coord = (...args: string[]): Started =>
  start([COORD, '-C', project, ...args], { cwd: project, env: { COORD_TEST_TREE: folder } });

async function prints(program: Started, text: string): Promise<void> {
  let heard = '';
  await new Promise<void>((resolve, reject) => {
    for (const stream of [program.child.stdout, program.child.stderr]) {
      stream?.on('data', (chunk: string) => {
        heard += chunk;
        if (heard.includes(text)) resolve();
      });
    }
    void program.ended.then(() => reject(new Error(`ended before it printed "${text}": ${heard}`)));
  });
}

describe('the private server', () => {
  test('is started again when it dies under a run, and the run completes with every step done once', async () => {
    const run = coord('run', 'wait');
    await prints(run, 'one working');
    const pid = await serverPid(managedServer(join(project, '.coord')));
    process.kill(pid ?? 0, 'SIGKILL');
    writeFileSync(gate, '');
    const ended = await run.ended;
    expect(ended.code).toBe(0);
    expect(ended.stdout.match(/succeeded/g)).toHaveLength(2);
  });

  test('that is stopped under a run ends the watching with a word, and watching again goes on with the run', async () => {
    const run = coord('run', 'wait');
    const end = run.ended;
    await prints(run, 'one working');
    expect((await coord('down').ended).code).toBe(0);
    const ended = await end;
    const id = /run (wait-\w+)/.exec(ended.stdout)?.[1] ?? '';
    expect(ended.stderr).toContain(
      `the private Redis of the project was stopped; \`coord watch ${id}\` starts it and goes on with the run`,
    );
    expect(ended.code).toBe(1);
    writeFileSync(gate, '');
    const watched = await coord('watch', id).ended;
    expect(watched.stdout).toContain('run completed');
    expect(watched.code).toBe(0);
    const facts = execFileSync(COORD, ['-C', project, 'history', id], {
      encoding: 'utf8',
      env: { ...process.env, COORD_TEST_TREE: folder },
    });
    expect(facts).toContain('WORKER_LOST the worker was stopped');
  });
});
