/**
 * YAML text to a checked definition. Every problem of a file is reported at once and at its place, since the
 * author is a person who would otherwise be sent back to the file once per mistake.
 */
import { type Problem, type ProblemCode, Problems } from './problem.js';
import { readTree } from './tree.js';
import type { WorkflowDefinition } from './workflow.js';
import { type Reading, type ReadOptions, readWorkflow } from './workflow-reader.js';

export type ParseOptions = ReadOptions;

export type ParseResult =
  | { readonly ok: true; readonly definition: WorkflowDefinition; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Codes that follow from what a syntax error swallowed. */
const CONSEQUENCES: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'missing-key',
  'unbounded-loop',
  'unknown-dependency',
  'not-a-dependency',
]);

/** Steps that run other workflows are left without their content: finding those takes a loader. */
export function parseWorkflow(text: string, options: ParseOptions): ParseResult {
  const { reading, problems } = parseText(text, options);
  const found = problems.list();
  const errors = found.filter(({ severity }) => severity === 'error');
  if (reading === null || errors.length > 0) return { ok: false, problems: errors };
  return { ok: true, definition: reading.definition, warnings: found };
}

/** As `parseWorkflow`, for a loader that has more to report. */
export function parseText(
  text: string,
  options: ParseOptions,
): { readonly reading: Reading | null; readonly problems: Problems } {
  const problems = new Problems(text, options.file);
  const reading = readWorkflow(readTree(text, problems), options, problems);
  dropConsequences(problems);
  return { reading, problems };
}

/** What a broken file seems to lack is often only behind the break, so with a syntax error only what stands before it is said. */
function dropConsequences(problems: Problems): void {
  let first = Number.POSITIVE_INFINITY;
  problems.keep((code, offset) => {
    if (code === 'yaml-syntax') first = Math.min(first, offset);
    return true;
  });
  if (first === Number.POSITIVE_INFINITY) return;
  problems.keep((code, offset) => code === 'yaml-syntax' || (offset < first && !CONSEQUENCES.has(code)));
}
