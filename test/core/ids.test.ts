import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { childRunId, countedIds, partitionOf, randomIds, RUN_ID, runIdFor } from '../../src/core/ids.js';

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

describe('runIdFor with an affinity', () => {
  const text = 'repo-of-team-a';

  it('puts all runs with the same text into one partition, whatever workflow and key', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.integer({ min: 1, max: 64 }), (a, b, wish, partitions) => {
        const [first, second] = [a, b].map((key) => runIdFor(key, key, { text: wish, partitions }));
        expect(first).toMatch(RUN_ID);
        expect(partitionOf(first ?? '', partitions)).toBe(partitionOf(second ?? '', partitions));
      }),
    );
  });

  it('is the same for the same key, and never changes from version to version', () => {
    const id = (): string => runIdFor('project-loop', 'key', { text, partitions: 16 });
    expect(id()).toBe(id());
    expect(id()).toBe('project-loop-348zhb2d4v');
    expect(partitionOf(id(), 16)).toBe(13);
  });

  it('differs by key', () => {
    const ids = Array.from({ length: 500 }, (_, key) => runIdFor('a', String(key), { text, partitions: 8 }));
    expect(new Set(ids).size).toBe(500);
  });

  it('spreads the texts over the partitions, also those that differ behind a dot', () => {
    const places = Array.from({ length: 200 }, (_, index) =>
      partitionOf(runIdFor('a', 'key', { text: `same.${String(index)}`, partitions: 8 }), 8),
    );
    expect(new Set(places).size).toBe(8);
  });

  it('leaves the id as it is where it fits', () => {
    expect(runIdFor('project-loop', 'key', { text, partitions: 1 })).toBe(runIdFor('project-loop', 'key'));
  });
});

describe('childRunId', () => {
  it('is the id of the outermost run with eight characters, however deep', () => {
    const child = childRunId('feature-0000000000', 'each[0]/build', 1);
    expect(child).toMatch(/^feature-0000000000\.[0-9a-hjkmnp-tv-z]{8}$/);
    expect(childRunId(child, 'build', 1)).toMatch(/^feature-0000000000\.[0-9a-hjkmnp-tv-z]{8}$/);
  });

  it('never changes from version to version', () => {
    expect(childRunId('feature-0000000000', 'build', 1)).toBe('feature-0000000000.facyd8yx');
  });

  it('differs by parent, step and attempt', () => {
    const child = childRunId('a', 's', 1);
    const ids = [child, childRunId('b', 's', 1), childRunId('a', 't', 1), childRunId('a', 's', 2)];
    expect(new Set([...ids, childRunId(child, 's', 1)]).size).toBe(5);
  });

  it('is a run id in the partition of its parent', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(), fc.integer({ min: 1, max: 99 }), (key, step, attempt, count) => {
        const parent = runIdFor('feature', key);
        const child = childRunId(parent, step, attempt);
        expect(child).toMatch(RUN_ID);
        expect(partitionOf(child, count)).toBe(partitionOf(parent, count));
        expect(partitionOf(childRunId(child, step, attempt), count)).toBe(partitionOf(parent, count));
      }),
    );
  });
});

describe('RUN_ID', () => {
  const DOTTED = [
    '.',
    'a.',
    '.00000000',
    'a.b',
    'a.0000000',
    'a.000000000',
    'a.0000000i',
    'a-.00000000',
    'a..00000000',
  ].concat('a.00000000.00000000', 'a.00000000\n');

  it.each(['a', '7', 'project-loop-7k2m9x4h0q', 'a'.repeat(64), 'a-1.7k2m9x4h', `${'a'.repeat(64)}.00000000`])(
    'accepts %s',
    (id) => {
      expect(id).toMatch(RUN_ID);
    },
  );

  it.each(['', '-a', 'a-', 'A', 'a b', 'a:b', 'a{b}', 'a|b', 'a\n', 'a'.repeat(65), ...DOTTED])('refuses %j', (id) => {
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
