/** Dead letters and runs that are set aside, on Redis. See `KeepPort`. */
import type {
  DeadLetter,
  ForcedEnd,
  KeepPort,
  LetterKey,
  LetterPort,
  Reinstatement,
  RepairPort,
} from '../core/keep-ports.js';
import { RUN_STATUSES, type RunStatus } from '../core/statuses.js';
import { type KeepMeans, redisCollecting } from './collecting.js';
import type { PartitionKeys } from './keys.js';
import { FEED_LENGTH } from './partitions.js';
import { entriesOf, pairsOf, type StreamEntry, streamEntries } from './replies.js';

export function redisKeeping(means: KeepMeans): KeepPort {
  return { ...redisLetters(means), ...redisRepair(means), ...redisCollecting(means) };
}

const REPLAY_ANSWERS: Readonly<Record<string, Awaited<ReturnType<LetterPort['replay']>>>> = {
  OK: 'replayed',
  LATE: 'late',
  NO_PERSONA: 'no_persona',
  NO_RUN: 'no_run',
  ENDED: 'ended',
  SET_ASIDE: 'set_aside',
};

function redisLetters({ connection, keys: all, watermarks }: KeepMeans): LetterPort {
  return {
    letters: async ({ partition, after, limit }) => {
      const { dead } = all.partition(partition);
      const reply = await connection.read('XRANGE', [dead, `(${after}`, '+', 'COUNT', limit]);
      return streamEntries(reply).map((entry) => letterOf(partition, entry));
    },
    letter: async ({ partition, id }) => {
      const reply = await connection.read('XRANGE', [all.partition(partition).dead, id, id]);
      const [entry] = streamEntries(reply);
      return entry === undefined ? null : letterOf(partition, entry);
    },
    replay: async ({ partition, id, run, kind, persona }, by) => {
      const keys = all.partition(partition);
      const isRequest = kind === 'request' && persona !== '';
      const [reply, ...where] = await connection.script(
        'replay',
        [keys.dead, keys.run(run), isRequest ? keys.requests(persona) : keys.inbox, keys.lease, keys.audit],
        [id, run, persona, by],
      );
      watermarks.noteReply(partition, where);
      return REPLAY_ANSWERS[reply] ?? 'gone';
    },
    drop: async ({ partition, id }: LetterKey, by) => {
      const keys = all.partition(partition);
      const [reply] = await connection.script('drop', [keys.dead, keys.audit], [id, by]);
      return reply === 'OK' ? 'dropped' : 'gone';
    },
    audit: async (partition, limit) => {
      const reply = await connection.read('XREVRANGE', [all.partition(partition).audit, '+', '-', 'COUNT', limit]);
      return streamEntries(reply).map(({ id, fields }) => ({
        partition,
        at: timeOf(id),
        action: fields.get('action') ?? '',
        what: fields.get('what') ?? '',
        by: fields.get('by') ?? '',
      }));
    },
  };
}

function redisRepair({ connection, keys: all, watermarks }: KeepMeans): RepairPort {
  return {
    fields: async (partition, run) => {
      const fields = pairsOf(await connection.read('HGETALL', [all.partition(partition).run(run)]));
      return fields.size === 0 ? null : fields;
    },
    timersOf: async (partition, run) => {
      const { timers } = all.partition(partition);
      const found = new Set<string>();
      let cursor = '0';
      do {
        const page = await connection.read('ZSCAN', [timers, cursor, 'MATCH', `*|${run}|*`, 'COUNT', 1_000]);
        const [next, members] = entriesOf(page);
        cursor = String(next);
        for (const timer of pairsOf(members).keys()) if (timer.split('|')[1] === run) found.add(timer);
      } while (cursor !== '0');
      return [...found];
    },
    reinstate: async (change) => {
      const keys = all.partition(change.partition);
      const [reply, position, term, sent] = await connection.script(
        'reinstate',
        [keys.run(change.run), keys.dead, keys.inbox, keys.lease, keys.audit, ...listsOf(keys, change.status)],
        [change.run, change.version, reinstatementOf(change), change.status, change.action, change.by],
      );
      if (reply !== 'OK') return { outcome: reply === 'STALE' ? 'stale' : 'not_set_aside' };
      watermarks.noteReply(change.partition, [position, term]);
      return { outcome: 'ok', sent: Number(sent) };
    },
    end: async (change) => {
      const { partition, run } = change;
      const keys = all.partition(partition);
      const fixed = [
        keys.run(run),
        keys.history(run),
        keys.timers,
        keys.feed,
        keys.inbox,
        keys.lease,
        keys.audit,
        ...listsOf(keys, 'failed'),
      ];
      const ending = endingOf(change, keys, fixed.length);
      const [reply, ...where] = await connection.script(
        'end',
        [...fixed, ...ending.keys],
        [run, change.version, ending.json, change.record, change.facts, change.hash, change.by, FEED_LENGTH],
      );
      if (reply !== 'OK') return reply === 'STALE' ? 'stale' : 'not_set_aside';
      watermarks.noteReply(partition, where);
      return 'ok';
    },
  };
}

function letterOf(partition: number, { id, fields }: StreamEntry): DeadLetter {
  const field = (name: string): string => fields.get(name) ?? '';
  return {
    partition,
    id,
    at: timeOf(id),
    run: field('run'),
    kind: field('kind'),
    head: field('head'),
    body: field('body'),
    reason: field('reason'),
    persona: field('persona'),
  };
}

function timeOf(id: string): number {
  return Number(id.split('-')[0]);
}

/** The list of the status first, then all others: a run that was torn may stand in any. */
function listsOf(keys: PartitionKeys, status: RunStatus): readonly string[] {
  return [keys.runs(status), ...RUN_STATUSES.filter((other) => other !== status).map((other) => keys.runs(other))];
}

function reinstatementOf({ set, drop, letters }: Reinstatement): string {
  return JSON.stringify({ set: [...set].flat(), drop, letters });
}

/** Other keys are named by their place among all keys, since a script may touch declared keys only. */
function endingOf(
  { set, drop, disarm, sends, slot }: ForcedEnd,
  keys: PartitionKeys,
  before: number,
): { readonly json: string; readonly keys: readonly string[] } {
  const others: string[] = [];
  const placeOf = (key: string): number => before + others.push(key);
  const ending = {
    lists: RUN_STATUSES.length - 1,
    set: [...set].flat(),
    drop,
    disarm,
    sends: sends.map(({ run, kind, body }) => [placeOf(keys.run(run)), run, kind, body]),
    ...(slot !== null && { slot: [placeOf(keys.slot(slot)), placeOf(keys.slotLine(slot))] }),
  };
  return { json: JSON.stringify(ending), keys: others };
}
