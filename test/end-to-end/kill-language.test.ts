/**
 * kill -9 of everything in the middle of a run that loops, fans out, holds a run inside and waits for its turn; then the
 * same command again. Whatever is derived in memory is lost each time, and the run comes to the same end.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Fact } from '../../src/core/facts.js';
import { COORD, fileOrEnd, killTree, start } from '../harness/process-tree.js';

/** As in kill-everything.test.ts; `COORD_KILL_LANGUAGE` names others. */
const MOMENTS = process.env['COORD_KILL_LANGUAGE']?.split(',') ?? [
  'before:commit:1',
  'after:commit:3',
  'before:reply:4',
  'after:reply:8',
];

const WORKER = `---
name: worker
kind: command
command: [node, personas/worker.mjs]
concurrency: 3
---
Does what it is asked.
`;

const PROGRAM = `
import { readFileSync } from 'node:fs';
const { step, params } = JSON.parse(readFileSync(0, 'utf8'));
const status = params.round < params.until ? 'fail' : 'pass';
console.log(JSON.stringify({ status, result: params.item ?? step, ...(status === 'fail' ? { error: 'not yet' } : {}) }));
`;

const OUTER = `
name: outer
concurrency: 1
steps:
  - id: fix
    type: loop
    max_rounds: 3
    until: steps.check.status === 'pass'
    steps:
      - { id: work, persona: worker }
      - { id: check, persona: worker, dependencies: [work], on_error: continue, params: { round: "{{ loop.round }}", until: 2 } }
  - id: each
    type: for_each
    dependencies: [fix]
    items: [a, b, c]
    concurrency: 2
    steps:
      - { id: one, persona: worker, params: { item: "{{ loop.item }}" } }
  - { id: inside, type: workflow, workflow: inner, dependencies: [each] }
  - { id: save, type: git-operation, operation: commit, message: all of it, dependencies: [inside] }
result: { items: "{{ steps.each.result }}", inside: "{{ steps.inside.result }}" }
`;

const INNER = `
name: inner
steps:
  - { id: first, persona: worker }
  - { id: second, persona: worker, dependencies: [first] }
`;

const SUCCEEDED = [
  'each',
  'each[0]/one',
  'each[1]/one',
  'each[2]/one',
  'fix',
  'fix[1]/work',
  'fix[2]/check',
  'fix[2]/work',
  'inside',
  'save',
];

function project(folder: string): string {
  const work = join(folder, 'work');
  for (const part of ['workflows', 'personas']) mkdirSync(join(work, part), { recursive: true });
  writeFileSync(join(work, 'personas/worker.md'), WORKER);
  writeFileSync(join(work, 'personas/worker.mjs'), PROGRAM);
  writeFileSync(join(work, 'workflows/outer.yml'), OUTER);
  writeFileSync(join(work, 'workflows/inner.yml'), INNER);
  const git = (...args: string[]): unknown => execFileSync('git', ['-C', work, ...args]);
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('-c', 'user.name=test', '-c', 'user.email=test@example.org', 'commit', '-qm', 'start');
  return work;
}

describe('kill -9 in the middle of everything the language can do', () => {
  test.each(MOMENTS)(
    '%s',
    async (moment) => {
      const folder = mkdtempSync(join(tmpdir(), 'coord-kill-language-'));
      const mark = `COORD_TEST_TREE=${folder}`;
      const hit = join(folder, 'hit');
      const env = { COORD_TEST_TREE: folder };
      const command: [string, ...string[]] = [COORD, 'run', 'outer', '--key', 'once'];
      try {
        const work = project(folder);
        const failing = { ...env, COORD_FAILPOINTS: `${moment}:kill`, COORD_FAILPOINT_LOG: hit };
        const first = start(command, { cwd: work, env: failing });
        expect(await fileOrEnd(hit, first), 'the failpoint is passed').toBe('file');
        await killTree({ mark, folder });
        const again = await start(command, { cwd: work, env }).ended;
        expect(again.stderr + again.stdout).toContain('completed');
        expect(again.code).toBe(0);

        const coord = (...args: string[]): string =>
          execFileSync(COORD, ['-C', work, ...args], { encoding: 'utf8', env: { ...process.env, ...env } });
        const run = (JSON.parse(coord('list', '--json')) as { id: string }[])[0]?.id ?? '';
        const shown = JSON.parse(coord('show', run, '--json')) as { result: unknown; steps: { run: string | null }[] };
        expect(shown.result).toEqual({ items: ['a', 'b', 'c'], inside: 'second' });
        const facts = coord('history', run, '--json')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Fact);
        const succeeded = facts.filter((fact) => fact.type === 'step.succeeded').map((fact) => fact.step);
        expect(succeeded.toSorted()).toEqual(SUCCEEDED);
        const inside = shown.steps.flatMap((step) => step.run ?? []);
        expect(inside).toHaveLength(1);
        expect(JSON.parse(coord('show', inside[0] ?? '', '--json'))).toMatchObject({ status: 'completed' });
      } finally {
        await killTree({ mark, folder });
        rmSync(folder, { recursive: true, force: true });
      }
    },
    60_000,
  );
});
