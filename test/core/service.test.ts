import { describe, expect, it } from 'vitest';
import { Loop } from '../../src/core/service.js';

/** A loop that says what happens to it and ends when it is let go. */
class Watched extends Loop {
  readonly seen: string[] = [];
  letGo: () => void = () => undefined;
  readonly #gate = new Promise<void>((resolve) => {
    this.letGo = resolve;
  });

  get stopping(): boolean {
    return this.signal.aborted;
  }

  protected async body(signal: AbortSignal): Promise<void> {
    this.seen.push('began');
    signal.addEventListener('abort', () => this.seen.push('aborted'));
    await this.#gate;
    this.seen.push('ended');
  }
}

class Failing extends Loop {
  protected body(): Promise<void> {
    return Promise.reject(new Error('broken'));
  }
}

describe('a loop', () => {
  it('does nothing until it is started', async () => {
    const loop = new Watched();
    await Promise.resolve();
    expect(loop.seen).toEqual([]);
  });

  it('stops only when its body has returned', async () => {
    const loop = new Watched();
    loop.start();
    expect(loop.stopping).toBe(false);
    const stopped = loop.stop().then(() => loop.seen.push('stopped'));
    await Promise.resolve();
    expect(loop.seen).toEqual(['began', 'aborted']);
    expect(loop.stopping).toBe(true);
    loop.letGo();
    await stopped;
    expect(loop.seen).toEqual(['began', 'aborted', 'ended', 'stopped']);
  });

  it('may be started twice and stopped twice', async () => {
    const loop = new Watched();
    loop.start();
    loop.start();
    loop.letGo();
    await Promise.all([loop.stop(), loop.stop()]);
    await loop.stop();
    expect(loop.seen).toEqual(['began', 'aborted', 'ended']);
  });

  it('that was stopped first never begins', async () => {
    const loop = new Watched();
    await loop.stop();
    loop.start();
    await loop.ended();
    expect(loop.seen).toEqual([]);
  });

  it('can be stopped from within its own beginning', async () => {
    class StopsItself extends Loop {
      aborted = false;
      stopped: Promise<void> | null = null;
      protected async body(signal: AbortSignal): Promise<void> {
        this.stopped = this.stop();
        this.aborted = signal.aborted;
        await Promise.resolve();
      }
    }
    const loop = new StopsItself();
    loop.start();
    await loop.stopped;
    await loop.stop();
    expect(loop.aborted).toBe(true);
  });

  it('that ends by itself can still be waited for and stopped', async () => {
    const loop = new Watched();
    loop.start();
    loop.letGo();
    await loop.ended();
    await loop.stop();
    expect(loop.seen).toContain('ended');
  });

  it('hands on what its body threw', async () => {
    const loop = new Failing();
    loop.start();
    await expect(loop.ended()).rejects.toThrow('broken');
    await expect(loop.stop()).rejects.toThrow('broken');
  });
});
