/** `docs/workflow-yaml.md` against the code: its table of problems is complete. Its examples are in `test/documents`. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

it('the page of the language lists every code of a problem', () => {
  const codes = read('src/definition/problem.ts').match(/^ {2}\| '[a-z-]+'/gm) ?? [];
  const page = read('docs/workflow-yaml.md');
  const listed = [...page.slice(page.indexOf('## Problems')).matchAll(/^\| `([a-z-]+)`/gm)].map(
    ([, code]) => code ?? '',
  );
  expect(new Set(listed)).toEqual(new Set(codes.map((code) => code.slice(5, -1))));
  expect(listed.length).toBeGreaterThan(10);
});
