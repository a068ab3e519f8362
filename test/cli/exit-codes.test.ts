import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EXIT, EXIT_OF_RUN } from '../../src/cli/exit-codes.js';
import { buildProgram } from '../../src/cli/program.js';
import { RUN_STATUSES, runHasEnded } from '../../src/core/statuses.js';
import { FakeIo } from './fake-io.js';
import { World } from './world.js';

const page = readFileSync(join(import.meta.dirname, '../../docs/cli.md'), 'utf8');

test('runs that ended in different ways have different exit codes', () => {
  const ended = RUN_STATUSES.filter((status) => runHasEnded(status)).map((status) => EXIT_OF_RUN[status]);
  expect(ended).toEqual([EXIT.ok, EXIT.failed, EXIT.canceled]);
  expect(EXIT_OF_RUN.waiting).toBe(4);
});

describe('docs/cli.md', () => {
  test('lists the exit codes', () => {
    const listed = [...page.matchAll(/^\| (\d+) \|/gm)].map((match) => Number(match[1]));
    expect(listed).toEqual(Object.values(EXIT));
  });

  test('names every command and every option', () => {
    const program = buildProgram(new World(), new FakeIo({}));
    const options = [program, ...program.commands].flatMap((command) =>
      command.options.filter(({ hidden }) => !hidden).map(({ long }) => long ?? ''),
    );
    for (const option of options) expect(page).toContain(option);
    for (const command of program.commands) expect(page).toContain(`**\`coord ${command.name()}`);
  });
});
