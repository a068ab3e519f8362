/** Which coordinators are there, in memory. See `RollPort`. */
import type { Clock } from '../core/clock.js';
import type { RollPort } from '../core/watch-ports.js';
import type { MemoryContents } from './contents.js';

export function memoryRoll(contents: MemoryContents, clock: Clock): RollPort {
  const { coordinators } = contents;
  const tell = (): void => {
    contents.rollMark++;
    for (const wake of contents.rollListeners) wake();
  };
  return {
    announce: async ({ coordinator, aliveMs, tell: asked }) => {
      const silent = [...coordinators].filter(([name, at]) => name !== coordinator && clock.now() - at > aliveMs);
      for (const [name] of silent) coordinators.delete(name);
      const changed = asked || silent.length > 0 || !coordinators.has(coordinator);
      coordinators.set(coordinator, clock.now());
      if (changed) tell();
      return { coordinators: [...coordinators.keys()].toSorted(), mark: String(contents.rollMark) };
    },
    forget: async (coordinator) => {
      coordinators.delete(coordinator);
      tell();
    },
    changed: async ({ mark, waitMs, signal }) => {
      if (String(contents.rollMark) !== mark) return;
      const over = new AbortController();
      const wake = (): void => over.abort();
      contents.rollListeners.add(wake);
      await clock.sleep(waitMs, AbortSignal.any([signal, over.signal]));
      contents.rollListeners.delete(wake);
    },
  };
}
