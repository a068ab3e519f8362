import { describe, expect, test } from 'vitest';
import type { CoordinatorEvent } from '../../src/coordinator/events.js';
import { Undertaker } from '../../src/coordinator/undertaker.js';
import { ManualClock } from '../../src/core/clock.js';
import { CoordError } from '../../src/core/errors.js';
import type { WorkerInfo } from '../../src/core/ports.js';

const SILENT_MS = 2_000;

async function settled(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve();
}

class Scene {
  readonly clock = new ManualClock();
  readonly buried: string[] = [];
  readonly events: CoordinatorEvent[] = [];
  readonly dead = new Set<string>();
  workers: WorkerInfo[] = [];
  away = false;
  readonly undertaker = new Undertaker({
    namespace: {
      listWorkers: async () => {
        if (this.away) throw new CoordError('REDIS_UNREACHABLE', 'away');
        return this.workers;
      },
      forgetWorker: async (worker) => {
        this.workers = this.workers.filter((one) => one.worker !== worker);
      },
    },
    requests: {
      bury: async ({ partition, worker }) => {
        this.buried.push(`${worker} ${String(partition)}`);
        return 2;
      },
    },
    partitions: 2,
    clock: this.clock,
    report: (event) => this.events.push(event),
    isDead: (worker) => this.dead.has(worker),
    silentMs: SILENT_MS,
  });

  constructor() {
    this.undertaker.start();
  }

  says(worker: string): void {
    const info = { worker, host: 'h', pid: 2, personas: [], busy: 0, seenAt: this.clock.now() };
    this.workers = [...this.workers.filter((one) => one.worker !== worker), info];
  }

  async pass(ms: number, speaking: readonly string[] = []): Promise<void> {
    for (let gone = 0; gone < ms; gone += 500) {
      for (const worker of speaking) this.says(worker);
      await settled();
      this.clock.advance(500);
      await settled();
    }
  }
}

describe('the undertaker', () => {
  test('buries a worker whose process is gone at once, in every partition', async () => {
    const scene = new Scene();
    scene.says('a');
    scene.says('b');
    scene.dead.add('a');
    await scene.pass(500, ['b']);
    expect(scene.buried).toEqual(['a 0', 'a 1']);
    expect(scene.workers.map(({ worker }) => worker)).toEqual(['b']);
    expect(scene.events).toMatchObject([{ type: 'worker.buried', worker: 'a', attempts: 4 }]);
    await scene.undertaker.stop();
  });

  test('buries a worker that says nothing for too long, and none that speaks', async () => {
    const scene = new Scene();
    scene.says('a');
    await scene.pass(SILENT_MS, ['b']);
    expect(scene.buried).toEqual([]);
    await scene.pass(1_000, ['b']);
    expect(scene.buried).toEqual(['a 0', 'a 1']);
    await scene.pass(10_000, ['b']);
    expect(scene.buried).toHaveLength(2);
    await scene.undertaker.stop();
  });

  test('takes a store that was away, and a time that it slept through itself, for nobody’s silence', async () => {
    const scene = new Scene();
    scene.says('a');
    await scene.pass(1_000);
    scene.away = true;
    await scene.pass(20_000);
    scene.away = false;
    await scene.pass(1_000);
    scene.clock.advance(60_000);
    await scene.pass(500);
    expect(scene.buried).toEqual([]);
    await scene.undertaker.stop();
  });
});
