/** Circuit breakers in memory. See `BreakerPort`. */
import { BREAKER_MESSAGE, breakerKey, type BreakerPort, type BreakerState } from '../core/breaker-port.js';
import type { MemoryContents } from './contents.js';

export function memoryBreakers(contents: MemoryContents): BreakerPort {
  const { breakers } = contents;
  return {
    enter: async ({ worker, probeMs, ...name }) => {
      const now = contents.now();
      const breaker = breakers.get(breakerKey(name));
      if (breaker === undefined || breaker.state === 'closed') return 'go';
      const { retryAt, probe } = breaker;
      if (retryAt !== null && retryAt > now) return { wait: retryAt - now };
      if (probe !== null && probe.worker !== worker && probe.until > now) return { wait: probe.until - now };
      const until = now + probeMs;
      breakers.set(breakerKey(name), { ...breaker, state: 'half-open', retryAt: null, probe: { worker, until } });
      return 'probe';
    },
    told: async ({ worker, probe, outcome, message, waitMs, policy, persona, endpoint }) => {
      const now = contents.now();
      const key = breakerKey({ persona, endpoint });
      const stored = breakers.get(key) ?? null;
      const closed = stored === null || stored.state === 'closed';
      if (!closed && !(probe && stored.probe?.worker === worker))
        return { wait: Math.max(0, (stored.retryAt ?? stored.probe?.until ?? now) - now) };
      if (outcome === 'ok') {
        breakers.delete(key);
        return 'go';
      }
      if (outcome === 'unknown') {
        if (closed) return 'go';
        breakers.set(key, { ...stored, state: 'open', retryAt: now, probe: null });
        return { wait: 0 };
      }
      const isNew = stored === null || (closed && stored.lastAt + policy.windowMs < now);
      const row = isNew ? { failures: 0, since: now, opens: 0 } : stored;
      const failures = row.failures + 1;
      const said = {
        persona,
        endpoint,
        failures,
        since: row.since,
        lastAt: now,
        message: message.slice(0, BREAKER_MESSAGE),
      };
      if (closed && failures < policy.failures) {
        breakers.set(key, { ...said, state: 'closed', opens: row.opens, retryAt: null, probe: null });
        return 'go';
      }
      const cool = Math.min(Math.max(policy.coolDownMs * 2 ** Math.min(row.opens, 30), waitMs), policy.longestMs);
      breakers.set(key, { ...said, state: 'open', opens: row.opens + 1, retryAt: now + cool, probe: null });
      return { wait: cool };
    },
    all: async () =>
      [...breakers]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([, stored]): BreakerState => {
          const { opens: _, ...state } = stored;
          return state;
        }),
  };
}
