import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkCall, checkReply, loadScripts, parseScript, SCRIPTS } from '../../src/redis/scripts.js';

const FOLDER = new URL('../../src/redis/scripts/', import.meta.url);
const HEADER =
  '#!lua\n-- demo: shows a header.\n-- KEYS[1] a hash   KEYS[2] b stream\n-- ARGV[1] one   ARGV[2] two\n-- Replies: OK value | NO\n';

describe('the scripts', () => {
  test('are all files of the folder', () => {
    const files = readdirSync(FOLDER).filter((name) => name.endsWith('.lua'));
    expect(files.map((name) => name.replace('.lua', '')).toSorted()).toEqual([...SCRIPTS].toSorted());
  });

  test.each([...SCRIPTS])('%s uses the keys and arguments that its header names, all of them and no others', (name) => {
    const script = loadScripts().get(name);
    const body = (script?.source ?? '')
      .split('\n')
      .filter((line) => !line.startsWith('-- '))
      .join('\n');
    const used = (word: string): number[] =>
      [...new Set([...body.matchAll(new RegExp(`${word}\\[(\\d+)`, 'g'))].map((match) => Number(match[1])))].toSorted(
        (a, b) => a - b,
      );
    const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
    expect(used('KEYS')).toEqual(upTo(script?.keys.least ?? 0));
    expect(used('ARGV')).toEqual(upTo(script?.arguments ?? 0));
  });

  test.each([...SCRIPTS])('%s swallows no error and replies only what its header names', (name) => {
    const text = readFileSync(new URL(`${name}.lua`, FOLDER), 'utf8');
    expect(text).not.toContain('pcall');
    const replies = loadScripts().get(name)?.replies ?? [];
    const literal = [...text.matchAll(/return \{ '([A-Z_]+)'/g)].map((match) => match[1]);
    for (const reply of literal) expect(replies).toContain(reply);
  });
});

describe('a header', () => {
  test('is read: keys, arguments, replies', () => {
    expect(parseScript('demo', `${HEADER}return { 'OK' }`)).toMatchObject({
      keys: { least: 2, open: false },
      arguments: 2,
      replies: ['OK', 'NO'],
    });
    expect(parseScript('demo', HEADER.replace('KEYS[2] b', 'KEYS[2..] b')).keys).toEqual({ least: 1, open: true });
  });

  test('that is missing or does not count up is an error', () => {
    expect(() => parseScript('demo', "return { 'OK' }")).toThrow('its header does not begin with "-- demo: "');
    expect(() => parseScript('demo', HEADER.replace('Replies', 'Returns'))).toThrow('its header names no replies');
    expect(() => parseScript('demo', HEADER.replace('KEYS[2]', 'KEYS[3]'))).toThrow('counts KEYS[3] where 2 is due');
  });

  test('binds the calls and the replies', () => {
    const script = parseScript('demo', HEADER);
    expect(() => checkCall(script, { keys: 1, arguments: 2 })).toThrow('called with 1 keys, its header names 2');
    expect(() => checkCall(script, { keys: 2, arguments: 3 })).toThrow('called with 3 arguments, its header names 2');
    expect(checkReply(script, ['OK', 1])).toEqual(['OK', 1]);
    expect(() => checkReply(script, ['MAYBE'])).toThrow('replied ["MAYBE"], its header names OK, NO');
    expect(() => checkReply(script, 'OK')).toThrow('replied "OK"');
  });
});
