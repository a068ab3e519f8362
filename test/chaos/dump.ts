/** Everything that the store holds after a chaos run, as plain data: what the checks look at, and what their tests forge. */
import type { Redis } from 'ioredis';
import type { Fact } from '../../src/core/facts.js';
import { journalMessages } from '../../src/core/journal.js';
import type { Message } from '../../src/core/messages.js';
import { RUN_STATUSES } from '../../src/core/statuses.js';
import { Keys, type PartitionKeys } from '../../src/redis/keys.js';

/** One transition as the run's history tells it. */
export interface DumpedEntry {
  readonly id: string;
  readonly version: number;
  readonly position: number;
  readonly epoch: number;
  /** As stored. */
  readonly texts: { readonly messages: string; readonly facts: string };
  readonly messages: readonly Message[];
  readonly facts: readonly Fact[];
  readonly hash: string;
  readonly genesis: string | null;
}

export interface DumpedRun {
  readonly run: string;
  /** Fields of its hash. */
  readonly fields: Readonly<Record<string, string>>;
  /** Statuses that it is listed under. */
  readonly listed: readonly string[];
  readonly entries: readonly DumpedEntry[];
}

export interface StreamState {
  readonly length: number;
  /** Entries that were ever added to it. */
  readonly added: number;
}

export interface RequestsState extends StreamState {
  readonly pending: number;
  readonly readers: readonly string[];
}

export interface StreamedEntry {
  readonly id: string;
  readonly fields: Readonly<Record<string, string>>;
}

export interface DumpedPartition {
  readonly partition: number;
  readonly lease: Readonly<Record<string, string>>;
  readonly inbox: StreamState & { /** What is not applied yet. */ readonly entries: readonly StreamedEntry[] };
  readonly dead: readonly StreamedEntry[];
  readonly incidents: readonly StreamedEntry[];
  readonly timers: readonly { readonly id: string; readonly due: number }[];
  readonly requests: Readonly<Record<string, RequestsState>>;
  /** Keys of places that runs hold or wait for. */
  readonly slots: readonly string[];
  readonly suspects: number;
  readonly runs: readonly DumpedRun[];
  /** Artifacts that are stored. */
  readonly artifacts: number;
  /** All its keys. */
  readonly keys: number;
}

export interface Dump {
  readonly partitions: readonly DumpedPartition[];
  /** Workers that are said to be there. */
  readonly workers: readonly string[];
  readonly coordinators: readonly string[];
  readonly definitions: Readonly<Record<string, string>>;
}

export async function dumpStore(redis: Redis, where: { namespace: string; partitions: number }): Promise<Dump> {
  const keys = new Keys(where.namespace);
  const all = await scan(redis, `*${where.namespace}*`);
  const definitions: Record<string, string> = {};
  const prefix = keys.definition('');
  for (const key of all.filter((name) => name.startsWith(prefix)))
    definitions[key.slice(prefix.length)] = (await redis.get(key)) ?? '';
  const partitions: DumpedPartition[] = [];
  for (let partition = 0; partition < where.partitions; partition++)
    partitions.push(await dumpPartition(redis, { partition, keys: keys.partition(partition), all }));
  return {
    partitions,
    workers: await redis.hkeys(keys.workers),
    coordinators: await redis.hkeys(keys.coordinators),
    definitions,
  };
}

async function dumpPartition(
  redis: Redis,
  { partition, keys, all }: { partition: number; keys: PartitionKeys; all: readonly string[] },
): Promise<DumpedPartition> {
  const own = all.filter((key) => key.startsWith(keys.lease.slice(0, -'lease'.length)));
  const named = (key: string): readonly string[] =>
    own.filter((name) => name.startsWith(key)).map((name) => name.slice(key.length));
  const listed = new Map<string, string[]>();
  for (const status of RUN_STATUSES) {
    for (const run of await listOf(redis, 'ZRANGE', [keys.runs(status), 0, -1]))
      listed.set(run, [...(listed.get(run) ?? []), status]);
  }
  const runs = await Promise.all(
    named(keys.run('')).map(async (run) => ({
      run,
      fields: await redis.hgetall(keys.run(run)),
      listed: listed.get(run) ?? [],
      entries: (await entriesOf(redis, keys.history(run))).map(journalEntry),
    })),
  );
  const requests: Record<string, RequestsState> = {};
  for (const persona of named(keys.requests(''))) requests[persona] = await requestsOf(redis, keys.requests(persona));
  const timers = await listOf(redis, 'ZRANGE', [keys.timers, 0, -1, 'WITHSCORES']);
  return {
    partition,
    lease: await redis.hgetall(keys.lease),
    inbox: { ...(await streamState(redis, keys.inbox)), entries: await entriesOf(redis, keys.inbox) },
    dead: await entriesOf(redis, keys.dead),
    incidents: await entriesOf(redis, keys.incidents),
    timers: timers.flatMap((id, index) => (index % 2 === 0 ? [{ id, due: Number(timers[index + 1]) }] : [])),
    requests,
    slots: own.filter((key) => key.includes('}:slot')),
    suspects: await redis.hlen(keys.suspects),
    runs: runs.toSorted((a, b) => (a.run < b.run ? -1 : 1)),
    artifacts: named(keys.artifact('')).length,
    keys: own.length,
  };
}

function journalEntry({ id, fields }: StreamedEntry): DumpedEntry {
  const texts = { messages: fields['messages'] ?? '[]', facts: fields['facts'] ?? '[]' };
  return {
    id,
    version: Number(fields['version']),
    position: Number(fields['position']),
    epoch: Number(fields['epoch']),
    texts,
    messages: journalMessages(texts.messages),
    facts: JSON.parse(texts.facts) as readonly Fact[],
    hash: fields['hash'] ?? '',
    genesis: fields['genesis'] ?? null,
  };
}

async function scan(redis: Redis, match: string): Promise<readonly string[]> {
  const keys = new Set<string>();
  for (let cursor = '0'; ; ) {
    const [next, page] = await redis.scan(cursor, 'MATCH', match, 'COUNT', 1_000);
    for (const key of page) keys.add(key);
    if (next === '0') return [...keys].toSorted();
    cursor = next;
  }
}

async function entriesOf(redis: Redis, stream: string): Promise<readonly StreamedEntry[]> {
  return (await redis.xrange(stream, '-', '+')).map(([id, fields]) => ({ id, fields: pairs(fields) }));
}

async function streamState(redis: Redis, stream: string): Promise<StreamState> {
  if ((await redis.exists(stream)) === 0) return { length: 0, added: 0 };
  const info = pairs(await listOf(redis, 'XINFO', ['STREAM', stream]));
  return { length: Number(info['length']), added: Number(info['entries-added']) };
}

async function requestsOf(redis: Redis, stream: string): Promise<RequestsState> {
  const [group] = (await redis.call('XINFO', 'GROUPS', stream)) as unknown[][];
  const readers =
    group === undefined ? [] : ((await redis.call('XINFO', 'CONSUMERS', stream, 'workers')) as unknown[][]);
  return {
    ...(await streamState(redis, stream)),
    pending: Number(pairs((group ?? []).map(String))['pending'] ?? 0),
    readers: readers.map((reader) => pairs(reader.map(String))['name'] ?? ''),
  };
}

async function listOf(redis: Redis, command: string, args: (string | number)[]): Promise<readonly string[]> {
  return ((await redis.call(command, args)) as unknown[]).map(String);
}

function pairs(list: readonly string[]): Record<string, string> {
  const record: Record<string, string> = {};
  for (let index = 0; index + 1 < list.length; index += 2) record[list[index] ?? ''] = list[index + 1] ?? '';
  return record;
}
