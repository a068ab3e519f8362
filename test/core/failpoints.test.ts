import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hasCode } from '../../src/core/errors.js';
import { Failpoints, noFailpoints } from '../../src/core/failpoints.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coord-failpoints-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Which of `names`, passed in order, threw. */
function thrownAt(failpoints: Failpoints, names: readonly string[]): readonly number[] {
  return names.flatMap((name, index) => {
    try {
      failpoints.pass(name);
      return [];
    } catch (error) {
      if (!hasCode(error, 'FAILPOINT')) throw error;
      return [index];
    }
  });
}

describe('a failpoint', () => {
  it('acts on exactly the nth pass of its name', () => {
    const failpoints = new Failpoints('commit.before:2:throw', undefined);
    expect(thrownAt(failpoints, ['commit.before', 'commit.after', 'commit.before', 'commit.before'])).toEqual([2]);
  });

  it('named * counts every pass', () => {
    expect(thrownAt(new Failpoints('*:3:throw', undefined), ['a', 'b', 'c', 'd'])).toEqual([2]);
  });

  it('may be one of several', () => {
    expect(thrownAt(new Failpoints('a:1:throw,b:2:throw', undefined), ['a', 'b', 'b'])).toEqual([0, 2]);
  });

  it('writes a line to the log before it acts', () => {
    const log = join(folder, 'log');
    thrownAt(new Failpoints('a:1:throw', log), ['a']);
    expect(readFileSync(log, 'utf8')).toBe(`a:1:throw pid ${String(process.pid)}\n`);
  });

  it('kills this process in a way that it cannot catch, and writes that first', () => {
    const log = join(folder, 'log');
    let logged = '';
    const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
      logged = readFileSync(log, 'utf8');
      return true;
    });
    thrownAt(new Failpoints('a:1:kill', log), ['a']);
    expect(kill.mock.calls).toEqual([[process.pid, 'SIGKILL']]);
    expect(logged).toMatch(/^a:1:kill /);
    kill.mockRestore();
  });

  it('does nothing when none is armed', () => {
    for (const failpoints of [noFailpoints, new Failpoints(undefined, undefined), new Failpoints('', undefined)])
      expect(thrownAt(failpoints, ['a', '*'])).toEqual([]);
  });

  it.each(['a', 'a:1', 'a:x:kill', 'a:1:stall', 'a:1:throw,b'])('refuses %s', (text) => {
    expect(() => new Failpoints(text, undefined)).toThrow(/COORD_FAILPOINTS/);
  });
});
