/**
 * The checks that need all steps at once: ids, dependencies, who may read whose state, and what can never happen.
 * Everything is reported with its place; nothing is thrown.
 */
import { parseSyntax } from '../../expression/grammar.js';
import { ITEM_FIELDS, ROOT_NAMES, ROUND_FIELDS } from '../../expression/scope.js';
import type { KnownNames } from '../../expression/references.js';
import type { Syntax } from '../../expression/syntax.js';
import type { Problems } from '../problem.js';
import type { StepDraft } from '../readers/draft.js';
import type { JsonSchema } from '../steps.js';
import { reportNames, type Use } from '../uses.js';
import { checkBlock } from './blocks.js';
import { checkCondition } from './conditions.js';
import { Inference } from './inference.js';
import { type Outline, outlineOf, type Placed } from './outline.js';
import { type Reader, refusalOf, stepRead } from './reading.js';
import { checkTypes } from './mismatches.js';
import { checkDependencies, checkIds } from './waiting.js';

export interface CheckContext {
  /** Names of the workflow's variables. */
  readonly variables: readonly string[];
  /** What the task looks like; null when any will do. */
  readonly input: JsonSchema | null;
  /** What the workflow's result reads. */
  readonly result: readonly Use[];
  readonly problems: Problems;
}

/** `steps` is the workflow's own list, with the lists inside. */
export function checkSteps(steps: readonly StepDraft[], context: CheckContext): void {
  const { problems } = context;
  const found = problems.count;
  const outline = outlineOf(steps);
  checkIds(outline, problems);
  checkDependencies(outline, problems);
  const checker = new UseChecker(outline, context);
  for (const step of outline.steps) {
    for (const use of step.draft.uses) checker.check({ at: 'start', step }, use);
    for (const use of step.draft.inside) checker.check({ at: 'round', step }, use);
    checkBlock(step, outline, { problems, found });
  }
  for (const use of context.result) checker.check({ at: 'result', step: null }, use);
}

class UseChecker {
  readonly #outline: Outline;
  readonly #problems: Problems;
  readonly #input: JsonSchema | null;
  readonly #inference: Inference;
  readonly #names: KnownNames;
  /** Equal conditions are frequent, and parsing is most of the work. */
  readonly #parsed = new Map<string, Syntax>();

  constructor(outline: Outline, { variables, input, problems }: CheckContext) {
    this.#outline = outline;
    this.#problems = problems;
    this.#input = input;
    this.#inference = new Inference(outline, input);
    this.#names = {
      roots: ROOT_NAMES,
      variables: new Set(variables),
      states: new Set(outline.byState.keys()),
      steps: new Set(outline.byId.keys()),
    };
  }

  check(reader: Reader, use: Use): void {
    const block = loopAround(reader);
    const loop = block === null ? null : block.draft.definition.type === 'loop' ? ROUND_FIELDS : ITEM_FIELDS;
    reportNames(use, { ...this.#names, loop }, this.#problems);
    if (block !== null) this.#checkPrevious(block, use);
    this.#checkReads(reader, use);
    const isCondition = use.field === 'condition' || reader.at === 'round';
    if (!isCondition && !mayMismatch(use, this.#input)) return;
    const syntax = this.#syntaxOf(use);
    const problems = this.#problems;
    const reported = checkTypes(syntax, { use, inference: this.#inference, problems });
    if (reported || !isCondition || reader.step === null) return;
    checkCondition(reader.step, { use, syntax }, { outline: this.#outline, inference: this.#inference, problems });
  }

  #checkReads(reader: Reader, use: Use): void {
    for (const reference of use.references) {
      const target = stepRead(reference, this.#outline);
      const [key] = reference.keys;
      if (target === null || key === undefined) continue;
      const refusal = refusalOf(reader, target);
      if (refusal === null) continue;
      this.#problems.add('not-a-dependency', use.part(key.offset, key.length), refusal.message, refusal.hint);
    }
  }

  /** `loop.previous.<id>` names a step of the loop's own list. */
  #checkPrevious(block: Placed, use: Use): void {
    if (block.draft.definition.type !== 'loop') return;
    for (const { root, keys } of use.references) {
      const [field, key] = keys;
      if (root !== 'loop' || field?.name !== 'previous' || key === undefined || key.name === null) continue;
      const ids = block.lists.find((list) => list.key === 'steps')?.ids ?? new Set<string>();
      if (ids.has(key.name)) continue;
      const hint = this.#problems.suggest(key.name, ids) || `Its steps are ${[...ids].slice(0, 12).join(', ')}.`;
      const message = `${JSON.stringify(key.name)} is no step of the list of "${block.id}"`;
      this.#problems.add('expression', use.part(key.offset, key.length), message, hint);
    }
  }

  #syntaxOf({ expression }: Use): Syntax {
    const known = this.#parsed.get(expression.source);
    if (known !== undefined) return known;
    const { syntax } = parseSyntax(expression.source);
    this.#parsed.set(expression.source, syntax);
    return syntax;
  }
}

/** Whether there is anything in it whose type could be wrong; most templates only name a variable or a whole result. */
function mayMismatch({ expression: { source }, references }: Use, input: JsonSchema | null): boolean {
  if (/[<>=%*-]|\//.test(source)) return true;
  return references.some(({ root, keys }) => {
    if (root === 'task') return input !== null && keys.length > 0;
    if (root === 'steps') return keys.length > 2;
    return root === 'context' && /\)\s*[?.[]/.test(source);
  });
}

/** The innermost loop or for_each around a place. */
function loopAround(reader: Reader): Placed | null {
  if (reader.step === null) return null;
  if (reader.at === 'round') return reader.step;
  for (let at = reader.step; at.list.owner !== null; at = at.list.owner) {
    const { owner, key } = at.list;
    const { type } = owner.draft.definition;
    if (key === 'steps' && (type === 'loop' || type === 'for_each')) return owner;
  }
  return null;
}
