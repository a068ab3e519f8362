import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { identityOf } from '../../src/core/processes.js';
import { inTurn, withLock } from '../../src/core/turns.js';
import { aFolder } from '../personas/requests.js';

const means = { clock: systemClock };

describe('turns', () => {
  it('are taken one after another, also after a failure', async () => {
    const order: string[] = [];
    const say = async (text: string): Promise<void> => {
      order.push(`${text} begins`);
      await systemClock.sleep(1);
      order.push(`${text} ends`);
      if (text === 'a') throw new Error('a');
    };
    const all = ['a', 'b', 'c'].map((text) => inTurn('x', () => say(text)));
    await Promise.allSettled(all);
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });
});

describe('a lock file', () => {
  it('is held while the body runs, and gone afterwards', async () => {
    const path = join(aFolder(), 'x.lock');
    expect(await withLock(path, means, async () => existsSync(path))).toBe(true);
    expect(existsSync(path)).toBe(false);
  });

  it('of a process that died, and rubbish, is taken away', async () => {
    const path = join(aFolder(), 'x.lock');
    const child = spawn('true');
    await new Promise((resolve) => child.once('exit', resolve));
    writeFileSync(path, JSON.stringify({ pid: child.pid, startTime: '1', turn: 1 }));
    expect(await withLock(path, means, async () => 'mine')).toBe('mine');
    writeFileSync(path, 'rubbish');
    expect(await withLock(path, means, async () => 'mine')).toBe('mine');
  });

  it('of a living process is waited for until aborted', async () => {
    const path = join(aFolder(), 'x.lock');
    writeFileSync(path, JSON.stringify({ ...identityOf(process.pid), turn: 99 }));
    const controller = new AbortController();
    const waiting = withLock(path, { ...means, signal: controller.signal }, async () => 'mine');
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'GIT_FAILED' });
    expect(existsSync(path)).toBe(true);
  });
});
