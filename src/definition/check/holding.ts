/**
 * Whether a condition can ever hold. It is taken apart into what must be true at the same time; when no value of
 * something it reads fits all of that, it never holds. Whatever is not understood is taken as possible.
 */
import type { JsonValue } from '../../core/json.js';
import type { Syntax } from '../../expression/syntax.js';
import { withoutChain } from './inference.js';

/** Values as expressions see them; undefined for what is missing. */
export type Value = JsonValue | undefined;

export interface Values {
  /** Equal for parts that read the same. */
  name(syntax: Syntax): string;
  /** All values that a part can have, or null when they are too many. */
  valuesOf(syntax: Syntax): readonly Value[] | null;
}

/** One for all true values, since no literal is equal to it, and every false one. */
const SAMPLES: readonly Value[] = [{}, undefined, null, false, 0, ''];

interface Facts {
  readonly values: readonly Value[] | null;
  readonly tests: readonly ((value: Value) => boolean)[];
}

interface Demand {
  readonly syntax: Syntax;
  readonly wanted: boolean;
}

/** False only when it is certain that `syntax` never is `wanted`, as a truth value. */
export function canHold(syntax: Syntax, wanted: boolean, values: Values): boolean {
  return possible({ syntax, wanted }, new Map(), values);
}

function possible(demand: Demand, outer: ReadonlyMap<string, Facts>, values: Values): boolean {
  const facts = new Map(outer);
  const choices: (readonly Demand[])[] = [];
  const queue: Demand[] = [demand];
  // The list grows while it is walked.
  for (const next of queue) {
    const { syntax, wanted } = next;
    if (syntax.kind === 'literal') {
      if (Boolean(syntax.value) !== wanted) return false;
    } else if (syntax.kind === 'unary' && syntax.operator === '!') {
      queue.push({ syntax: syntax.operand, wanted: !wanted });
    } else if (syntax.kind === 'chain') {
      queue.push({ syntax: syntax.body, wanted });
    } else if (syntax.kind === 'logical' && syntax.operator !== '??') {
      const parts = [syntax.left, syntax.right].map((part) => ({ syntax: part, wanted }));
      if ((syntax.operator === '&&') === wanted) queue.push(...parts);
      else choices.push(parts);
    } else if (!note(next, facts, values)) {
      return false;
    }
  }
  return choices.every((parts) => parts.some((part) => possible(part, facts, values)));
}

/** Adds what is demanded of one part; false when no value fits any more. */
function note({ syntax, wanted }: Demand, facts: Map<string, Facts>, values: Values): boolean {
  const comparison = comparisonOf(syntax);
  const subject = comparison === null ? syntax : comparison.subject;
  const test = comparison === null ? (value: Value): boolean => Boolean(value) === wanted : comparison.test(wanted);
  const name = values.name(withoutChain(subject));
  const before = facts.get(name) ?? { values: values.valuesOf(withoutChain(subject)), tests: [] };
  const only = comparison !== null && comparison.equal === wanted ? [comparison.value] : null;
  const after: Facts = { values: before.values ?? only ?? null, tests: [...before.tests, test] };
  facts.set(name, after);
  if (after.values !== null) return after.values.some((value) => after.tests.every((fits) => fits(value)));
  return SAMPLES.some((value) => after.tests.every((fits) => fits(value)));
}

interface Comparison {
  readonly subject: Syntax;
  readonly value: Value;
  /** Whether it holds when both are equal. */
  readonly equal: boolean;
  test(wanted: boolean): (value: Value) => boolean;
}

/** `x === 'a'` and its like. `==` counts where it means the same. */
function comparisonOf(syntax: Syntax): Comparison | null {
  if (syntax.kind !== 'binary') return null;
  const { operator, left, right } = syntax;
  if (operator !== '===' && operator !== '!==' && operator !== '==' && operator !== '!=') return null;
  const [literal, subject] = left.kind === 'literal' ? [left, right] : [right, left];
  if (literal.kind !== 'literal' || subject.kind === 'literal') return null;
  const { value } = literal;
  const strict = operator.length === 3;
  // A word is loosely equal to itself alone; numbers, null and the empty text are equal to more.
  if (!strict && (typeof value !== 'string' || !Number.isNaN(Number(value)))) return null;
  const equal = operator === '===' || operator === '==';
  return { subject, value, equal, test: (wanted) => (other) => (other === value) === (equal === wanted) };
}
