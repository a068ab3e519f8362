/** docs/guarantees.md names tests for what it says: each is there, under that name, and so is each command. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TOP } from '../harness/process-tree.js';

const page = readFileSync(join(TOP, 'docs/guarantees.md'), 'utf8');
const scripts = (JSON.parse(readFileSync(join(TOP, 'package.json'), 'utf8')) as { scripts: Record<string, string> })
  .scripts;
const SCENARIOS = 83;
const FIGURES = [
  'chaos',
  'everysec',
  'simulation',
  'mutants',
  'sentinel',
  'cluster',
  'recovery',
  'overload',
  'timers',
  'waiting runs',
];

interface Row {
  readonly number: number;
  readonly cells: readonly string[];
}

const rows: readonly Row[] = page.split('\n').flatMap((line) => {
  const cells = line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
  return /^\d+$/.test(cells[0] ?? '') ? [{ number: Number(cells[0]), cells }] : [];
});
const coverOf = ({ cells }: Row): string => cells[3] ?? '';

/** `path` "title" "title" …: each title with the path that it follows. */
function titlesIn(cover: string): readonly { readonly path: string; readonly title: string }[] {
  let path = '';
  return [...cover.matchAll(/`([\w./-]+\.\w+)`|"([^"]+)"/g)].flatMap(([, named, title]) => {
    if (named !== undefined) path = named;
    return title === undefined ? [] : [{ path, title }];
  });
}

const contents = new Map<string, string>();

/** Whether a file has a text of that name; in benches it may be a part of one. */
function has({ path, title }: { readonly path: string; readonly title: string }): boolean {
  const text = contents.get(path) ?? readFileSync(join(TOP, path), 'utf8').replaceAll('\\', '');
  contents.set(path, text);
  const name = title.endsWith('…') ? title.slice(0, -1) : title;
  if (path.startsWith('bench/')) return text.includes(name);
  return [`'`, '"', '`'].some((quote) => text.includes(`${quote}${name}${title === name ? quote : ''}`));
}

describe('docs/guarantees.md', () => {
  test('has every scenario once, in order, with an answer and what covers it', () => {
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: SCENARIOS }, (_, index) => index + 1));
    for (const row of rows) {
      expect(row.cells).toHaveLength(4);
      expect(row.cells.filter((cell) => cell === '')).toEqual([]);
    }
  });

  test('counts what is covered, and what is not, as it stands in the table', () => {
    const counts = { covered: 0, part: 0, never: 0, not: 0 };
    for (const row of rows) {
      const cover = coverOf(row);
      if (cover.startsWith('**In part.** ')) counts.part++;
      else if (cover.startsWith('**Does not apply.** ')) counts.never++;
      else if (cover.startsWith('**Not covered.** ')) counts.not++;
      else counts.covered++;
    }
    const { covered, part, never, not } = counts;
    const said = `${String(covered)} are covered, ${String(part)} in part, ${String(never)} do not apply to coord, ${String(not)} are not covered`;
    expect(page).toContain(said);
  });

  test('names for each scenario that is covered a file with a title in it', () => {
    for (const row of rows) {
      const cover = coverOf(row);
      if (cover.startsWith('**Does not apply.** ') || cover.startsWith('**Not covered.** ')) continue;
      expect({ row: row.number, titles: titlesIn(cover).length }).not.toEqual({ row: row.number, titles: 0 });
    }
  });

  test('names files that are there, and titles that are in them', () => {
    const paths = [...page.matchAll(/`((?:src|test|bench|docs|examples)\/[\w./-]+)`/g)].map(([, path]) => path ?? '');
    expect(paths.length).toBeGreaterThan(SCENARIOS);
    expect(paths.filter((path) => !existsSync(join(TOP, path)))).toEqual([]);
    const wrong = rows.flatMap((row) =>
      titlesIn(coverOf(row))
        .filter((found) => !has(found))
        .map((found) => ({ row: row.number, ...found })),
    );
    expect(wrong).toEqual([]);
  });

  test('names commands that are there', () => {
    const npm = [...page.matchAll(/npm run ([\w-]+)/g)].map(([, name]) => name ?? '');
    expect(npm.length).toBeGreaterThan(2);
    expect(npm.filter((name) => scripts[name] === undefined)).toEqual([]);
    const files = [...page.matchAll(/(?:node|vitest run) ([\w./-]+\.\w+)/g)].map(([, path]) => path ?? '');
    expect(files.length).toBeGreaterThan(3);
    expect(files.filter((path) => !existsSync(join(TOP, path)))).toEqual([]);
  });

  test('has a place for every figure, once', () => {
    const figures = [...page.matchAll(/<!-- figure:([\w ]+) -->\n[\s\S]+?\n<!-- \/figure -->/g)].map(
      ([, name]) => name,
    );
    expect(figures).toEqual(FIGURES);
  });
});
