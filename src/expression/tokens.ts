/**
 * The first look at a source: its length, the depth of its brackets and the number of its parts are checked on
 * the token stream, which needs no stack, before the recursive parser sees anything.
 */
import { type Token, tokenizer } from 'acorn';
import { EXPRESSION_LIMITS } from './limits.js';
import { ExpressionError, quoted, refuse, type Span } from './problem.js';

export const ACORN_OPTIONS = { ecmaVersion: 2022, sourceType: 'module', preserveParens: true } as const;

const OPENING: ReadonlySet<string> = new Set(['(', '[', '{', '${']);
const CLOSING: ReadonlySet<string> = new Set([')', ']', '}']);
/** Tokens that stand for nothing by themselves. */
const PUNCTUATION: ReadonlySet<string> = new Set([')', ']', '}', ',', ':', '.', ';', 'template']);

const onComment = (_block: boolean, _text: string, start: number, end: number): never =>
  refuse({ start, end }, 'a comment is not part of an expression');

/** The tokens of `source`. Throws ExpressionError when it is empty, too long, too deep, too large, or no JavaScript at all. */
export function tokensOf(source: string): readonly Token[] {
  const { characters, depth: deepest, parts: most } = EXPRESSION_LIMITS;
  if (source.length > characters) {
    const size = String(source.length);
    refuse(
      { start: characters, end: source.length },
      `the expression has ${size} characters, more than ${String(characters)}`,
    );
  }
  if (source.trim() === '') refuse({ start: 0, end: source.length }, 'the expression is empty');

  const tokens: Token[] = [];
  let depth = 0;
  let parts = 0;
  try {
    for (const token of tokenizer(source, { ...ACORN_OPTIONS, onComment })) {
      const { label } = token.type;
      if (label === 'regexp') refuse(token, 'a regular expression is not part of the expression language');
      if (label === '=' || label === '_=') {
        refuse(token, 'an assignment is not part of the expression language', 'To compare, write ===.');
      }
      if (OPENING.has(label) && ++depth > deepest) refuse(token, `brackets are nested deeper than ${String(deepest)}`);
      if (CLOSING.has(label)) depth--;
      if (!PUNCTUATION.has(label) && ++parts > most)
        refuse(token, `the expression has more than ${String(most)} parts`);
      tokens.push(token);
    }
  } catch (error) {
    throw located(error, source);
  }
  return tokens;
}

/** Whatever acorn threw, as an ExpressionError at the place that acorn names. */
export function located(error: unknown, source: string): ExpressionError {
  if (error instanceof ExpressionError) return error;
  const position = error instanceof SyntaxError && 'pos' in error && typeof error.pos === 'number' ? error.pos : 0;
  const start = Math.min(position, source.length);
  const text = /^(?:[\w$]+|=>|[=!<>&|?+*/%.-]+|\S)/u.exec(source.slice(start))?.[0] ?? '';
  const span: Span = { start, end: start + text.length };
  const raw = error instanceof Error ? error.message.replace(/ \(\d+:\d+\)$/, '') : '';
  if (raw !== 'Unexpected token' && raw !== '') return problemAt(span, raw.charAt(0).toLowerCase() + raw.slice(1));
  if (source.slice(start).trim() === '')
    return problemAt({ start: source.trimEnd().length, end: source.length }, 'the expression ends too early');
  return problemAt(span, `unexpected ${quoted(text)}`);
}

function problemAt(span: Span, message: string): ExpressionError {
  return new ExpressionError({ message, hint: null, offset: span.start, length: Math.max(1, span.end - span.start) });
}
