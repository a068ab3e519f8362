import { describe, expect, test } from 'vitest';
import { Keys } from '../../src/redis/keys.js';
import { transitionOf } from '../../src/redis/transition.js';
import { commitOf } from '../contract/scene.js';

const keys = new Keys('ns').partition(0);
const inner = { run: 'a.00000001', definition: 'd', input: 'i', record: 'r' };

describe('a transition', () => {
  test('that asks nothing of others names no keys, and the script nothing to look up', () => {
    const { json, keys: named } = transitionOf(commitOf(), keys);
    expect(named).toEqual([]);
    expect(Object.keys(JSON.parse(json) as object)).toEqual([
      'run',
      'status',
      'steps',
      'consumed',
      'requests',
      'arm',
      'disarm',
    ]);
  });

  test('names each key once, by its place', () => {
    const requests = ['qa', 'dev', 'qa'].map((persona) => ({ persona, body: persona }));
    const sends = ['b', inner.run, 'b'].map((run) => ({ run, kind: 'cancel', body: '{}' }));
    const { json, keys: named } = transitionOf(commitOf({ requests, starts: [inner], sends, release: 'k' }), keys);
    expect(named).toEqual([
      '{ns:0}:requests:qa',
      '{ns:0}:requests:dev',
      '{ns:0}:runs:pending',
      '{ns:0}:run:a.00000001',
      '{ns:0}:run:b',
      '{ns:0}:slot:8254c329a92850f6d539dd376f4816ee',
      '{ns:0}:slot-line:8254c329a92850f6d539dd376f4816ee',
    ]);
    expect(JSON.parse(json)).toMatchObject({
      requests: [
        [1, 'qa'],
        [2, 'dev'],
        [1, 'qa'],
      ],
      pending: 3,
      starts: [[4, 'a.00000001', 'd', 'i', 'r']],
      sends: [
        [5, 'b', 'cancel', '{}'],
        [4, 'a.00000001', 'cancel', '{}'],
        [5, 'b', 'cancel', '{}'],
      ],
      slot: [6, 7],
    });
  });
});
