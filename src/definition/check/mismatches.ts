/** Reports what an expression reads or compares although a schema, or the language itself, rules it out. */
import { nearest } from '../../core/suggest.js';
import { quoted } from '../../expression/problem.js';
import { type Binary, type Member, partsOf, type Syntax } from '../../expression/syntax.js';
import type { Problems } from '../problem.js';
import type { Use } from '../uses.js';
import { typeInWords, typeOfValue, type ValueType } from '../schema-scalars.js';
import type { KnownValue } from '../schema-type.js';
import { type Inference, literalOf, memberName, withoutChain } from './inference.js';
import { valuesOf } from './known.js';

const EQUALITY: ReadonlySet<string> = new Set(['===', '!==', '==', '!=']);
const ORDER: ReadonlySet<string> = new Set(['<', '<=', '>', '>=']);
const ARITHMETIC: ReadonlySet<string> = new Set(['-', '*', '/', '%']);
/** Values of an enumeration that a hint lists. */
const LISTED = 12;

interface Check {
  readonly use: Use;
  readonly inference: Inference;
  readonly problems: Problems;
}

/** Returns whether anything was reported: what follows from a wrong word needs no report of its own. */
export function checkTypes(syntax: Syntax, check: Check): boolean {
  const before = check.problems.count;
  visit(syntax, check);
  return check.problems.count > before;
}

function visit(syntax: Syntax, check: Check): void {
  if (syntax.kind === 'member') checkMember(syntax, check);
  if (syntax.kind === 'binary') checkBinary(syntax, check);
  for (const part of partsOf(syntax)) visit(part, check);
}

function sourceOf({ expression }: Use, { start, end }: Syntax): string {
  return expression.source.slice(start, end);
}

function checkMember(syntax: Member, { use, inference, problems }: Check): void {
  const name = memberName(syntax);
  if (name === null) return;
  const known = inference.typeOf(syntax.object);
  const facts = known.facts();
  // That the object itself cannot be there is reported where it is read.
  if (facts.exists === 'no') return;
  const isRefused = known.member(name).facts().exists === 'no';
  if (!isRefused && !isUnlisted(facts, name)) return;
  const at = use.part(syntax.key.start, syntax.key.end - syntax.key.start);
  const object = sourceOf(use, withoutChain(syntax.object));
  const { types } = facts;
  const names = namesIn(facts);
  const guess = problems.suggest(name, names);
  const listed = names.length > 0 && names.length <= LISTED ? `It has ${names.join(', ')}.` : null;
  const hint = guess || listed;
  if (!isRefused) {
    const more = 'Add it to the schema, or set additionalProperties: true there.';
    problems.warn('type-mismatch', at, `the schema of ${object} does not name ${quoted(name)}`, guess || more);
  } else if (types === null || types.has('object')) {
    problems.add('type-mismatch', at, `${object} can have no ${quoted(name)}, says its schema`, hint);
  } else {
    problems.add('type-mismatch', at, `${object} is ${typesInWords(types)} and has no ${quoted(name)}`, hint);
  }
}

/** Others are named, this one is not, and nothing says that there may be more. */
function isUnlisted({ types, names, others }: KnownValue, name: string): boolean {
  return types?.has('object') === true && others === 'unsaid' && names.length > 0 && !names.includes(name);
}

function namesIn({ types, names }: KnownValue): readonly string[] {
  if (types === null || types.has('object')) return names;
  return types.has('string') || types.has('array') ? ['length'] : [];
}

function typesInWords(types: ReadonlySet<ValueType>): string {
  return [...types].map(typeInWords).join(' or ');
}

function checkBinary(syntax: Binary, check: Check): void {
  const { operator, left, right } = syntax;
  if (EQUALITY.has(operator)) {
    // Whether a value is missing may be asked of anything.
    if (isNothing(left) || isNothing(right)) return;
    if (checkWord(left, right, check) || checkWord(right, left, check)) return;
    checkComparable(syntax, check, (a, b) => [...a].some((type) => b.has(type)));
  } else if (ORDER.has(operator)) {
    checkComparable(syntax, check, (a, b) =>
      (['string', 'number'] as const).some((type) => a.has(type) && b.has(type)),
    );
  } else if (ARITHMETIC.has(operator)) {
    for (const side of [left, right]) checkNumber(side, operator, check);
  }
}

function isNothing(syntax: Syntax): boolean {
  return syntax.kind === 'literal' && (syntax.value === null || syntax.value === undefined);
}

/** A literal that is compared with something that can never have this value. */
function checkWord(value: Syntax, word: Syntax, { use, inference, problems }: Check): boolean {
  const literal = literalOf(word);
  const values = literal === null || value.kind === 'literal' ? null : valuesOf(inference.typeOf(value));
  if (literal === null || values === null || values.includes(literal.value)) return false;
  if (!values.some((one) => typeOfValue(one) === typeof literal.value)) return false;
  const words = values.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
  const guess = typeof literal.value === 'string' ? guessOf(literal.value, words) : null;
  const listed = words.length <= LISTED ? `It is one of ${words.join(', ')}.` : null;
  problems.add(
    'never-holds',
    use.part(literal.start, literal.end - literal.start),
    `${sourceOf(use, withoutChain(value))} is never ${JSON.stringify(literal.value)}`,
    guess === null ? listed : [`Did you mean "${guess}"?`, listed].filter((part) => part !== null).join(' '),
  );
  return true;
}

/** Words that people use for a verdict. */
const MEANT: Readonly<Record<string, string>> = {
  complete: 'pass',
  completed: 'pass',
  ok: 'pass',
  succeeded: 'pass',
  success: 'pass',
};

function guessOf(word: string, words: readonly string[]): string | null {
  const meant = MEANT[word.toLowerCase()];
  return meant !== undefined && words.includes(meant) ? meant : nearestPrefix(word, words);
}

/** `passed` and `failure` mean `pass` and `fail`, though they are more than a slip away. */
function nearestPrefix(word: string, words: readonly string[]): string | null {
  return (
    nearest(word, words) ?? words.find((known) => known.length > 2 && word.toLowerCase().startsWith(known)) ?? null
  );
}

function checkComparable(
  syntax: Binary,
  { use, inference, problems }: Check,
  fit: (left: ReadonlySet<ValueType>, right: ReadonlySet<ValueType>) => boolean,
): void {
  const left = inference.typeOf(syntax.left).facts().types;
  const right = inference.typeOf(syntax.right).facts().types;
  if (left === null || right === null || fit(left, right)) return;
  const message = `${sourceOf(use, syntax.left)} is ${typesInWords(left)} and ${sourceOf(use, syntax.right)} is ${typesInWords(right)}`;
  const hint =
    syntax.operator.length > 1 && EQUALITY.has(syntax.operator)
      ? 'They are never equal. Compare values of the same type.'
      : `"${syntax.operator}" compares two numbers or two texts.`;
  problems.add('type-mismatch', use.part(syntax.start, syntax.end - syntax.start), message, hint);
}

function checkNumber(side: Syntax, operator: string, { use, inference, problems }: Check): void {
  const { types } = inference.typeOf(side).facts();
  if (types === null || types.has('number')) return;
  problems.add(
    'type-mismatch',
    use.part(side.start, side.end - side.start),
    `${sourceOf(use, side)} is ${typesInWords(types)}`,
    `"${operator}" takes numbers; +'80' makes one of a text.`,
  );
}
