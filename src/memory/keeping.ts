/** Dead letters, repair and collecting in memory. See `KeepPort`; `redis/scripts` says each change in the same order. */
import type { Clock } from '../core/clock.js';
import { UNMARKED_RUN_FORMAT } from '../core/formats.js';
import type {
  CollectPort,
  DeadLetter,
  ForcedEnd,
  KeepPort,
  LetterPort,
  RepairPort,
  RunHead,
} from '../core/keep-ports.js';
import { claimSchema } from '../core/messages.js';
import { runHasEnded, type RunStatus } from '../core/statuses.js';
import type { MemoryContents } from './contents.js';
import { isAfter, type MemoryPartition, type MemoryRun } from './partition.js';
import type { MemoryWatermarks } from './watermarks.js';

interface Means {
  readonly contents: MemoryContents;
  readonly at: (partition: number) => MemoryPartition;
  readonly clock: Clock;
  readonly watermarks: MemoryWatermarks;
}

/** How long an idempotency key is remembered, as on Redis. */
const RETENTION_MS = 24 * 60 * 60 * 1_000;
const AUDIT_KEPT = 1_000;

export function memoryKeeping(means: Means): KeepPort {
  return { ...memoryLetters(means), ...memoryRepair(means), ...memoryCollecting(means) };
}

function memoryLetters({ at, watermarks }: Means): LetterPort {
  const letterOf = (partition: number, dead: MemoryPartition['dead'][number]): DeadLetter => {
    const { id, run, kind, head, body, reason, persona } = dead;
    return { partition, id, at: Number(id.split('-')[0]), run, kind, head, body, reason, persona };
  };
  return {
    letters: async ({ partition, after, limit }) =>
      at(partition)
        .dead.filter(({ id }) => isAfter(id, after))
        .slice(0, limit)
        .map((dead) => letterOf(partition, dead)),
    letter: async ({ partition, id }) => {
      const dead = at(partition).dead.find((one) => one.id === id);
      return dead === undefined ? null : letterOf(partition, dead);
    },
    replay: async ({ partition, id, run, persona }, by) => {
      const place = at(partition);
      const letter = place.dead.find((one) => one.id === id);
      if (letter === undefined || letter.run !== run || letter.persona !== persona) return 'gone';
      if (letter.kind === 'late-reply') return 'late';
      if (letter.kind === 'request') {
        if (persona === '') return 'no_persona';
        const request = place.nextId();
        place.requestsOf(persona).set(request, { id: request, body: letter.body, delivered: null });
        place.changed();
      } else {
        const stored = place.runs.get(run);
        if (stored === undefined) return 'no_run';
        if (stored.quarantined !== null) return 'set_aside';
        if (runHasEnded(stored.status)) return 'ended';
        const { kind, head, body } = letter;
        place.post({ run, kind, head, body });
      }
      take(place, id);
      trace(place, { action: 'replayed', what: id, by });
      place.lease.position += 1;
      watermarks.note(partition);
      return 'replayed';
    },
    drop: async ({ partition, id }, by) => {
      const place = at(partition);
      if (!take(place, id)) return 'gone';
      trace(place, { action: 'dropped', what: id, by });
      return 'dropped';
    },
    audit: async (partition, limit) =>
      at(partition)
        .audit.slice(-limit)
        .toReversed()
        .map((entry) => ({ ...entry, partition })),
  };
}

function memoryRepair({ at, watermarks }: Means): RepairPort {
  return {
    fields: async (partition, run) => {
      const stored = at(partition).runs.get(run);
      return stored === undefined ? null : fieldsOf(stored);
    },
    timersOf: async (partition, run) => [...at(partition).timers.keys()].filter((id) => id.split('|')[1] === run),
    reinstate: async ({ partition, run, version, status, set, drop, letters, action, by }) => {
      const place = at(partition);
      const stored = place.runs.get(run);
      if (stored === undefined || String(stored.version) !== version) return { outcome: 'stale' };
      if (stored.quarantined === null) return { outcome: 'not_set_aside' };
      stored.quarantined = null;
      write(place, stored, { set, drop });
      stored.status = status;
      let sent = 0;
      for (const id of letters) {
        const letter = place.dead.find((one) => one.id === id);
        if (letter?.run !== run || letter.kind === 'late-reply' || letter.kind === 'request') continue;
        take(place, id);
        const { kind, head, body } = letter;
        place.post({ run, kind, head, body });
        sent++;
      }
      trace(place, { action, what: run, by });
      place.lease.position += 1;
      watermarks.note(partition);
      return { outcome: 'ok', sent };
    },
    end: async (change) => {
      const place = at(change.partition);
      const stored = place.runs.get(change.run);
      if (stored?.version !== change.version) return 'stale';
      if (stored.quarantined === null) return 'not_set_aside';
      end(place, stored, change);
      watermarks.note(change.partition);
      return 'ok';
    },
  };
}

function end(place: MemoryPartition, stored: MemoryRun, change: ForcedEnd): void {
  const { run, record, facts, hash, sends, slot, disarm, by } = change;
  place.lease.position += 1;
  for (const step of stored.steps.values()) Object.assign(step, { token: null, claim: null, delivered: null });
  write(place, stored, change);
  Object.assign(stored, { version: stored.version + 1, status: 'failed', record, chain: hash, quarantined: null });
  for (const timer of disarm) place.timers.delete(timer);
  const { position, epoch } = place.lease;
  const entry = { version: stored.version, position, epoch, messages: '[]', facts, hash, genesis: record };
  stored.history.push({ id: place.nextId(), ...entry });
  place.report(facts);
  for (const { run: to, kind, body } of sends) {
    const other = place.runs.get(to);
    if (other !== undefined && !runHasEnded(other.status)) place.post({ run: to, kind, head: '', body });
  }
  if (slot !== null) for (const next of place.slots.leave(slot, run)) place.postStart(next);
  trace(place, { action: 'failed', what: run, by });
}

function memoryCollecting({ contents, at, clock, watermarks }: Means): CollectPort {
  return {
    runIds: async ({ partition, statuses, createdBefore }) =>
      statuses.flatMap((status) =>
        [...at(partition).runs]
          .filter(([, run]) => run.status === status && run.createdAt < createdBefore)
          .toSorted(([idA, a], [idB, b]) => a.createdAt - b.createdAt || (idA < idB ? -1 : 1))
          .map(([run]) => run),
      ),
    heads: async (partition, runs) =>
      runs.flatMap((run): RunHead[] => {
        const stored = at(partition).runs.get(run);
        if (stored === undefined) return [];
        const { version, status, definition, record, quarantined } = stored;
        return [{ run, version, status, definition, record, quarantined }];
      }),
    bytesOf: async (partition, run) => {
      const stored = at(partition).runs.get(run);
      if (stored === undefined) return 0;
      const texts = [
        ...fieldsOf(stored).values(),
        ...stored.history.flatMap(({ messages, facts }) => [messages, facts]),
      ];
      return texts.reduce((sum, text) => sum + text.length, 0);
    },
    remove: async ({ partition, run, version, status }) => {
      const place = at(partition);
      const stored = place.runs.get(run);
      if (stored?.version !== version || stored.status !== status || !runHasEnded(stored.status)) return 'stale';
      if (stored.reopening !== null && place.inbox.has(stored.reopening)) return 'stale';
      place.runs.delete(run);
      place.lease.position += 1;
      watermarks.note(partition);
      return 'removed';
    },
    mentions: async function* ({ partition, without }) {
      const place = at(partition);
      for (const { body, head } of [...place.dead, ...place.inbox.values()]) yield* [head, body];
      for (const requests of place.requests.values()) for (const { body } of requests.values()) yield body;
      for (const [id, run] of place.runs) {
        if (without.has(id)) continue;
        yield* fieldsOf(run).values();
        for (const { messages, facts } of run.history) yield* [messages, facts];
      }
    },
    artifacts: async (partition) => {
      const place = at(partition);
      return [...place.artifacts].map(([hash, bytes]) => ({
        hash,
        idleMs: place.now() - (place.touched.get(hash) ?? 0),
        bytes: bytes.length,
      }));
    },
    sweepArtifact: async ({ partition, hash, idleMs }) => {
      const place = at(partition);
      if (!place.artifacts.has(hash)) return 'gone';
      if (place.now() - (place.touched.get(hash) ?? 0) < idleMs) return 'touched';
      place.artifacts.delete(hash);
      place.touched.delete(hash);
      return 'removed';
    },
    definitions: async () =>
      [...contents.definitions].map(([hash, json]) => ({
        hash,
        idleMs: clock.now() - (contents.definitionsTouched.get(hash) ?? 0),
        bytes: json.length,
      })),
    sweepDefinition: async ({ hash, idleMs }) => {
      const { definitions, definitionsTouched } = contents;
      if (!definitions.has(hash)) return 'gone';
      if (clock.now() - (definitionsTouched.get(hash) ?? 0) < idleMs) return 'touched';
      definitions.delete(hash);
      definitionsTouched.delete(hash);
      return 'removed';
    },
    expiredKeys: async (partition) => expired(at(partition)).length,
    forgetKeys: async (partition, limit) => {
      const place = at(partition);
      const old = expired(place).slice(0, limit);
      for (const key of old) place.admitted.delete(key);
      return old.length;
    },
    // Readers leave nothing behind in memory.
    idleReaders: async () => [],
  };
}

/** Idempotency keys that are remembered no longer, oldest first. */
export function expired(place: MemoryPartition): readonly string[] {
  const until = place.now() - RETENTION_MS;
  return [...place.admitted].filter(([, { at }]) => at <= until).map(([key]) => key);
}

function take({ dead }: MemoryPartition, id: string): boolean {
  const index = dead.findIndex((one) => one.id === id);
  if (index >= 0) dead.splice(index, 1);
  return index >= 0;
}

function trace(place: MemoryPartition, done: { action: string; what: string; by: string }): void {
  place.audit.push({ at: place.now(), ...done });
  if (place.audit.length > AUDIT_KEPT) place.audit.shift();
}

/** As the fields of the hash on Redis. */
function fieldsOf(run: MemoryRun): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  if (run.format !== UNMARKED_RUN_FORMAT) fields.set('format', String(run.format));
  fields.set('version', String(run.version));
  for (const name of ['status', 'definition', 'input', 'record'] as const) fields.set(name, run[name]);
  if (run.chain !== '') fields.set('chain', run.chain);
  if (run.quarantined !== null) fields.set('quarantined', run.quarantined);
  if (run.reopening !== null) fields.set('reopening', run.reopening);
  for (const [id, { record, token, claim, delivered, late }] of run.steps) {
    if (record !== null) fields.set(`s:${id}`, record);
    if (token !== null) fields.set(`t:${id}`, token);
    if (claim !== null) fields.set(`c:${id}`, JSON.stringify(claim));
    if (delivered !== null) fields.set(`d:${id}`, delivered);
    if (late !== null) fields.set(`l:${id}`, late);
  }
  return fields;
}

const STEP_FIELDS = { s: 'record', t: 'token', d: 'delivered', l: 'late' } as const;

function write(
  place: MemoryPartition,
  run: MemoryRun,
  { set, drop }: { readonly set: ReadonlyMap<string, string>; readonly drop: readonly string[] },
): void {
  for (const [field, value] of [...set, ...drop.map((name) => [name, null] as const)]) {
    const kind = field.slice(0, 1);
    if (field === 'status') run.status = value as RunStatus;
    else if (field === 'version') run.version = Number(value);
    else if (field === 'record' || field === 'input' || field === 'definition' || field === 'chain')
      run[field] = value ?? '';
    else if (field[1] !== ':') continue;
    else if (kind === 'c')
      place.step(run, field.slice(2)).claim = value === null ? null : claimSchema.parse(JSON.parse(value));
    else if (kind === 's' || kind === 't' || kind === 'd' || kind === 'l')
      place.step(run, field.slice(2))[STEP_FIELDS[kind]] = value;
  }
}
