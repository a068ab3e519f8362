import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countedIds, partitionOf, randomIds, RUN_ID, runIdFor } from '../../src/core/ids.js';

describe('nonces', () => {
  it('are 26 characters that can be read aloud, and never the same', () => {
    const nonces = Array.from({ length: 100 }, () => randomIds.nonce());
    for (const nonce of nonces) expect(nonce).toMatch(/^[0-9a-hjkmnp-tv-z]{26}$/);
    expect(new Set(nonces).size).toBe(100);
  });

  it('are counted in tests', () => {
    const ids = countedIds('worker-');
    expect([ids.nonce(), ids.nonce()]).toEqual(['worker-1', 'worker-2']);
  });
});

describe('runIdFor', () => {
  it('names the workflow, and is the same for the same key', () => {
    expect(runIdFor('Project loop!', 'key')).toMatch(/^project-loop-[0-9a-z]{10}$/);
    expect(runIdFor('project-loop', 'key')).toBe(runIdFor('project-loop', 'key'));
  });

  it('never changes from version to version', () => {
    expect(runIdFor('project-loop', 'key')).toBe('project-loop-gsdvmecbp5');
  });

  it('differs by key and by workflow', () => {
    const ids = [runIdFor('a', '1'), runIdFor('a', '2'), runIdFor('b', '1'), runIdFor('A', '1')];
    expect(new Set(ids).size).toBe(4);
  });

  it('is a valid run id whatever the workflow is called', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 100 }), fc.string(), (workflow, key) => {
        expect(runIdFor(workflow, key)).toMatch(RUN_ID);
      }),
    );
    expect(runIdFor('a'.repeat(100), 'key')).toMatch(RUN_ID);
    expect(runIdFor('…', 'key')).toMatch(/^run-/);
    expect(runIdFor(`${'a'.repeat(39)}-b`, 'key')).toMatch(RUN_ID);
  });
});

describe('RUN_ID', () => {
  it.each(['a', '7', 'project-loop-7k2m9x4h0q', 'a'.repeat(64)])('accepts %s', (id) => {
    expect(id).toMatch(RUN_ID);
  });

  it.each(['', '-a', 'a-', 'A', 'a b', 'a:b', 'a{b}', 'a|b', 'a\n', 'a'.repeat(65)])('refuses %j', (id) => {
    expect(id).not.toMatch(RUN_ID);
  });
});

describe('partitionOf', () => {
  it('never changes: keys are named by it', () => {
    const runs = ['a', 'project-loop-7k2m9x4h0q', 'feature-0000000000', 'z9'];
    expect(runs.map((run) => partitionOf(run, 16))).toEqual([12, 15, 0, 12]);
    expect(runs.map((run) => partitionOf(run, 3))).toEqual([1, 1, 0, 1]);
  });

  it('is a partition that exists', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 1_000 }), (run, partitions) => {
        const partition = partitionOf(run, partitions);
        expect(Number.isInteger(partition) && partition >= 0 && partition < partitions).toBe(true);
      }),
    );
    expect(partitionOf('anything', 1)).toBe(0);
  });

  it('spreads the runs of one workflow', () => {
    const counts = Array.from({ length: 8 }, () => 0);
    for (let index = 0; index < 8_000; index++) {
      const partition = partitionOf(runIdFor('project-loop', String(index)), 8);
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    for (const count of counts) expect(count).toBeGreaterThan(800);
  });
});
