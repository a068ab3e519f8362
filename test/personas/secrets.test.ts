/** Secrets are taken out of everything that a persona says or leaves. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { REDACTED, Redaction, secretsIn } from '../../src/personas/secrets.js';

const CANARY = 'cánary/Z9+kk31x+77';
const redaction = new Redaction([CANARY]);

describe('secretsIn', () => {
  test('takes what is secret by the name of its variable, and passwords in addresses', () => {
    const environment = {
      OPENAI_API_KEY: 'abcdefgh1',
      npm_token: 'abcdefgh2',
      DB_PASSWORD: 'abcdefgh3',
      DATABASE_URL: 'postgres://me:abcd%40efgh4@db/x',
      SHORT_KEY: 'abc',
      SSH_KEY: '/home/me/.ssh/id',
      KEYBOARD: 'abcdefgh5',
      PWD: '/home/me/project',
      MODE: 'abcdefgh6',
      HOMEPAGE: 'https://example.org/abcdefgh7',
    };
    expect(secretsIn(environment, ['MODE'])).toEqual([
      'abcdefgh1',
      'abcdefgh2',
      'abcdefgh3',
      'abcd%40efgh4',
      'abcd@efgh4',
      'abcdefgh6',
    ]);
  });
});

describe('what is known', () => {
  test('is found as it is, in addresses, and in base 64 wherever it begins', () => {
    for (const before of ['', 'a', 'ab', 'abc', 'user:']) {
      const inBase64 = Buffer.from(`${before}${CANARY} and more`).toString('base64');
      const clean = redaction.text(inBase64);
      expect(clean).toContain(REDACTED);
      expect(Buffer.from(clean.replace(REDACTED, ''), 'base64').toString()).not.toContain(CANARY.slice(2, -2));
    }
    expect(redaction.text(`?q=${encodeURIComponent(CANARY)}&x=1`)).toBe(`?q=${REDACTED}&x=1`);
    expect(redaction.value({ [CANARY]: [{ a: `x${CANARY}y` }], n: 1 })).toEqual({
      [REDACTED]: [{ a: `x${REDACTED}y` }],
      n: 1,
    });
  });

  test('leaves no more than a few characters, wherever a text with it is cut', () => {
    const text = `one two ${CANARY} three four`;
    const cut = fc.tuple(fc.nat(text.length), fc.nat(text.length));
    fc.assert(
      fc.property(cut, ([one, other]) => {
        const [from, to] = [Math.min(one, other), Math.max(one, other)];
        const clean = redaction.piece(text.slice(from, to));
        // A part from its middle alone is no sign of it.
        const edges = [CANARY.slice(0, 6), CANARY.slice(-6)];
        expect(edges.filter((edge) => clean.includes(edge))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test('is overwritten in a file that is no text, whose size stays', () => {
    const content = Buffer.concat([Buffer.from([0, 255, 1]), Buffer.from(CANARY), Buffer.from([7])]);
    const clean = Buffer.from(redaction.bytes(content));
    expect(clean.length).toBe(content.length);
    expect(clean.includes(CANARY)).toBe(false);
    expect(clean.subarray(0, 3)).toEqual(content.subarray(0, 3));
    expect(clean.at(-1)).toBe(7);
  });
});

describe('shapes of well-known keys', () => {
  const none = new Redaction([]);
  test.each([
    ['sk-ant-api03-AbCdEfGhIjKlMnOpQrStUv_wxyz'],
    ['sk-proj-AbCdEfGhIjKlMnOpQrStUv'],
    [`ghp_${'a1B2'.repeat(9)}`],
    [`github_pat_${'a1B2_'.repeat(12)}`],
    [`glpat-${'a1B2'.repeat(5)}`],
    ['xoxb-123456789012-abcdef'],
    ['AKIAIOSFODNN7EXAMPLE'],
    [`AIza${'a1B2_'.repeat(7)}`],
    [`npm_${'a1B2'.repeat(9)}`],
    [`sk_live_${'a1B2'.repeat(6)}`],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLWhlcmU'],
    ['-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK\n-----END RSA PRIVATE KEY-----'],
  ])('%s', (key) => {
    expect(none.text(`before "${key}" after`)).toBe(`before "${REDACTED}" after`);
  });

  test('of an address only the password; of a header only its value', () => {
    expect(none.text('redis://ann:hunter2@db:6379/0 x')).toBe(`redis://ann:${REDACTED}@db:6379/0 x`);
    expect(none.text('"Authorization": "Bearer abcdefghijklmnop1234"')).toBe(`"Authorization": "Bearer ${REDACTED}"`);
  });

  test.each([
    'the task is skipped',
    'sk-small',
    'git@github.com:a/b.git https://github.com/a/b',
    'a commit 0123456789abcdef0123456789abcdef01234567',
    'Authorization: Bearer ${token}',
    'const eyJ = 1; npm_config_cache',
  ])('%s stays as it is', (text) => {
    expect(none.text(text)).toBe(text);
    expect(none.piece(text)).toBe(text);
  });
});
