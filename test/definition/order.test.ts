import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { When } from '../../src/definition/steps.js';
import {
  Ancestry,
  describeCycle,
  edgesOf,
  findCycles,
  levelsOf,
  longestPath,
  nearestAncestors,
  topologicalOrder,
  waitsOf,
} from '../../src/definition/order.js';

const graph = (edges: Readonly<Record<string, readonly string[]>>): ReadonlyMap<string, readonly string[]> =>
  new Map(Object.entries(edges));

describe('order', () => {
  it('keeps the written order where the graph allows it', () => {
    const { order, dependents, stuck } = topologicalOrder(graph({ c: ['a'], a: [], b: [], d: ['c', 'b'] }));
    expect(order).toEqual(['a', 'b', 'c', 'd']);
    expect(dependents.get('a')).toEqual(['c']);
    expect(stuck).toEqual([]);
  });

  it('names what is stuck', () => {
    expect(topologicalOrder(graph({ a: ['b'], b: ['a'], c: ['b'], d: [] })).stuck).toEqual(['a', 'b', 'c']);
  });
});

describe('paths', () => {
  const diamond = graph({ a: [], b: ['a'], c: ['a'], d: ['b', 'c'], e: ['d', 'a'] });

  it('nearest ancestors first, up to the limit', () => {
    expect(nearestAncestors('e', diamond, 10)).toEqual(['d', 'a', 'b', 'c']);
    expect(nearestAncestors('e', diamond, 2)).toEqual(['d', 'a']);
    expect(nearestAncestors('a', diamond, 10)).toEqual([]);
  });

  it('the longest chain', () => {
    expect(longestPath(topologicalOrder(diamond).order, diamond)).toEqual({ path: ['a', 'b', 'd', 'e'], length: 4 });
    expect(longestPath([], graph({}))).toEqual({ path: [], length: 0 });
  });

  it('the longest chain by another measure', () => {
    const { order } = topologicalOrder(diamond);
    const lengths: Readonly<Record<string, number>> = { a: 1, b: 1, c: 5, d: 0, e: 0 };
    expect(longestPath(order, diamond, (id) => lengths[id] ?? 0)).toEqual({ path: ['a', 'c'], length: 6 });
  });

  it('levels: what waits for equally many, one after the other', () => {
    expect(levelsOf(diamond)).toEqual([['a'], ['b', 'c'], ['d'], ['e']]);
  });
});

describe('who waits for whom', () => {
  const step = (id: string, dependencies: readonly string[], when: When = 'on_success') => ({ id, dependencies, when });

  it('is what is written', () => {
    expect(waitsOf([step('a', []), step('b', ['a', 'gone'])])).toEqual(graph({ a: [], b: ['a'] }));
  });

  it('is everything ordinary, for a step that deals with failures and says nothing else', () => {
    const steps = [step('a', []), step('b', ['a']), step('clean', [], 'always'), step('undo', ['a'], 'on_failure')];
    const waits = waitsOf(steps);
    expect(waits).toEqual(graph({ a: [], b: ['a'], clean: ['*'], undo: ['a'], '*': ['a', 'b'] }));
    expect(levelsOf(waits)).toEqual([['a'], ['b', 'undo'], ['clean']]);
    const { order } = topologicalOrder(waits);
    expect(longestPath(order, waits)).toEqual({ path: ['a', 'b', 'clean'], length: 3 });
    expect(edgesOf(steps)).toEqual(graph({ a: [], b: ['a'], clean: ['a', 'b'], undo: ['a'] }));
  });

  it('leaves names of no step in the edges that a plan is made of, so that it is refused', () => {
    expect(edgesOf([step('b', ['gone'])])).toEqual(graph({ b: ['gone'] }));
  });
});

describe('cycles', () => {
  it('are told in a sentence that leaves out what nobody wrote', () => {
    expect(describeCycle(['a', 'b', 'a'])).toEqual({
      ids: ['a', 'b', 'a'],
      message: 'Circular dependency detected: a -> b -> a',
    });
    expect(describeCycle(['*', 'b', 'a', '*']).message).toBe('Circular dependency detected: b -> a -> b');
  });

  it('are found as paths', () => {
    expect(findCycles(graph({ a: ['b'], b: ['c'], c: ['a'], d: ['d'], e: [] }), 10)).toEqual([
      ['a', 'b', 'c', 'a'],
      ['d', 'd'],
    ]);
    expect(findCycles(graph({ a: ['a'], b: ['b'], c: ['c'] }), 2)).toHaveLength(2);
  });

  const any = fc.array(fc.array(fc.nat(12), { maxLength: 4 }), { minLength: 1, maxLength: 13 }).map((edges) => {
    const size = edges.length;
    return graph(
      Object.fromEntries(
        edges.map((targets, index) => [
          `s${String(index)}`,
          [...new Set(targets.filter((target) => target < size).map((target) => `s${String(target)}`))],
        ]),
      ),
    );
  });

  it('are found exactly when there is no order, and are real', () => {
    fc.assert(
      fc.property(any, (dependencies) => {
        const cycles = findCycles(dependencies, 100);
        expect(cycles.length > 0).toBe(topologicalOrder(dependencies).stuck.length > 0);
        for (const path of cycles) {
          expect(path[0]).toBe(path.at(-1));
          expect(path.slice(1).every((id, index) => dependencies.get(path[index] ?? '')?.includes(id))).toBe(true);
        }
      }),
    );
  });

  it('ancestry agrees with walking the graph', () => {
    fc.assert(
      fc.property(any, (dependencies) => {
        const { order, stuck } = topologicalOrder(dependencies);
        fc.pre(stuck.length === 0);
        const ancestry = new Ancestry(order, dependencies);
        for (const id of order) {
          expect(order.filter((other) => ancestry.dependsOn(id, other)).toSorted()).toEqual(
            nearestAncestors(id, dependencies, 100).toSorted(),
          );
        }
      }),
    );
  });
});
