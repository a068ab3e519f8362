/** `docs/workflows.md` against the code: its example loads, its conditions parse, its table of problems is complete. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseExpression } from '../../src/expression/expression.js';
import { definitionOf } from './workflow-text.js';

const page = readFileSync(new URL('../../docs/workflows.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block]) => block ?? '');
const codes =
  readFileSync(new URL('../../src/definition/problem.ts', import.meta.url), 'utf8').match(/^ {2}\| '[a-z-]+'/gm) ?? [];

describe('the page on workflows', () => {
  it('has an example that loads', () => {
    expect(definitionOf(blocks[0] ?? '').steps.map(({ id }) => id)).toEqual([
      'draft',
      'code-review',
      'security-review',
      'polish',
    ]);
  });

  it('has conditions that parse', () => {
    const conditions = (blocks[1] ?? '')
      .trim()
      .split('\n')
      .map((line) => line.replace('condition: ', ''));
    expect(conditions.map((source) => parseExpression(source).source)).toEqual(conditions);
    expect(conditions).toHaveLength(3);
  });

  it('lists every code of a problem', () => {
    const listed = [...page.slice(page.indexOf('## Problems')).matchAll(/^\| `([a-z-]+)`/gm)].map(
      ([, code]) => code ?? '',
    );
    expect(new Set(listed)).toEqual(new Set(codes.map((code) => code.slice(5, -1))));
    expect(listed.length).toBeGreaterThan(10);
  });
});
