import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { EXAMPLE } from './repository.js';

let top: string;
let example: string;

/** A copy of the example beside a `coord` that only says how it was called. */
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'coord-example-')));
  onTestFinished(() => rmSync(top, { recursive: true, force: true }));
  example = join(top, 'examples/shopping-cart');
  cpSync(EXAMPLE, example, { recursive: true, filter: (path) => path !== join(EXAMPLE, 'work') });
  mkdirSync(join(top, 'bin'));
  writeFileSync(join(top, 'bin/coord'), '#!/bin/sh\npwd -P\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
});

function run(
  args: readonly string[] = [],
  directory?: string,
): { code: number | null; lines: string[]; error: string } {
  const env = { ...process.env, HOME: top, ...(directory === undefined ? {} : { COORD_EXAMPLE_DIR: directory }) };
  const done = spawnSync(join(example, 'run'), args, { encoding: 'utf8', env, cwd: tmpdir() });
  return { code: done.status, lines: done.stdout.trimEnd().split('\n'), error: done.stderr };
}

const commits = (folder: string): string =>
  execFileSync('git', ['-C', folder, 'log', '--format=%H'], { encoding: 'utf8' });

it('makes a clean repository of the project, starts coord in it, and keeps it the next time', () => {
  const work = join(example, 'work');
  const call = [
    work,
    'run',
    'project-loop',
    '--task',
    join(example, 'task.yml'),
    '--json',
    '--personas',
    join(example, 'personas'),
  ];
  expect(run(['--json'])).toEqual({ code: 0, lines: call, error: '' });
  expect(execFileSync('git', ['-C', work, 'status', '--porcelain', '--branch'], { encoding: 'utf8' })).toBe(
    '## main\n',
  );
  const first = commits(work);
  writeFileSync(join(work, 'mark'), '');
  expect(run(['--json']).lines).toEqual(call);
  expect(commits(work)).toBe(first);
  expect(existsSync(join(work, 'mark'))).toBe(true);
  run(['--fresh']);
  expect(existsSync(join(work, 'mark'))).toBe(false);
});

it('puts the broken personas first when asked to', () => {
  const call = run(['--broken']).lines;
  expect(call.slice(5)).toEqual([
    '--personas',
    join(example, 'broken-personas'),
    '--personas',
    join(example, 'personas'),
  ]);
});

it('works in the folder of COORD_EXAMPLE_DIR, and never in one that it has not made', () => {
  const own = join(top, 'elsewhere');
  expect(run([], own).lines[0]).toBe(own);
  const foreign = join(top, 'bin');
  const refused = run(['--fresh'], foreign);
  expect(refused.code).toBe(2);
  expect(refused.error).toContain(`${foreign} exists and was not made by this example`);
  expect(existsSync(join(foreign, 'coord'))).toBe(true);
});
