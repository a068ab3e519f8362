import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLook } from '../../src/app/watched.js';
import { systemClock } from '../../src/core/clock.js';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'coord-watched-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

describe('what a schedule watches', () => {
  test('files: those that fit, by their content', async () => {
    const look = createLook(systemClock);
    const seen = (files: string): ReturnType<typeof look> =>
      look({ trigger: { kind: 'files', files, folder }, repo: null });
    put('docs/a.md', 'a');
    put('docs/x/b.md', 'b');
    put('docs/x/c.txt', 'c');
    put('node_modules/d.md', 'd');
    const before = await seen('docs/**/*.md');
    expect(Object.keys(before)).toEqual(['docs/a.md', 'docs/x/b.md']);
    expect(Object.keys(await seen('**/*.md'))).toEqual(['docs/a.md', 'docs/x/b.md']);
    // Written again with the same content, it is the same.
    put('docs/a.md', 'a');
    expect(await seen('docs/**/*.md')).toEqual(before);
    put('docs/a.md', 'other');
    const after = await seen('docs/**/*.md');
    expect(after['docs/a.md']).not.toBe(before['docs/a.md']);
    expect(after['docs/x/b.md']).toBe(before['docs/x/b.md']);
    expect(await seen('none/*.md')).toEqual({});
  });

  test('a folder that is not there, and more files than can be remembered, are refused', async () => {
    const look = createLook(systemClock);
    const trigger = { kind: 'files', files: '*', folder: join(folder, 'gone') } as const;
    await expect(look({ trigger, repo: null })).rejects.toMatchObject({ code: 'WORKSPACE_INVALID' });
    for (let count = 0; count <= 500; count++) put(`f${String(count)}`, '');
    await expect(look({ trigger: { ...trigger, folder }, repo: null })).rejects.toThrow('more than 500 files');
  });

  test('a branch: the commit that it stands at, nothing while there is none', async () => {
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { encoding: 'utf8' });
    git('init', '--quiet', '--initial-branch=main');
    put('a', 'a');
    git('add', '--all');
    git('commit', '--quiet', '--message=first');
    const look = createLook(systemClock);
    const seen = (branch: string): ReturnType<typeof look> =>
      look({ trigger: { kind: 'branch', branch }, repo: folder });
    expect(await seen('main')).toEqual({ main: git('rev-parse', 'HEAD').trim() });
    expect(await seen('other')).toEqual({});
    const gone = { trigger: { kind: 'branch', branch: 'main' }, repo: join(folder, 'gone') } as const;
    await expect(look(gone)).rejects.toMatchObject({ code: 'WORKSPACE_INVALID' });
  });
});
