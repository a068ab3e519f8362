/** An expression, parsed once and evaluated as often as wanted: what a `condition` and the holes of a template are. */
import { CoordError, hasCode, messageOf } from '../core/errors.js';
import type { JsonValue } from '../core/json.js';
import { compile } from './compile.js';
import type { Frame } from './frame.js';
import { parseSyntax } from './grammar.js';
import { EXPRESSION_LIMITS } from './limits.js';
import { quoted } from './problem.js';
import { type Reference, referencesOf } from './references.js';
import type { Scope } from './scope.js';
import { isWithin } from './size.js';
import { partsOf, type Syntax } from './syntax.js';

export interface Expression {
  readonly source: string;
  readonly syntax: Syntax;
  /** Every place where it reads the scope. */
  readonly references: readonly Reference[];
  /** Whether it ends in `?? null`: its author wants null rather than an error. */
  readonly mayBeNull: boolean;
  /** The value, undefined when there is none. Throws EXPRESSION_FAILED and nothing else; changes nothing. */
  evaluate(scope: Scope): JsonValue | undefined;
}

/** Throws ExpressionError (code EXPRESSION_INVALID) with the place of the first problem. */
export function parseExpression(source: string): Expression {
  const { syntax, slots } = parseSyntax(source);
  const run = compile(syntax, source);
  const makesLists = buildsLists(syntax);
  return {
    source,
    syntax,
    references: referencesOf(syntax),
    mayBeNull: endsInNull(syntax),
    evaluate: (scope) => {
      const frame: Frame = { scope, locals: Array.from({ length: slots }), steps: 0 };
      try {
        const value = run(frame) as JsonValue | undefined;
        if (makesLists) refuseOversized(value, source);
        return value;
      } catch (error) {
        throw asFailure(error);
      }
    },
  };
}

/** Whether it can yield a list that is not in the data already. */
function buildsLists(syntax: Syntax): boolean {
  return (
    syntax.kind === 'list' ||
    (syntax.kind === 'call' && syntax.method === 'map') ||
    partsOf(syntax).some((part) => buildsLists(part))
  );
}

function refuseOversized(value: JsonValue | undefined, source: string): void {
  const { value: most } = EXPRESSION_LIMITS;
  if (isWithin(value, most)) return;
  throw new CoordError(
    'EXPRESSION_FAILED',
    `a list of more than ${String(most)} characters would be made: ${quoted(source.trim())}`,
  );
}

function endsInNull(syntax: Syntax): boolean {
  return (
    syntax.kind === 'logical' &&
    syntax.operator === '??' &&
    syntax.right.kind === 'literal' &&
    syntax.right.value === null
  );
}

function asFailure(error: unknown): CoordError {
  if (hasCode(error, 'EXPRESSION_FAILED')) return error;
  return new CoordError('EXPRESSION_FAILED', `the evaluation broke: ${messageOf(error)}`, { cause: error });
}
