import fc from 'fast-check';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { slotOf } from '../../src/redis/slots.js';
import { startStandalone } from '../harness/topology.js';

test('slots are those that a server computes, for any key', async () => {
  const part = fc.oneof(fc.constantFrom('{', '}', '{}', ':'), fc.string({ unit: 'grapheme', maxLength: 5 }));
  const keys = fc.sample(fc.array(part, { minLength: 1, maxLength: 8 }), 1_000).map((parts) => parts.join(''));
  const single = await startStandalone({ config: ['cluster-enabled yes'] });
  const redis = new Redis(single.server.port, '127.0.0.1');
  try {
    const slots = await Promise.all(keys.map((key) => redis.cluster('KEYSLOT', key)));
    expect(keys.map((key) => [key, slotOf(key)])).toEqual(keys.map((key, index) => [key, slots[index]]));
  } finally {
    redis.disconnect();
    await single.stop();
  }
});
