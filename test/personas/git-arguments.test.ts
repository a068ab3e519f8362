import { describe, expect, it } from 'vitest';
import { GIT_OPERATIONS } from '../../src/definition/steps.js';
import {
  addressProblem,
  branchProblem,
  MESSAGE_LIMIT_BYTES,
  OPERATIONS,
  readGitParams,
  remoteProblem,
} from '../../src/personas/git-arguments.js';
import { aRepository, gitIn } from './repositories.js';

describe('the name of a branch', () => {
  it.each([
    'main',
    'feature/x',
    'coord/demo-1.3f7g2k1a',
    'v1.2',
    'Ünicode',
    'a-b_c',
    '1a2b3c4',
    'a@b',
    '{x}',
    'é'.repeat(100),
  ])('may be %s', (name) => {
    expect(branchProblem(name)).toBeNull();
  });

  it.each([
    ['--orphan=evil', 'starts with "-"'],
    ['-f', 'starts with "-"'],
    ['a..b', 'holds ".."'],
    ['HEAD:refs/heads/main', 'holds ":"'],
    ['@{-1}', 'holds "@{"'],
    ['x.lock', 'holds "x.lock": no part may start with "." or end with ".lock"'],
    ['x.lock/y', 'holds "x.lock": no part may start with "." or end with ".lock"'],
    ['a/.b', 'holds ".b": no part may start with "." or end with ".lock"'],
    ['x'.repeat(2_000), 'is longer than 200 bytes'],
    ['é'.repeat(101), 'is longer than 200 bytes'],
    ['a\nb', 'holds control or invisible characters'],
    ['a\0b', 'holds control or invisible characters'],
    ['a\u202Eb', 'holds control or invisible characters'],
    ['a\uD800', 'holds control or invisible characters'],
    ['a b', 'holds " "'],
    ['a\u00A0b', 'holds "\u00A0"'],
    ['main~1', 'holds "~"'],
    ['main^', 'holds "^"'],
    [':/text', 'holds ":"'],
    ['+main', null],
    ['*', 'holds "*"'],
    ['HEAD', 'is not the short name of a branch'],
    ['@', 'is not the short name of a branch'],
    ['refs/heads/x', 'is not the short name of a branch'],
    ['/a', 'starts with "/", or ends with "/" or "."'],
    ['a/', 'starts with "/", or ends with "/" or "."'],
    ['a.', 'starts with "/", or ends with "/" or "."'],
    ['a//b', 'holds "//"'],
    ['a\\b', 'holds "\\"'],
  ])('%j: %s', (name, problem) => {
    expect(branchProblem(name)).toBe(problem);
  });

  it('that passes is one that git takes as it stands', () => {
    const { repo } = aRepository();
    const parts = [
      'a',
      '-',
      '.',
      '/',
      '@',
      '{',
      '}',
      '+',
      '!',
      '%',
      '"',
      "'",
      '`',
      '$',
      ';',
      '&',
      '|',
      '#',
      '=',
      ',',
      '.lock',
    ];
    const names = parts
      .flatMap((one) => parts.map((two) => `x${one}${two}y`))
      .filter((name) => branchProblem(name) === null);
    expect(names.length).toBeGreaterThan(200);
    // One call for all: each would be refused with an error.
    const script =
      'for name in "$@"; do test "$(git check-ref-format --branch "$name")" = "$name" || echo "$name"; done';
    gitIn(repo, 'config', 'alias.check', `!f() { ${script}; }; f`);
    expect(gitIn(repo, 'check', ...names)).toBe('');
  });
});

describe('a remote', () => {
  it.each(['origin', 'up-stream', 'team/fork', 'r_1.x'])('may be called %s', (name) => {
    expect(remoteProblem(name)).toBeNull();
  });

  it.each(['https://x/y', 'git@host:x', '/srv/x.git', './x', '../x', '~/x', 'ext::sh', 'C:\\x'])(
    'is not the address %s',
    (name) => {
      expect(remoteProblem(name)).toMatch(/^is an address; only the name/);
    },
  );

  it.each(['', '-f', '--mirror', 'a b', 'a\0b', 'a\nb', 'a..b', 'x.lock', 'ö', 'x'.repeat(101)])(
    'is not called %j',
    (name) => {
      expect(remoteProblem(name)).toMatch(/^is not the name of a remote/);
    },
  );

  it.each([
    'https://github.com/a/b.git',
    'https://user:secret@host:8443/a',
    'https://[::1]:80/a',
    'ssh://git@host:22/a/b',
    'ssh://host/~a/b',
    'git@github.com:a/b.git',
    'host:a',
    'file:///srv/x.git',
    '/srv/with space/x.git',
  ])('may have the address %s', (address) => {
    expect(addressProblem(address)).toBeNull();
  });

  it.each([
    '--upload-pack=touch pwn',
    '-oProxyCommand=touch pwn',
    '-oProxyCommand=x',
    'ssh://-oProxyCommand=x/y',
    'ssh://-l@host/x',
    '-x@host:path',
    'git@-host:path',
    'host:-path',
    'ext::sh -c id',
    'ext::sh',
    'fd::17',
    'http://host/x',
    'git://host/x',
    'ftp://host/x',
    'https:///x',
    'https://-host/x',
    'https://host',
    'file://host/x',
    'file://-x',
    'relative/path',
    '../x',
    '~/x',
    '',
    '/a\nb',
    'git@host:a\u202Eb',
    `https://host/${'x'.repeat(2_000)}`,
  ])('does not have the address %j', (address) => {
    const problem = addressProblem(address);
    expect(problem).toMatch(/^(?:is|holds) /);
    expect(problem).not.toContain('pwn');
  });

  it('is judged in no time, whatever the address', () => {
    for (const part of ['a.', 'a-', '@', '/', ':', 'a@', '[:']) {
      expect(addressProblem(`https://${part.repeat(900)}`.slice(0, 1_999))).not.toBe('');
      expect(addressProblem(part.repeat(5_000_000))).toMatch(/longer/);
    }
  });
});

describe('the parameters', () => {
  const nothing = { branch: null, from: null, remote: null, message: null };

  it('are read, and empty texts are none', () => {
    expect(readGitParams({ operation: 'push' })).toEqual({ ...nothing, operation: 'push' });
    const all = { operation: 'sync', branch: 'main', remote: 'origin', from: '', message: null };
    expect(readGitParams(all)).toEqual({ ...nothing, operation: 'sync', branch: 'main', remote: 'origin' });
  });

  it('know the operations of the workflow language', () => {
    expect(OPERATIONS).toEqual(GIT_OPERATIONS);
  });

  it.each([
    [
      { operation: 'mergee' },
      'operation "mergee" is none of "branch", "switch", "commit", "push", "merge", "rebase", "sync". Did you mean "merge"?',
    ],
    [
      { operation: ['push'] },
      'operation ["push"] is none of "branch", "switch", "commit", "push", "merge", "rebase", "sync".',
    ],
    [{ operation: 'merge' }, 'operation "merge" needs a branch: set "branch" of the step'],
    [{ operation: 'push', branch: 7 }, 'branch must be a text, not 7'],
    [{ operation: 'push', branch: '-f' }, 'branch "-f" starts with "-"; choose another'],
    [{ operation: 'branch', branch: 'x', from: 'a..b' }, 'from "a..b" holds ".."; choose another'],
    [
      { operation: 'push', remote: 'a b' },
      'remote "a b" is not the name of a remote: letters, digits, ".", "_", "-", at most 100; choose another',
    ],
    [{ operation: 'commit', message: '\u200B\n \n' }, 'the message holds nothing but invisible characters'],
    [
      { operation: 'commit', message: 'x'.repeat(MESSAGE_LIMIT_BYTES + 1) },
      'the message has 65537 bytes; the limit is 65536',
    ],
  ])('%# are refused with what is wrong', (params, message) => {
    expect(() => readGitParams(params)).toThrow(expect.objectContaining({ code: 'GIT_REFUSED', message }));
  });

  it('have a message without what would fool a reader', () => {
    const message = '\n\u001b[31mred\u001b[0m\r\n\u001b]0;title\u0007\u202Eevil\u2066 \u200B\n\n\tkept \u0000\n\n';
    expect(readGitParams({ operation: 'commit', message }).message).toBe('red\nevil\n\n\tkept');
  });
});
