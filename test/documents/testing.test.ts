/** `docs/testing.md` against the code: its example passes, and its tables have every key. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { REPLY_KINDS } from '../../src/testing/scenario.js';
import { report, workflowOf } from '../testing/workflow-tests.js';
import { TOP } from '../harness/process-tree.js';

const page = readFileSync(join(TOP, 'docs/testing.md'), 'utf8');
const [workflow = '', tests = ''] = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block]) => block ?? '');

function keysIn(file: string): readonly string[] {
  const source = readFileSync(join(TOP, 'src/testing', file), 'utf8');
  const lists = [...source.matchAll(/(?:known: |SCENARIO_KEYS = )\[([^\]]*)\]/g)].map(([, list]) => list ?? '');
  return lists.flatMap((list) => [...list.matchAll(/'([a-z_]+)'/g)].map(([, key]) => key ?? ''));
}

describe('docs/testing.md', () => {
  test('has an example whose tests pass, and miss little', async () => {
    expect(workflowOf(workflow).definition.name).toBe('review');
    const result = await report(tests.replace(/^workflow: .*\n/, ''), { workflow });
    expect(
      result.tests.flatMap(({ name, differences }) => differences.map((difference) => ({ name, difference }))),
    ).toEqual([]);
    expect(result.tests).toHaveLength(6);
  });

  test.each(['read-tests.ts', 'read-scenario.ts', 'read-expectation.ts'])('names every key of %s', (file) => {
    const keys = keysIn(file);
    expect(keys.length).toBeGreaterThan(5);
    expect(keys.filter((key) => !new RegExp(`\\b${key}\\b`).test(page))).toEqual([]);
  });

  test('names every kind of reply', () => {
    expect(REPLY_KINDS.filter((kind) => !page.includes(`\`${kind}`))).toEqual([]);
  });
});
