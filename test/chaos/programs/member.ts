/** A coordinator or a worker of the chaos run, in a process of its own; what personas do is in personas.ts. */
import { hostname } from 'node:os';
import { Coordinator } from '../../../src/coordinator/coordinator.js';
import type { CoordinatorEvent } from '../../../src/coordinator/events.js';
import { systemClock } from '../../../src/core/clock.js';
import { messageOf } from '../../../src/core/errors.js';
import { Failpoints } from '../../../src/core/failpoints.js';
import { randomIds } from '../../../src/core/ids.js';
import type { Store } from '../../../src/core/ports.js';
import { WorkerHost } from '../../../src/personas/host.js';
import type { WorkerEvent } from '../../../src/personas/worker-events.js';
import { chaosPersonas } from './personas.js';
import { isDead, openPatiently, received, type Settings, told, untilAborted, writeLine } from './settings.js';

interface Means {
  readonly settings: Settings;
  readonly store: Store;
  readonly failpoints: Failpoints;
}

/** These come with every turn or attempt, and say nothing here. */
const ORDINARY: ReadonlySet<CoordinatorEvent['type'] | WorkerEvent['type']> = new Set([
  'turn',
  'partition.held',
  'run.ended',
  'joined',
  'waiting',
  'taken',
  'begun',
  'replied',
  'ended',
]);

const stop = told();
const settings = await received();
const failpoints = new Failpoints(settings.failpoints, settings.failpointLog);
const store = await openPatiently(settings, { failpoints, signal: stop });
if (store !== null) {
  const means = { settings, store, failpoints };
  const service = settings.role === 'coordinator' ? coordinator(means) : worker(means);
  service.start();
  await untilAborted(stop);
  await service.stop();
  await store.close();
}
process.exit(0);

function coordinator({ settings: { slot, partitions, leaseMs, knowsDead }, ...means }: Means): Coordinator {
  const name = `${slot}:${String(process.pid)}`;
  const common = { clock: systemClock, ids: randomIds, report, ...(knowsDead && { isDead }) };
  return new Coordinator({ ...means, ...common, partitions, name, leaseMs });
}

function worker({ settings: own, store: opened, failpoints: armed }: Means): WorkerHost {
  const { partitions, stateDir, heartbeatMs, beatMs, knowsDead } = own;
  const name = `${hostname()}:${String(process.pid)}:${randomIds.nonce().slice(0, 6)}`;
  return new WorkerHost({
    store: opened,
    partitions,
    personas: chaosPersonas({ settings: own, store: opened, worker: name }),
    worker: name,
    stateDir,
    clock: systemClock,
    heartbeatMs,
    beatMs,
    graceMs: 500,
    failpoints: armed,
    report,
    ...(knowsDead && { isDead }),
  });
}

function report(event: CoordinatorEvent | WorkerEvent): void {
  if (ORDINARY.has(event.type)) return;
  const plain = 'error' in event ? { ...event, error: messageOf(event.error) } : event;
  writeLine(settings.events, { slot: settings.slot, at: Date.now(), ...plain });
}
