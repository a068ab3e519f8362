import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CoordError, type ErrorCode, ERRORS, hasCode, messageOf } from '../../src/core/errors.js';

describe('docs/errors.md', () => {
  const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const rows = new Map(
    [...text.matchAll(/^\| `(\w+)` +\|(.+)\|$/gm)].map(([, code, rest]): [string, string[]] => [
      code ?? '',
      (rest ?? '').split('|').map((cell) => cell.trim()),
    ]),
  );

  it('lists exactly the codes of the catalogue, in its order', () => {
    expect([...rows.keys()]).toEqual(Object.keys(ERRORS));
  });

  it.each(Object.entries(ERRORS))('says of %s what the catalogue says, and what to do', (code, kind) => {
    const [meaning, exit, retryable, todo] = rows.get(code) ?? [];
    expect([meaning, exit, retryable]).toEqual([kind.summary, String(kind.exit), kind.retryable ? 'yes' : 'no']);
    expect(todo).toMatch(/\w.{10,}\.$/);
  });
});

describe('CoordError', () => {
  it('carries its code, what the catalogue says of it, and its cause', () => {
    const cause = new Error('ECONNREFUSED');
    const error = new CoordError('REDIS_UNREACHABLE', 'no answer from unix:/x', { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('CoordError');
    expect([error.code, error.exit, error.retryable, error.cause]).toEqual(['REDIS_UNREACHABLE', 1, true, cause]);
    expect(new CoordError('USAGE', 'x').exit).toBe(2);
  });

  it('is recognized by its code', () => {
    const error = new CoordError('USAGE', 'x');
    expect(hasCode(error, 'USAGE')).toBe(true);
    expect(hasCode(error, 'FAILPOINT')).toBe(false);
    expect(hasCode({ code: 'USAGE' satisfies ErrorCode }, 'USAGE')).toBe(false);
  });
});

it('messageOf takes whatever was thrown', () => {
  expect(messageOf(new CoordError('USAGE', 'wrong'))).toBe('wrong');
  expect(messageOf('text')).toBe('text');
  expect(messageOf(undefined)).toBe('undefined');
});
