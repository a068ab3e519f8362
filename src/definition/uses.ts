/** The conditions and templates of a file: compiled to report their problems, and kept as what they read and where. */
import { type Expression, parseExpression } from '../expression/expression.js';
import { ExpressionError, type ExpressionProblem } from '../expression/problem.js';
import { checkNames, type KnownNames, type Reference } from '../expression/references.js';
import { hasHoles, parseTemplate } from '../expression/template.js';
import { isText } from './fields.js';
import type { Problems, Range } from './problem.js';
import type { ScalarNode, TreeNode } from './tree.js';

/** One expression of the file. */
export interface Use {
  readonly references: readonly Reference[];
  /** The place in the file of a part of the expression's source. */
  readonly part: (offset: number, length: number) => Range;
}

type Text = ScalarNode & { readonly value: string };

export function conditionUse(node: Text, problems: Problems): Use | null {
  const hint = node.value.trim().startsWith('{{') ? 'A condition is written without {{ }}.' : null;
  const expression = attempt(() => parseExpression(node.value), { node, problems, hint });
  return expression === null ? null : useOf(expression, (offset, length) => node.part(offset, length));
}

/** Every hole in every text inside `node`. */
export function templateUses(node: TreeNode, problems: Problems): readonly Use[] {
  if (node.kind === 'list') return node.items.flatMap((item) => templateUses(item, problems));
  if (node.kind === 'map') return node.entries.flatMap(({ value }) => templateUses(value, problems));
  if (!isText(node) || !hasHoles(node.value)) return [];
  const template = attempt(() => parseTemplate(node.value), { node, problems, hint: null });
  return (template?.holes ?? []).map((hole) =>
    useOf(hole.expression, (offset, length) => node.part(hole.offset + offset, length)),
  );
}

/** Reports every name that does not exist or may not be read at this place. */
export function reportNames(use: Use, known: KnownNames, problems: Problems): void {
  for (const problem of checkNames(use, known, (word, names) => problems.suggest(word, names))) {
    problems.add('expression', use.part(problem.offset, problem.length), problem.message, problem.hint);
  }
}

function useOf(expression: Expression, part: Use['part']): Use {
  return { references: expression.references, part };
}

function attempt<T>(work: () => T, at: { node: Text; problems: Problems; hint: string | null }): T | null {
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
