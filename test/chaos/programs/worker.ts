/** A worker of the chaos run, in a process of its own; what its personas do is in personas.ts. */
import { hostname } from 'node:os';
import { systemClock } from '../../../src/core/clock.js';
import { randomIds } from '../../../src/core/ids.js';
import { WorkerHost } from '../../../src/personas/host.js';
import type { WorkerEvent } from '../../../src/personas/worker-events.js';
import { chaosPersonas } from './personas.js';
import { failpoints, isDead, openPatiently, readSettings, told, untilAborted, writeLine } from './settings.js';

/** Everything else is ordinary. */
const TOLD: ReadonlySet<WorkerEvent['type']> = new Set(['stale', 'stopped', 'reaped', 'refused', 'dropped', 'trouble']);

const settings = readSettings();
const { slot, partitions, stateDir, heartbeatMs, beatMs, events } = settings;
const stop = told();
const store = await openPatiently(settings, stop);
if (store !== null) {
  const worker = `${hostname()}:${String(process.pid)}:${randomIds.nonce().slice(0, 6)}`;
  const host = new WorkerHost({
    store,
    partitions,
    personas: chaosPersonas({ settings, store, worker }),
    worker,
    stateDir,
    clock: systemClock,
    heartbeatMs,
    beatMs,
    graceMs: 500,
    ...(settings.knowsDead && { isDead }),
    report: (event) => {
      if (TOLD.has(event.type)) writeLine(events, { slot, at: Date.now(), ...event });
    },
    failpoints,
  });
  host.start();
  await untilAborted(stop);
  await host.stop();
  await store.close();
}
process.exit(0);
