/** Circuit breakers on Redis: one hash for the whole namespace. See `BreakerPort`. */
import { z } from 'zod';
import { BREAKER_MESSAGE, breakerKey, type BreakerPort, type BreakerState } from '../core/breaker-port.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { pairsOf } from './replies.js';

export function redisBreakers({ connection, keys }: { connection: Connection; keys: Keys }): BreakerPort {
  const key = keys.breakers;
  return {
    enter: async ({ worker, probeMs, ...name }) => {
      const [reply, ms] = await connection.script('breaker-enter', [key], [breakerKey(name), worker, probeMs]);
      if (reply === 'WAIT') return { wait: Number(ms) };
      return reply === 'GO' ? 'go' : 'probe';
    },
    told: async ({ worker, probe, outcome, message, waitMs, policy, ...name }) => {
      const { failures, windowMs, coolDownMs, longestMs } = policy;
      const limits = [waitMs, failures, windowMs, coolDownMs, longestMs];
      const said = message.slice(0, BREAKER_MESSAGE);
      const call = [breakerKey(name), worker, probe ? 1 : 0, outcome, said, ...limits];
      const [reply, ms] = await connection.script('breaker-told', [key], call);
      return reply === 'GO' ? 'go' : { wait: Number(ms) };
    },
    all: async () =>
      [...pairsOf(await connection.read('HGETALL', [key]))]
        .map(([name, text]) => stateOf(name, text))
        .toSorted((a, b) => (breakerKey(a) < breakerKey(b) ? -1 : 1)),
  };
}

const breakerSchema = z.object({
  state: z.enum(['closed', 'open', 'half-open']),
  failures: z.number(),
  since: z.number(),
  lastAt: z.number(),
  message: z.string(),
  retryAt: z.number().optional(),
  probe: z.object({ worker: z.string(), until: z.number() }).optional(),
});

function stateOf(name: string, text: string): BreakerState {
  const { retryAt = null, probe = null, ...rest } = breakerSchema.parse(JSON.parse(text));
  const gap = name.indexOf(' ');
  return { persona: name.slice(0, gap), endpoint: name.slice(gap + 1), ...rest, retryAt, probe };
}
