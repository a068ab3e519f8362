/** Named locks on Redis: one hash for the whole namespace. See `LockPort`. */
import { z } from 'zod';
import { type BrokenLock, type LockParty, type LockPort, lockPartySchema, type LockState } from '../core/lock-port.js';
import type { RunStatus } from '../core/statuses.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { entriesOf, pairsOf, textOf } from './replies.js';

export function redisLocks({ connection, keys }: { connection: Connection; keys: Keys }): LockPort {
  const key = keys.locks;
  return {
    acquire: async ({ name, party, leaseMs, placeMs }) => {
      const [reply, first, lock] = await connection.script(
        'lock',
        [key],
        [name, party.id, JSON.stringify(party), leaseMs ?? 0, placeMs],
      );
      if (reply === 'GRANTED') return { outcome: 'granted', grant: Number(first) };
      return { outcome: 'refused', ahead: Number(first), state: stateOf(name, String(lock)) };
    },
    renew: async ({ name, id, grant, leaseMs }) => {
      const [reply] = await connection.script('relock', [key], [name, id, grant, leaseMs]);
      return reply === 'OK' ? 'ok' : 'lost';
    },
    release: async ({ name, id, grant, broken }) => {
      const why = broken === undefined ? '' : JSON.stringify({ by: broken.by, reason: broken.reason });
      const [, released, next] = await connection.script('unlock', [key], [name, id, grant ?? 0, why]);
      return { released: Number(released) === 1, next: next === '' ? null : partyOf(String(next)) };
    },
    hasten: async (partition, timer) => {
      // Harmless to repeat, and a timer that is not armed stays away.
      await connection.write('ZADD', [keys.partition(partition).timers, 'XX', 0, timer]);
    },
    said: async (partition, { id, step }) => {
      const run = keys.partition(partition).run(id);
      const fields = await connection.read('HMGET', [run, 'status', 'record', `s:${step}`]);
      const [status = null, record = null, stepRecord = null] = entriesOf(fields).map(textOf);
      return status === null || record === null ? null : { status: status as RunStatus, record, step: stepRecord };
    },
    broken: async () => {
      const text = textOf(await connection.read('HGET', [key, 'broken']));
      return text === null ? [] : z.array(brokenSchema).parse(JSON.parse(text)).map(brokenOf);
    },
    get: async (name) => {
      const text = textOf(await connection.read('HGET', [key, `l:${name}`]));
      return text === null ? null : stateOf(name, text);
    },
    all: async () =>
      [...pairsOf(await connection.read('HGETALL', [key]))]
        .filter(([field]) => field.startsWith('l:'))
        .map(([field, text]) => stateOf(field.slice(2), text))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

const waiterSchema = z.object({ party: z.string(), since: z.number(), until: z.number() });
const lockSchema = z.object({
  holder: waiterSchema.extend({ grant: z.number() }).optional(),
  // Lua writes an empty list as an empty map.
  line: z.union([z.array(waiterSchema), z.strictObject({})]),
});

const brokenSchema = z.object({ name: z.string(), from: z.string(), why: z.string(), at: z.number() });
const whySchema = z.object({ by: z.string(), reason: z.string() });

function brokenOf({ name, from, why, at }: z.infer<typeof brokenSchema>): BrokenLock {
  return { name, from: partyOf(from), ...whySchema.parse(JSON.parse(why)), at };
}

function stateOf(name: string, text: string): LockState {
  const { holder, line } = lockSchema.parse(JSON.parse(text));
  return {
    name,
    holder:
      holder === undefined
        ? null
        : {
            party: partyOf(holder.party),
            grant: holder.grant,
            since: holder.since,
            until: holder.until === 0 ? null : holder.until,
          },
    line: Array.isArray(line) ? line.map(({ party, since, until }) => ({ party: partyOf(party), since, until })) : [],
  };
}

function partyOf(text: string): LockParty {
  return lockPartySchema.parse(JSON.parse(text));
}
