/** Named locks in memory. See `LockPort`. */
import type { LockHolding, LockPort, LockState, LockWaiter } from '../core/lock-port.js';
import type { MemoryContents } from './contents.js';

const BROKEN_KEPT = 100;

export function memoryLocks(contents: MemoryContents): LockPort {
  const { locks } = contents;
  const now = (): number => contents.now();
  /** Without those whose time is over; the holder `late` is kept although its time is. */
  const read = (name: string, late?: string): { holder: LockHolding | null; line: readonly LockWaiter[] } => {
    const { holder, line } = locks.get(name) ?? { holder: null, line: [] };
    const over = holder?.until !== null && holder !== null && holder.until <= now() && holder.party.id !== late;
    return { holder: over ? null : holder, line: line.filter(({ until }) => until > now()) };
  };
  const write = (state: LockState): void => {
    if (state.holder === null && state.line.length === 0) locks.delete(state.name);
    else locks.set(state.name, state);
  };
  return {
    acquire: async ({ name, party, leaseMs, placeMs }) => {
      const { holder, line } = read(name);
      const place = line.findIndex((waiter) => waiter.party.id === party.id);
      const others = line.filter((waiter) => waiter.party.id !== party.id);
      const ahead = place < 0 ? others.length : place;
      if (holder === null ? ahead === 0 : holder.party.id === party.id) {
        contents.lockGrants += 1;
        const grant = contents.lockGrants;
        const until = leaseMs === null ? null : now() + leaseMs;
        write({ name, holder: { party, grant, since: holder?.since ?? now(), until }, line: others });
        return { outcome: 'granted', grant };
      }
      const since = line[place]?.since ?? now();
      const kept = placeMs > 0 ? others.toSpliced(ahead, 0, { party, since, until: now() + placeMs }) : line;
      const state = { name, holder, line: kept };
      if (placeMs > 0) write(state);
      return { outcome: 'refused', ahead, state };
    },
    renew: async ({ name, id, grant, leaseMs }) => {
      const { holder, line } = read(name, id);
      if (holder === null || holder.party.id !== id || holder.grant !== grant) return 'lost';
      write({ name, holder: { ...holder, until: now() + leaseMs }, line });
      return 'ok';
    },
    release: async ({ name, id, grant, broken }) => {
      const { holder, line } = read(name);
      const released = holder !== null && holder.party.id === id && holder.grant === grant;
      const state = {
        name,
        holder: released ? null : holder,
        line: line.filter((waiter) => waiter.party.id !== id),
      };
      write(state);
      if (released && broken !== undefined) {
        const { by, reason } = broken;
        contents.brokenLocks.unshift({ name, from: holder.party, by, reason, at: now() });
        contents.brokenLocks.splice(BROKEN_KEPT);
      }
      return { released, next: state.holder === null ? (state.line[0]?.party ?? null) : null };
    },
    hasten: async (partition, timer) => {
      const { timers } = contents.at(partition);
      if (timers.has(timer)) timers.set(timer, 0);
    },
    said: async (partition, { id, step }) => {
      const run = contents.at(partition).runs.get(id);
      if (run === undefined) return null;
      return { status: run.status, record: run.record, step: run.steps.get(step)?.record ?? null };
    },
    broken: async () => [...contents.brokenLocks],
    get: async (name) => locks.get(name) ?? null,
    all: async () => [...locks.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}
