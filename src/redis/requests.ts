/** The worker's side of a partition on Redis: deliveries by consumer group, then begin, beat and reply by token. */
import { hasCode, messageOf } from '../core/errors.js';
import { parseTimer, type StepTimer, timerId } from '../core/messages.js';
import type { AttemptKey, Delivery, RequestPort } from '../core/request-port.js';
import type { Connection } from './connection.js';
import type { Keys, PartitionKeys } from './keys.js';
import { FEED_LENGTH } from './partitions.js';
import { entriesOf, pairsOf, type StreamEntry, streamEntries, streamReply } from './replies.js';
import type { RedisWatermarks } from './watermarks.js';

export const GROUP = 'workers';
const INHERIT_AT_ONCE = 1_000;

export class RedisRequests implements RequestPort {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #watermarks: RedisWatermarks;
  /** Whose turn it is, by partition: their readers come one after the other, and one count for all gave each always the same turn. */
  readonly #turns = new Map<number, number>();

  constructor(connection: Connection, keys: Keys, watermarks: RedisWatermarks) {
    this.#connection = connection;
    this.#keys = keys;
    this.#watermarks = watermarks;
  }

  async join({ partition, personas }: Parameters<RequestPort['join']>[0]): Promise<void> {
    const keys = this.#keys.partition(partition);
    await Promise.all(personas.map((persona) => this.#createGroup(keys.requests(persona))));
  }

  async take(want: Parameters<RequestPort['take']>[0]): Promise<readonly Delivery[]> {
    try {
      return want.recover || want.waitMs === 0 ? await this.#takeNow(want) : await this.#takeNext(want);
    } catch (error) {
      // Somebody deleted a stream; the group is made again from the start, so nothing in it is passed over.
      if (!messageOf(error).includes('NOGROUP')) throw error;
      await this.join(want);
      return [];
    }
  }

  async arrival(want: Parameters<RequestPort['arrival']>[0]): Promise<void> {
    const { partition, worker, personas, waitMs, signal } = want;
    const keys = this.#keys.partition(partition);
    const streams = personas.map((persona) => keys.requests(persona));
    const groups = await Promise.all(streams.map((stream) => this.#group(stream)));
    const sent = groups.map((group) => group?.get('last-delivered-id'));
    // A stream that was deleted; `take` makes it again.
    if (sent.some((id) => id === undefined)) return;
    const wait = ['COUNT', 1, 'BLOCK', Math.ceil(waitMs), 'STREAMS', ...streams, ...sent.map(String)];
    await this.#connection.blockingRead(readerOf(worker, partition), { command: 'XREAD', args: wait, waitMs, signal });
  }

  async claimAbandoned(want: Parameters<RequestPort['claimAbandoned']>[0]): Promise<readonly Delivery[]> {
    const { partition, worker, persona, idleMs, limit } = want;
    const stream = this.#keys.partition(partition).requests(persona);
    const reply = await this.#connection.write('XAUTOCLAIM', [stream, GROUP, worker, idleMs, '0', 'COUNT', limit]);
    return deliveries(partition, persona, streamEntries(entriesOf(reply)[1]));
  }

  async inherit({ partition, worker, personas, isDead }: Parameters<RequestPort['inherit']>[0]): Promise<number> {
    let inherited = 0;
    for (const persona of personas) {
      const stream = this.#keys.partition(partition).requests(persona);
      const readers = entriesOf(await this.#connection.read('XINFO', ['CONSUMERS', stream, GROUP]));
      const names = readers.map((reader) => pairsOf(reader).get('name') ?? '');
      // Whoever asks is alive, whatever is said of it: its reader would go with all that it holds.
      const dead = names.filter((name) => name !== worker && isDead(name));
      for (const name of dead) {
        const [, moved] = await this.#connection.script('inherit', [stream], [name, worker, INHERIT_AT_ONCE]);
        inherited += Number(moved);
      }
    }
    return inherited;
  }

  async begin(
    key: AttemptKey,
    { persona, entry, heartbeatMs, timeoutMs }: Parameters<RequestPort['begin']>[1],
  ): ReturnType<RequestPort['begin']> {
    const keys = this.#keys.partition(key.partition);
    const [reply, ...where] = await this.#connection.script(
      'begin',
      [keys.run(key.run), keys.requests(persona), keys.timers, keys.feed, keys.lease],
      [
        key.run,
        key.step,
        key.attempt,
        key.token,
        key.worker,
        entry,
        timer('heartbeat', key),
        heartbeatMs,
        timer('timeout', key),
        timeoutMs ?? '',
        FEED_LENGTH,
      ],
    );
    this.#watermarks.noteReply(key.partition, where);
    return BEGIN_ANSWERS[reply] ?? 'superseded';
  }

  async beat(key: AttemptKey, { heartbeatMs, progress }: Parameters<RequestPort['beat']>[1]): Promise<'ok' | 'stop'> {
    const keys = this.#keys.partition(key.partition);
    const [reply] = await this.#connection.script(
      'beat',
      [keys.run(key.run), keys.timers, keys.feed, keys.lease],
      [
        key.run,
        key.step,
        key.attempt,
        key.token,
        key.worker,
        timer('heartbeat', key),
        heartbeatMs,
        progress,
        FEED_LENGTH,
      ],
    );
    return reply === 'OK' ? 'ok' : 'stop';
  }

  async reply(key: AttemptKey, { body }: { body: string }): Promise<'ok' | 'repeated' | 'stale'> {
    const keys: PartitionKeys = this.#keys.partition(key.partition);
    const [reply, ...where] = await this.#connection.script(
      'reply',
      [keys.run(key.run), keys.inbox, keys.timers, keys.lease, keys.dead],
      [key.run, key.step, key.attempt, key.token, key.worker, timer('heartbeat', key), timer('timeout', key), body],
    );
    this.#watermarks.noteReply(key.partition, where);
    return reply === 'OK' ? 'ok' : reply === 'REPEATED' ? 'repeated' : 'stale';
  }

  async bury({ partition, worker, personas = [] }: Parameters<RequestPort['bury']>[0]): Promise<number> {
    const keys = this.#keys.partition(partition);
    for (const persona of personas)
      await this.#connection.script('abandon', [keys.requests(persona)], [worker, INHERIT_AT_ONCE]);
    const attempts = await this.#begunAttempts(keys);
    let held = 0;
    for (const { id, run, step, attempt } of attempts) {
      const of = [step, worker, id, attempt];
      const [reply] = await this.#connection.script('bury', [keys.run(run), keys.timers], of);
      if (reply === 'OK') held++;
    }
    return held;
  }

  async refuse({ partition, persona, entry, body }: Delivery, reason: string): Promise<void> {
    const keys = this.#keys.partition(partition);
    await this.#connection.script('refuse', [keys.requests(persona), keys.dead], [entry, reason, body, persona]);
  }

  async leave({ partition, worker, personas }: Parameters<RequestPort['leave']>[0]): Promise<void> {
    const keys = this.#keys.partition(partition);
    await Promise.all(personas.map((persona) => this.#connection.script('leave', [keys.requests(persona)], [worker])));
  }

  /** Whatever a worker has begun and not answered has a heartbeat timer. */
  async #begunAttempts(keys: PartitionKeys): Promise<readonly (StepTimer & { readonly id: string })[]> {
    const found: (StepTimer & { readonly id: string })[] = [];
    let cursor = '0';
    do {
      const page = await this.#connection.read('ZSCAN', [keys.timers, cursor, 'MATCH', 'heartbeat|*', 'COUNT', 1_000]);
      const [next, members] = entriesOf(page);
      cursor = String(next);
      for (const id of pairsOf(members).keys()) {
        const timerOf = parseTimer(id);
        if (timerOf !== null) found.push({ id, ...timerOf });
      }
    } while (cursor !== '0');
    return found;
  }

  async #takeNext(want: Parameters<RequestPort['take']>[0]): Promise<readonly Delivery[]> {
    const { partition, worker, waitMs, signal } = want;
    const { personas, limit } = this.#share(want);
    if (personas.length === 0) return [];
    const keys = this.#keys.partition(partition);
    const streams = personas.map((persona) => keys.requests(persona));
    const wait = ['BLOCK', Math.max(1, Math.ceil(waitMs))];
    const from = streams.map(() => '>');
    const args = ['GROUP', GROUP, worker, 'COUNT', limit, ...wait, 'STREAMS', ...streams, ...from];
    const read = { command: 'XREADGROUP', args, waitMs, signal };
    const taken = streamReply(await this.#connection.blockingRead(readerOf(worker, partition), read));
    return personas.flatMap((persona) => deliveries(partition, persona, taken.get(keys.requests(persona)) ?? []));
  }

  /** What lies there at this moment: one persona after the other, since the places in all may be fewer than they. */
  async #takeNow(want: Parameters<RequestPort['take']>[0]): Promise<readonly Delivery[]> {
    const { partition, worker, personas, limit, total, recover } = want;
    const keys = this.#keys.partition(partition);
    const taken: Delivery[] = [];
    for (const persona of this.#inTurn(partition, personas)) {
      const count = Math.min(limit, total - taken.length);
      if (count <= 0) break;
      const stream = keys.requests(persona);
      // An id instead of `>` gives what this worker was sent before and has not begun.
      const from = recover ? '0' : '>';
      const args = ['GROUP', GROUP, worker, 'COUNT', count, 'STREAMS', stream, from];
      const reply = streamReply(await this.#connection.write('XREADGROUP', args));
      taken.push(...deliveries(partition, persona, reply.get(stream) ?? []));
    }
    return taken;
  }

  /** Each call begins with the next one. */
  #inTurn(partition: number, personas: readonly string[]): readonly string[] {
    const turn = (this.#turns.get(partition) ?? 0) % Math.max(1, personas.length);
    this.#turns.set(partition, turn + 1);
    return [...personas.slice(turn), ...personas.slice(0, turn)];
  }

  /** COUNT is per stream, so the whole of `total` is shared out; with fewer free hands than personas they take turns. */
  #share({ partition, personas, limit, total }: Parameters<RequestPort['take']>[0]): {
    personas: readonly string[];
    limit: number;
  } {
    if (total >= personas.length)
      return { personas, limit: Math.max(1, Math.min(limit, Math.floor(total / Math.max(1, personas.length)))) };
    return { personas: this.#inTurn(partition, personas).slice(0, total), limit: 1 };
  }

  async #createGroup(stream: string): Promise<void> {
    try {
      await this.#connection.write('XGROUP', ['CREATE', stream, GROUP, '0', 'MKSTREAM']);
    } catch (error) {
      if (messageOf(error).includes('BUSYGROUP')) return;
      // A server that takes no writes refuses before it looks; the group may be there all the same.
      if (!hasCode(error, 'REDIS_NOT_WRITABLE') || !(await this.#hasGroup(stream))) throw error;
    }
  }

  async #hasGroup(stream: string): Promise<boolean> {
    return (await this.#group(stream)) !== null;
  }

  /** The fields of the workers' group; null when there is none. */
  async #group(stream: string): Promise<ReadonlyMap<string, string> | null> {
    try {
      const groups = entriesOf(await this.#connection.read('XINFO', ['GROUPS', stream])).map(pairsOf);
      return groups.find((group) => group.get('name') === GROUP) ?? null;
    } catch (error) {
      if (messageOf(error).includes('no such key')) return null;
      throw error;
    }
  }
}

const BEGIN_ANSWERS: Readonly<Record<string, Awaited<ReturnType<RequestPort['begin']>>>> = {
  GO: 'go',
  HELD: 'held',
  SUPERSEDED: 'superseded',
  DONE: 'done',
  CANCELED: 'canceled',
  NO_RUN: 'no_run',
};

function deliveries(partition: number, persona: string, entries: readonly StreamEntry[]): Delivery[] {
  return entries.map(({ id, fields }) => ({ partition, persona, entry: id, body: fields.get('body') ?? '' }));
}

/** One blocking connection per worker and partition. */
function readerOf(worker: string, partition: number): string {
  return `requests:${worker}:${String(partition)}`;
}

function timer(kind: 'heartbeat' | 'timeout', { run, step, attempt }: AttemptKey): string {
  return timerId({ kind, run, step, attempt });
}
