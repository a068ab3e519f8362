/**
 * kill -9 of everything around the granting and the giving back of a lock that two runs want, then the same commands
 * again: each run has its turn, neither is ever inside together with the other, and the lock is free in the end.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { COORD, fileOrEnd, killTree, start } from '../harness/process-tree.js';

/** As in kill-everything.test.ts; `COORD_KILL_LOCKS` names others. */
const MOMENTS = process.env['COORD_KILL_LOCKS']?.split(',') ?? ['after:lock:1', 'after:postpone:1', 'after:unlock:1'];

const worker = (program: string): string => `---
name: worker
kind: command
command: [node, ${program}]
concurrency: 4
---
Does what it is asked.
`;

/** Whoever is inside writes its name; what lies there is of who died inside, and only the same run may come after it. */
const program = (inside: string): string => `
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
const { run } = JSON.parse(readFileSync(0, 'utf8'));
const inside = ${JSON.stringify(inside)};
if (existsSync(inside) && readFileSync(inside, 'utf8') !== run) appendFileSync(inside + '.together', run + '\\n');
writeFileSync(inside, run);
await new Promise((resolve) => setTimeout(resolve, 1_200));
if (readFileSync(inside, 'utf8') !== run) appendFileSync(inside + '.together', run + '\\n');
rmSync(inside);
console.log(JSON.stringify({ status: 'pass' }));
`;

const WORKFLOW = `
name: locked
steps:
  - { id: take, type: lock, lock: "repo/{{ task.repo }}" }
  - { id: work, persona: worker, dependencies: [take] }
`;

describe('kill -9 around a lock', () => {
  test.each(MOMENTS)(
    '%s',
    async (moment) => {
      const folder = mkdtempSync(join(tmpdir(), 'coord-kill-locks-'));
      const mark = `COORD_TEST_TREE=${folder}`;
      const hit = join(folder, 'hit');
      const inside = join(folder, 'inside');
      const env = { COORD_TEST_TREE: folder };
      const work = join(folder, 'work');
      const run = (key: string): [string, ...string[]] => [
        COORD,
        'run',
        'locked',
        '--key',
        key,
        '--task',
        '{"repo":"one"}',
      ];
      try {
        for (const part of ['workflows', 'personas']) mkdirSync(join(work, part), { recursive: true });
        writeFileSync(join(work, 'personas/worker.md'), worker(join(work, 'personas/worker.mjs')));
        writeFileSync(join(work, 'personas/worker.mjs'), program(inside));
        writeFileSync(join(work, 'workflows/locked.yml'), WORKFLOW);
        const failing = { ...env, COORD_FAILPOINTS: `${moment}:kill`, COORD_FAILPOINT_LOG: hit };
        const first = start(run('a'), { cwd: work, env: failing });
        const second = start(run('b'), { cwd: work, env: failing });
        const both = Promise.all([first.ended, second.ended]).then(([ended]) => ended);
        expect(await fileOrEnd(hit, { child: first.child, ended: both }), 'the failpoint is passed').toBe('file');
        await killTree({ mark, folder });
        const again = await Promise.all(
          [run('a'), run('b')].map((command) => start(command, { cwd: work, env }).ended),
        );
        for (const { code, stdout, stderr } of again)
          expect({ code, text: stderr + stdout }).toMatchObject({ code: 0 });
        const coord = (...args: string[]): string =>
          execFileSync(COORD, ['-C', work, ...args], { encoding: 'utf8', env: { ...process.env, ...env } });
        const runs = JSON.parse(coord('list', '--json')) as { status: string }[];
        expect(runs.map(({ status }) => status)).toEqual(['completed', 'completed']);
        expect(existsSync(`${inside}.together`) ? readFileSync(`${inside}.together`, 'utf8') : '').toBe('');
        expect(JSON.parse(coord('locks', '--json'))).toMatchObject({ locks: [] });
        expect(coord('verify')).toContain('2');
      } finally {
        await killTree({ mark, folder });
        rmSync(folder, { recursive: true, force: true });
      }
    },
    90_000,
  );
});
