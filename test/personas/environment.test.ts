import { describe, expect, it } from 'vitest';
import { personaEnvironment, refusalOf } from '../../src/personas/environment.js';

describe('the environment of a command', () => {
  it('is an allow-list', () => {
    const inherited = {
      PATH: '/bin',
      HOME: '/h',
      LC_ALL: 'C',
      TERM: 'xterm',
      SECRET: 's',
      API_KEY: 'k',
      LD_PRELOAD: '/x.so',
      GIT_DIR: '/g',
      NODE_OPTIONS: '--require x',
      COORD_TOKEN: 'outer',
    };
    const names = ['API_KEY', 'LD_PRELOAD', 'GIT_DIR', 'NODE_OPTIONS', 'NOT_SET'];
    expect(personaEnvironment(names, { COORD_RUN: 'r' }, inherited)).toEqual({
      PATH: '/bin',
      HOME: '/h',
      LC_ALL: 'C',
      TERM: 'dumb',
      API_KEY: 'k',
      COORD_RUN: 'r',
    });
  });

  it.each([
    'LD_PRELOAD',
    'LD_LIBRARY_PATH',
    'DYLD_INSERT_LIBRARIES',
    'NODE_OPTIONS',
    'GIT_SSH_COMMAND',
    'BASH_ENV',
    'PYTHONSTARTUP',
    'COORD_X',
    'a b',
    'A=B',
    '',
  ])('never passes %j on', (name) => {
    expect(refusalOf(name)).not.toBeNull();
  });

  it.each(['API_KEY', 'OPENAI_API_KEY', 'HTTPS_PROXY', '_x1'])('passes %s on when asked', (name) => {
    expect(refusalOf(name)).toBeNull();
  });
});
