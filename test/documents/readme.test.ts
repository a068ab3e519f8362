import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TOP } from '../harness/process-tree.js';

const readme = readFileSync(join(TOP, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/```(\w+)\n([\s\S]*?)```/g)].map((match) => ({
  language: match[1],
  text: match[2] ?? '',
}));

describe('README.md', () => {
  test('opens with two commands of one line each, and CI runs the second', () => {
    expect(blocks.slice(0, 2).map((block) => block.text.trim().split('\n').length)).toEqual([1, 1]);
    const ci = readFileSync(join(TOP, '.ci/run'), 'utf8');
    for (const part of blocks[1]?.text.trim().split(' && ') ?? []) expect(ci).toContain(part);
  });

  test('shows the program of examples/library, which works', () => {
    const file = join(TOP, 'examples/library/hello.mjs');
    expect(blocks.find((block) => block.language === 'js')?.text).toBe(readFileSync(file, 'utf8'));
    const output = execFileSync(process.execPath, [file], { encoding: 'utf8', cwd: TOP });
    expect(output.trim().split('\n')).toEqual([
      'run.started',
      'step.queued',
      'step.working',
      'step.succeeded',
      'run.completed',
    ]);
  });
});

const PAGES = execFileSync('git', ['-C', TOP, 'ls-files', '*.md'], { encoding: 'utf8' }).trim().split('\n');

test.each(PAGES.filter((page) => !page.startsWith('examples/shopping-cart/project/')))(
  '%s links only to files that exist',
  (page) => {
    const text = readFileSync(join(TOP, page), 'utf8');
    const links = [...text.matchAll(/\]\(([^)#]+)[^)]*\)/g)]
      .map((match) => match[1] ?? '')
      .filter((link) => !/^https?:/.test(link));
    expect(links.filter((link) => !existsSync(join(TOP, dirname(page), link)))).toEqual([]);
  },
);
