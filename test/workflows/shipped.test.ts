/** The shipped workflows are valid without a warning, and their own tests reach all of them and pass. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runTestFiles } from '../../src/app/test-command.js';
import { systemClock } from '../../src/core/clock.js';
import type { TestReport } from '../../src/core/test-report.js';
import { formatProblems } from '../../src/definition/frame.js';
import { parseWorkflow } from '../../src/definition/parse.js';
import { TOP } from '../harness/process-tree.js';

const FOLDER = join(TOP, 'workflows');
const SCHEMA_LINE = '# yaml-language-server: $schema=../schema/workflow.schema.json';
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yml'));

it('are these', () => {
  expect(files).toEqual([
    'feature.yml',
    'feature_integration.yml',
    'hotfix.yml',
    'hotfix_deployment.yml',
    'implementation.yml',
    'pr_processing.yml',
    'project-loop.yml',
    'ticket.yml',
  ]);
});

describe.each(files)('workflows/%s', (name) => {
  const text = readFileSync(join(FOLDER, name), 'utf8');

  it('is valid, without a warning', () => {
    const parsed = parseWorkflow(text, { file: name, personas: null });
    const problems = parsed.ok ? parsed.warnings : parsed.problems;
    expect(problems.length === 0 ? '' : formatProblems(problems, text, { color: false })).toBe('');
  });

  it('tells editors its schema', () => {
    expect(text.split('\n')[0]).toBe(SCHEMA_LINE);
  });
});

it('pass all their tests, which reach every step and branch', { timeout: 90_000 }, async () => {
  const report = await runTestFiles(
    { redis: null, namespace: 'coord', directory: TOP },
    { files: [join(FOLDER, 'tests')], filter: null, seed: null, color: false },
    systemClock,
  );
  expect(failuresOf(report)).toEqual([]);
  const missed = report.coverage.flatMap((each) => each.missed.map((what) => `${each.workflow}: ${what}`));
  expect(missed).toEqual([]);
});

function failuresOf({ tests }: TestReport): readonly string[] {
  return tests.flatMap(({ file, line, name, differences }) =>
    differences.map(
      ({ what, expected, actual }) => `${file}:${String(line)} ${name}: ${what}: ${expected} / ${actual}`,
    ),
  );
}
