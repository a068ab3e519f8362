/**
 * kill -9 of everything at once (coord, its host, its redis-server, the personas) at a chosen round trip to Redis,
 * then the same command again: the run goes on from its last commit and completes, with each result recorded once.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Fact } from '../../src/core/facts.js';
import { COORD, fileOrEnd, killTree, start, TOP } from '../harness/process-tree.js';

/**
 * `name:nth`: before or after the nth round trip of that name in the process that makes it. For a sweep over all of
 * them: `COORD_KILL_MOMENTS="*:1,*:2,…" npx vitest run test/end-to-end/kill-everything.test.ts`.
 */
const MOMENTS = process.env['COORD_KILL_MOMENTS']?.split(',') ?? [
  'after:acquire:1',
  'before:XREAD:3',
  'before:commit:1',
  'after:commit:1',
  'before:begin:1',
  'before:reply:1',
  'after:reply:1',
  'after:commit:2',
];

const STEPS = ['planning', 'plan-evaluation', 'implementation', 'qa', 'code-review', 'security-review'];
const rows: Record<string, string>[] = [];

describe('kill -9 of everything, then the same command again', () => {
  afterAll(() => {
    console.table(rows);
  });

  test.each(MOMENTS)(
    '%s',
    async (moment) => {
      const folder = mkdtempSync(join(tmpdir(), 'coord-kill-'));
      const mark = `COORD_TEST_TREE=${folder}`;
      const effects = join(folder, 'effects');
      const work = join(folder, 'work');
      const hit = join(folder, 'hit');
      const env = { COORD_TEST_TREE: folder, COORD_EXAMPLE_DIR: work, EFFECTS_FILE: effects };
      const command = [join(TOP, 'examples/shopping-cart/run')] as const;
      try {
        const first = start([...command], {
          cwd: folder,
          env: { ...env, COORD_FAILPOINTS: `${moment}:kill`, COORD_FAILPOINT_LOG: hit },
        });
        expect(await fileOrEnd(hit, first), 'the failpoint is passed').toBe('file');
        const killed = await killTree({ mark, folder });
        const again = await start([...command], { cwd: folder, env }).ended;
        expect(again.stderr + again.stdout).toContain('completed');
        expect(again.code).toBe(0);

        const coord = (...args: string[]): string =>
          execFileSync(COORD, ['-C', work, ...args], { encoding: 'utf8', env: { ...process.env, ...env } });
        const runs = JSON.parse(coord('list', '--json')) as { id: string; status: string }[];
        expect(runs.map((run) => run.status)).toEqual(['completed']);
        const facts = coord('history', runs[0]?.id ?? '', '--json')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Fact);
        const succeeded = facts.filter((fact) => fact.type === 'step.succeeded').map((fact) => fact.step);
        expect(succeeded.toSorted()).toEqual(STEPS.toSorted());
        expect(facts.filter((fact) => fact.type === 'run.completed')).toHaveLength(1);
        const commits = execFileSync('git', ['-C', work, 'log', '--format=%s', `main..coord/${runs[0]?.id ?? ''}`], {
          encoding: 'utf8',
        });
        expect(commits).toContain('implementation: lead-engineer');

        const begun = readFileSync(effects, 'utf8')
          .split('\n')
          .filter((line) => line.endsWith(' begin'));
        const tries = facts.filter((fact) => fact.type === 'step.working').length;
        // What was physically begun more than once stands in the history as a further attempt, never hidden.
        expect(begun.length).toBeLessThanOrEqual(tries);
        rows.push({
          moment,
          killed: String(killed),
          'personas begun': String(begun.length),
          'attempts in history': String(tries),
          repeated: String(begun.length - STEPS.length),
        });
      } finally {
        await killTree({ mark, folder });
        rmSync(folder, { recursive: true, force: true });
      }
    },
    60_000,
  );
});
