import RedisMock from 'ioredis-mock';
import { beforeEach, describe, expect, test } from 'vitest';
import { countedIds } from '../../src/core/ids.js';
import type { Argument, Commands } from '../../src/redis/commands.js';
import { Keys } from '../../src/redis/keys.js';
import { RedisNamespace } from '../../src/redis/namespace.js';

/** Plain keys only, so a stand-in for the server is enough; everything with streams and scripts runs on a real one. */
class MockCommands implements Commands {
  readonly redis = new RedisMock();

  async read(command: string, args: readonly Argument[]): Promise<unknown> {
    const method = Reflect.get(this.redis, command.toLowerCase()) as (...all: Argument[]) => Promise<unknown>;
    const reply = await method.apply(this.redis, [...args]);
    // The mock gives hashes as objects where the wire has a flat list.
    return command === 'HGETALL' ? Object.entries(reply as Record<string, string>).flat() : reply;
  }

  write(command: string, args: readonly Argument[]): Promise<unknown> {
    return this.read(command, args);
  }

  script(): never {
    throw new Error('scripts need a server');
  }

  readAll(commands: readonly (readonly [string, ...Argument[]])[]): Promise<unknown[]> {
    return Promise.all(commands.map(([command, ...args]) => this.read(command, args)));
  }
}

let commands: MockCommands;
const open = (): RedisNamespace => new RedisNamespace(commands, new Keys('n'), countedIds());

beforeEach(async () => {
  commands = new MockCommands();
  await commands.redis.flushall();
});

describe('the namespace', () => {
  test('is created once, with one partition unless told otherwise, and keeps its incarnation', async () => {
    expect(await open().open(null)).toEqual({ partitions: 1, incarnation: 'n1' });
    expect(await open().open(1)).toEqual({ partitions: 1, incarnation: 'n1' });
    await expect(open().open(4)).rejects.toMatchObject({
      code: 'PARTITION_MISMATCH',
      message: expect.stringContaining('has 1 partitions, 4 were asked for'),
    });
  });

  test('of a newer format is left alone', async () => {
    await commands.redis.hset('{n}:meta', { format: '99', partitions: '1', incarnation: 'x' });
    await expect(open().open(null)).rejects.toMatchObject({
      code: 'FORMAT_UNKNOWN',
      message: expect.stringContaining('upgrade coord'),
    });
  });

  test('takes what is no entry of a worker for nobody', async () => {
    const info = { worker: 'w', host: 'h', pid: 7, personas: ['qa'], busy: 0, seenAt: 1 };
    await commands.redis.hset('{n}:workers', { w: JSON.stringify(info), x: 'no JSON', y: '{"worker":7}' });
    expect(await open().listWorkers()).toEqual([info]);
  });

  test('keeps definitions by their hash', async () => {
    await open().putDefinition('h', '{}');
    expect(await open().getDefinition('h')).toBe('{}');
    expect(await commands.redis.keys('*definition*')).toEqual(['{n}:definition:h']);
  });
});
