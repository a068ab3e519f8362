/** Reading never waits for what gives nothing, and never takes more than was asked for. */
import { execFileSync } from 'node:child_process';
import { constants, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readBytes } from '../../src/definition/load-bytes.js';

const folder = mkdtempSync(join(tmpdir(), 'coord-bytes-'));
const file = join(folder, 'file');
const pipe = join(folder, 'pipe');
beforeAll(() => {
  writeFileSync(file, 'x'.repeat(20));
  execFileSync('mkfifo', [pipe]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lengthOf = async (path: string, limit: number, pipes = true): Promise<number | string> => {
  const read = await readBytes(path, { limit, pipes });
  return 'bytes' in read ? read.bytes.length : read.refused;
};

describe('bytes of a file', () => {
  test('are all there are, or one more than the limit', async () => {
    expect(await lengthOf(file, 20)).toBe(20);
    expect(await lengthOf(file, 7)).toBe(8);
    expect(await lengthOf(file, 0)).toBe(1);
  });

  test.each([
    [pipe, 'it is a pipe, not a regular file'],
    [folder, 'it is a folder, not a regular file'],
    ['/dev/null', 'it is a device, not a regular file'],
    [join(folder, 'gone'), 'there is no such file or folder'],
    [join(file, 'below'), 'a part of the path is no folder'],
  ])('are not those of %s', async (path, refused) => expect(await lengthOf(path, 10)).toBe(refused));

  test.runIf(existsSync('/proc/self/fd'))('may come from a pipe of the shell, as many as are wanted', async () => {
    // Open for writing too, so that it has no end: only the limit ends the reading.
    const handle = await open(pipe, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      await handle.write('x'.repeat(20));
      const path = `/proc/self/fd/${String(handle.fd)}`;
      expect(await lengthOf(path, 10, false)).toBe('it is a pipe, not a regular file');
      expect(await lengthOf(path, 10)).toBe(11);
    } finally {
      await handle.close();
    }
  });
});
