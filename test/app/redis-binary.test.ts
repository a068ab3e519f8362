import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findRedisBinary } from '../../src/app/redis-binary.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coord-bin-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string, says: string): string {
  const file = join(folder, name);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `#!/bin/sh\necho '${says}'\n`);
  chmodSync(file, 0o755);
  return file;
}

describe('the server program', () => {
  test('is the first one on PATH that is new enough; Redis before Valkey, what was chosen before both', async () => {
    const old = program('a/redis-server', 'Redis server v=6.2.7 sha=0');
    const redis = program('b/redis-server', 'Redis server v=7.0.15 sha=0');
    const valkey = program('a/valkey-server', 'Valkey server v=8.0.1 sha=0');
    const PATH = [join(old, '..'), join(redis, '..')].join(delimiter);
    expect(await findRedisBinary({ PATH })).toEqual({ binary: redis });
    expect(await findRedisBinary({ PATH: join(valkey, '..') })).toEqual({ binary: valkey });
    expect(await findRedisBinary({ PATH, COORD_REDIS_BIN: valkey })).toEqual({ binary: valkey });
  });

  test('says why there is none', async () => {
    expect(await findRedisBinary({ PATH: folder })).toEqual({ binary: null, why: 'no redis-server was found' });
    const old = program('redis-server', 'Redis server v=6.2.7 sha=0');
    const strange = program('valkey-server', 'hello');
    expect(await findRedisBinary({ PATH: folder })).toEqual({
      binary: null,
      why: `no fitting redis-server was found (${old} is 6.2.7; ${strange} does not tell its version)`,
    });
  });
});
