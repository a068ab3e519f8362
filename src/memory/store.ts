/**
 * The memory adapter as one `Store`: the same promises as on Redis while the process lives, and none after.
 * For tests, for trying coord without a server, and as the second opinion that keeps the ports honest.
 */
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import type { Ids } from '../core/ids.js';
import { sha256 } from '../core/json.js';
import type { Admission, AdmissionPort, ArtifactPort, NamespacePort, RunPort, Store } from '../core/ports.js';
import { runHasEnded } from '../core/statuses.js';
import { memoryBackup } from './backup.js';
import { memoryBreakers } from './breakers.js';
import { MemoryContents } from './contents.js';
import { memoryInspection } from './inspection.js';
import { expired, memoryKeeping } from './keeping.js';
import { isAfter, type MemoryPartition } from './partition.js';
import { MemoryPartitions, storedRun } from './partitions.js';
import { MemoryRequests } from './requests.js';
import { memoryLocks } from './locks.js';
import { memoryRoll } from './roll.js';
import { memorySchedules } from './schedules.js';
import { MemoryWatermarks } from './watermarks.js';

type At = (partition: number) => MemoryPartition;

/** As on Redis: enough to keep up, too few to be felt. */
const KEYS_FORGOTTEN_AT_ONCE = 10;

/** `contents`: what it reaches, when others reach the same; nothing by default. */
export function createMemoryStore({
  clock,
  ids,
  contents = new MemoryContents(clock, ids.nonce()),
}: {
  clock: Clock;
  ids: Ids;
  contents?: MemoryContents;
}): Store {
  const at: At = (partition) => contents.at(partition);
  const watermarks = new MemoryWatermarks(at);
  return {
    durable: false,
    label: 'memory of this process',
    namespace: memoryNamespace(contents, clock),
    roll: memoryRoll(contents, clock),
    locks: memoryLocks(contents),
    breakers: memoryBreakers(contents),
    partitions: new MemoryPartitions(at, watermarks),
    admission: memoryAdmission(at, watermarks),
    requests: new MemoryRequests(at, watermarks),
    runs: memoryRuns(at),
    artifacts: memoryArtifacts(at),
    watermarks,
    backup: memoryBackup,
    inspection: memoryInspection(at),
    schedules: memorySchedules(contents),
    keeping: memoryKeeping({ contents, at, clock, watermarks }),
    close: async () => undefined,
  };
}

function memoryNamespace(contents: MemoryContents, clock: Clock): NamespacePort {
  const { definitions, workers, incarnation } = contents;
  return {
    open: async (partitions) => {
      contents.partitions ??= partitions ?? 1;
      if (partitions !== null && partitions !== contents.partitions) {
        throw new CoordError(
          'PARTITION_MISMATCH',
          `the namespace has ${String(contents.partitions)} partitions, ${String(partitions)} were asked for`,
        );
      }
      return { partitions: contents.partitions, incarnation };
    },
    putDefinition: async (hash, json) => {
      definitions.set(hash, json);
      contents.definitionsTouched.set(hash, clock.now());
    },
    getDefinition: async (hash) => {
      contents.definitionsTouched.set(hash, clock.now());
      return definitions.get(hash) ?? null;
    },
    announceWorker: async (info) => {
      workers.set(info.worker, { ...info, seenAt: clock.now() });
    },
    forgetWorker: async (worker) => {
      workers.delete(worker);
    },
    listWorkers: async () => [...workers.values()],
    owners: async () =>
      Array.from({ length: contents.partitions ?? 1 }, (_, partition) => ({
        partition,
        lease: contents.at(partition).lease,
      })).flatMap(({ partition, lease: { owner, epoch, until } }) => {
        const remainingMs = until - clock.now();
        return owner === null || remainingMs <= 0 ? [] : [{ partition, owner, epoch, remainingMs }];
      }),
    time: async () => clock.now(),
  };
}

function memoryAdmission(at: At, watermarks: MemoryWatermarks): AdmissionPort {
  return {
    admit: async (request) => {
      const place = at(request.partition);
      const { kind, run, idempotencyKey, requestHash } = request;
      const known = place.admitted.get(idempotencyKey);
      if (known !== undefined) return { outcome: known.hash === requestHash ? 'repeated' : 'conflict' };
      const stored = place.runs.get(run);
      if (kind === 'start' && stored !== undefined) {
        return {
          outcome: stored.definition === request.definition && stored.input === request.input ? 'repeated' : 'conflict',
        };
      }
      if (kind !== 'start' && stored === undefined) return { outcome: 'no_run' };
      const over = kind !== 'start' && stored !== undefined && runHasEnded(stored.status);
      const slot = request.kind === 'start' ? null : (request.reopens?.slot ?? null);
      if (over && request.reopens === undefined) return { outcome: 'ended', status: stored.status };
      if (over && slot !== null && !place.slots.enter(slot, run)) return { outcome: 'full' };
      place.lease.position += 1;
      watermarks.note(request.partition);
      for (const old of expired(place).slice(0, KEYS_FORGOTTEN_AT_ONCE)) place.admitted.delete(old);
      place.admitted.set(idempotencyKey, { hash: requestHash, at: place.now() });
      if (request.kind === 'start') {
        begin(place, request);
        return { outcome: 'admitted' };
      }
      const entry = place.post({ run, kind, head: '', body: request.body });
      if (over) stored.reopening = entry;
      return { outcome: 'admitted', entry };
    },
  };
}

function begin(place: MemoryPartition, start: Extract<Admission, { kind: 'start' }>): void {
  place.create(start);
  const begun = start.slot === null ? [start.run] : place.slots.join(start.slot, start.run);
  for (const run of begun) place.postStart(run);
}

function memoryRuns(at: At): RunPort {
  return {
    list: async ({ partition, statuses, limit }) =>
      statuses.flatMap((status) =>
        [...at(partition).runs]
          .filter(([, run]) => run.status === status)
          .toSorted(([idA, a], [idB, b]) => b.createdAt - a.createdAt || (idA < idB ? 1 : -1))
          .slice(0, limit)
          .map(([run, { record, quarantined }]) => ({ run, record, quarantined })),
      ),
    load: async (partition, run) => storedRun(at(partition).runs.get(run)),
    history: async ({ partition, run, after, limit }) =>
      (at(partition).runs.get(run)?.history ?? []).filter((entry) => isAfter(entry.id, after)).slice(0, limit),
    feedHead: async (partition) => at(partition).feed.at(-1)?.id ?? '0',
    feed: async ({ partition, after, limit, waitMs, signal }) => {
      const place = at(partition);
      return place.waitFor(() => place.feed.filter((entry) => isAfter(entry.id, after)).slice(0, limit), {
        waitMs,
        signal,
      });
    },
    deadLetters: async (partition, limit) =>
      at(partition)
        .dead.slice(-limit)
        .toReversed()
        .map(({ id, run, reason, kind, body }) => ({ id, run, reason, kind, body })),
  };
}

function memoryArtifacts(at: At): ArtifactPort {
  return {
    put: async (partition, content) => {
      const hash = sha256(content);
      at(partition).artifacts.set(hash, Uint8Array.from(content));
      at(partition).touched.set(hash, at(partition).now());
      return hash;
    },
    get: async (partition, hash) => {
      at(partition).touched.set(hash, at(partition).now());
      return at(partition).artifacts.get(hash) ?? null;
    },
  };
}
