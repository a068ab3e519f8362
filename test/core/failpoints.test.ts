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

  it('stalls everything in this process for its time, and then goes on', () => {
    const failpoints = new Failpoints('a:2:stall=120', join(folder, 'log'));
    const from = performance.now();
    expect(thrownAt(failpoints, ['a'])).toEqual([]);
    const between = performance.now();
    expect(thrownAt(failpoints, ['a', 'a'])).toEqual([]);
    expect(performance.now() - between).toBeGreaterThanOrEqual(115);
    expect(between - from).toBeLessThan(115);
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe(`a:2:stall=120 pid ${String(process.pid)}\n`);
  });

  it('drawn at random hits any place, about as often as asked, the same ones for the same seed', () => {
    const names = Array.from({ length: 2_000 }, (_, index) => `place-${String(index % 7)}`);
    const hits = thrownAt(new Failpoints('random:7:0.05:throw', undefined), names);
    expect(hits.length).toBeGreaterThan(60);
    expect(hits.length).toBeLessThan(140);
    expect(new Set(hits.map((hit) => hit % 7)).size).toBe(7);
    expect(thrownAt(new Failpoints('random:7:0.05:throw', undefined), names)).toEqual(hits);
    expect(thrownAt(new Failpoints('random:8:0.05:throw', undefined), names)).not.toEqual(hits);
  });

  it('drawn at random says so in the log', () => {
    const log = join(folder, 'log');
    thrownAt(new Failpoints('random:1:1:throw', log), ['commit.before']);
    expect(readFileSync(log, 'utf8')).toBe(`commit.before:random:throw pid ${String(process.pid)}\n`);
  });

  it('does nothing when none is armed', () => {
    for (const failpoints of [noFailpoints, new Failpoints(undefined, undefined), new Failpoints('', undefined)])
      expect(thrownAt(failpoints, ['a', '*'])).toEqual([]);
  });

  it.each(['a', 'a:1', 'a:x:kill', 'a:1:stall', 'a:1:stall=0', 'a:1:throw,b', 'random:1:2:kill', 'random:x:0.1:kill'])(
    'refuses %s',
    (text) => {
      expect(() => new Failpoints(text, undefined)).toThrow(/COORD_FAILPOINTS/);
    },
  );
});
