/** A coordinator of the chaos run, in a process of its own. */
import { Coordinator } from '../../../src/coordinator/coordinator.js';
import type { CoordinatorEvent } from '../../../src/coordinator/events.js';
import { systemClock } from '../../../src/core/clock.js';
import { messageOf } from '../../../src/core/errors.js';
import { randomIds } from '../../../src/core/ids.js';
import { failpoints, isDead, openPatiently, readSettings, told, untilAborted, writeLine } from './settings.js';

const settings = readSettings();
const { slot, partitions, leaseMs, events } = settings;
const stop = told();
const store = await openPatiently(settings, stop);
if (store !== null) {
  const report = (event: CoordinatorEvent): void => {
    // These come with every turn, and say nothing here.
    if (event.type === 'turn' || event.type === 'partition.held' || event.type === 'run.ended') return;
    const plain = 'error' in event ? { ...event, error: messageOf(event.error) } : event;
    writeLine(events, { slot, at: Date.now(), ...plain });
  };
  const name = `${slot}:${String(process.pid)}`;
  const means = { clock: systemClock, ids: randomIds, report, failpoints, ...(settings.knowsDead && { isDead }) };
  const coordinator = new Coordinator({ store, partitions, name, leaseMs, ...means });
  coordinator.start();
  await untilAborted(stop);
  await coordinator.stop();
  await store.close();
}
process.exit(0);
