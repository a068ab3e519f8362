/** Short ways to parse a text, for the tests of this folder. */
import { expect } from 'vitest';
import { formatProblems } from '../../src/definition/frame.js';
import { parseWorkflow } from '../../src/definition/parse.js';
import type { Problem } from '../../src/definition/problem.js';
import type { WorkflowDefinition } from '../../src/definition/workflow.js';

/** The definition of a text without problems; otherwise the test fails with the problems as they are shown. */
export function definitionOf(text: string, personas: ReadonlySet<string> | null = null): WorkflowDefinition {
  const parsed = parseWorkflow(text, { file: 'test.yml', personas });
  if (!parsed.ok) expect.fail(formatProblems(parsed.problems, text, { color: false }));
  return parsed.definition;
}

export function problemsOf(text: string, personas: ReadonlySet<string> | null = null): readonly Problem[] {
  const parsed = parseWorkflow(text, { file: 'test.yml', personas });
  return parsed.ok ? [] : parsed.problems;
}

/** All problems as a person sees them. */
export function report(text: string, personas: ReadonlySet<string> | null = null): string {
  const problems = problemsOf(text, personas);
  return problems.length === 0 ? 'no problems' : `\n${formatProblems(problems, text, { color: false })}\n`;
}

/** One line per problem: place, code, message. */
export function lines(text: string): readonly string[] {
  return problemsOf(text).map(
    ({ line, column, code, message }) => `${String(line)}:${String(column)} ${code}: ${message}`,
  );
}

/** What the problem underlines. */
export function underlined(text: string, problem: Problem): string {
  return (text.split('\n')[problem.line - 1] ?? '').slice(problem.column - 1, problem.endColumn - 1);
}
