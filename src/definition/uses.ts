/** The conditions and templates of a file: compiled to report their problems, and kept as what they read and where. */
import { type Expression, parseExpression } from '../expression/expression.js';
import { ExpressionError, type ExpressionProblem } from '../expression/problem.js';
import { checkNames, type KnownNames, type Reference } from '../expression/references.js';
import { hasHoles, parseTemplate } from '../expression/template.js';
import { isText } from './fields.js';
import type { Problems, Range } from './problem.js';
import type { TextNode, TreeNode } from './tree.js';

/** One expression of the file. */
export interface Use {
  readonly expression: Expression;
  readonly references: readonly Reference[];
  /** The key it stands under: `condition`, `params`, … */
  readonly field: string;
  /** The place in the file of a part of the expression's source. */
  readonly part: (offset: number, length: number) => Range;
}

/** A text that is an expression as a whole; null when it cannot be compiled, which is reported. */
export function conditionUse(node: TextNode, field: string, problems: Problems): Use | null {
  const braces = /^\s*(?:(\{\{)|\$\{)/.exec(node.value);
  const hint = braces === null ? null : `A condition is written without ${braces[1] === undefined ? '${ }' : '{{ }}'}.`;
  const expression = attempt(() => parseExpression(node.value), { node, problems, hint });
  return expression === null ? null : useOf(expression, field, (offset, length) => node.part(offset, length));
}

/** Every hole in every text inside `node`. */
export function templateUses(node: TreeNode, field: string, problems: Problems): readonly Use[] {
  if (node.kind === 'list') return node.items.flatMap((item) => templateUses(item, field, problems));
  if (node.kind === 'map') return node.entries.flatMap(({ value }) => templateUses(value, field, problems));
  if (!isText(node) || !hasHoles(node.value)) return [];
  const template = attempt(() => parseTemplate(node.value), { node, problems, hint: null });
  return (template?.holes ?? []).map((hole) =>
    useOf(hole.expression, field, (offset, length) => node.part(hole.offset + offset, length)),
  );
}

/** Whether a text is one hole and nothing else, so that it keeps the type of its value. */
export function isOneHole(text: string): boolean {
  if (!hasHoles(text)) return false;
  try {
    const { holes } = parseTemplate(text);
    return holes.length === 1 && text.startsWith('{{') && text.endsWith('}}');
  } catch {
    // What is wrong with it is reported where its holes are compiled.
    return true;
  }
}

/** Reports every name that does not exist or may not be read at this place. */
export function reportNames(use: Use, known: KnownNames, problems: Problems): void {
  for (const problem of checkNames(use, known, (word, names) => problems.suggest(word, names))) {
    problems.add('expression', use.part(problem.offset, problem.length), problem.message, problem.hint);
  }
}

function useOf(expression: Expression, field: string, part: Use['part']): Use {
  return { expression, references: expression.references, field, part };
}

function attempt<T>(work: () => T, at: { node: TextNode; problems: Problems; hint: string | null }): T | null {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const problem: ExpressionProblem = error.problem;
    at.problems.add(
      'expression',
      at.node.part(problem.offset, problem.length),
      problem.message,
      at.hint ?? problem.hint,
    );
    return null;
  }
}
