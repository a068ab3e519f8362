/** The table of `docs/lifecycles.md`: which message a run takes in which status, seen at runs that are in it. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { RUN_STATUSES, type RunStatus } from '../../src/core/statuses.js';
import { STEERING_KINDS, TAKEN_WHILE } from '../../src/core/steering.js';

const page = readFileSync(new URL('../../docs/lifecycles.md', import.meta.url), 'utf8');

function table(): ReadonlyMap<string, readonly RunStatus[]> {
  const [head, , ...rows] = page
    .slice(page.indexOf('| | pending |'))
    .split('\n\n')[0]
    ?.trim()
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    ) ?? [[]];
  expect(head?.slice(1)).toEqual(RUN_STATUSES);
  return new Map(
    rows.map(([kind = '', ...cells]) => [
      kind.replaceAll('`', ''),
      RUN_STATUSES.filter((_, at) => cells[at] === 'yes'),
    ]),
  );
}

describe('docs/lifecycles.md', () => {
  test.each(STEERING_KINDS)('has %s as the code has it', (kind) => {
    expect(table().get(kind)).toEqual(RUN_STATUSES.filter((status) => TAKEN_WHILE[kind].includes(status)));
  });
});
