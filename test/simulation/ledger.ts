/**
 * What truly happened to the store: every change of every partition, seen as it happens, whoever asked for it and
 * whatever he was told. Found by comparing the partition with how it was, so that a store with a bug cannot hide it.
 */
import type { InboxEntry } from '../../src/core/ports.js';
import type { MemoryContents } from '../../src/memory/contents.js';

export interface Seen {
  /** The store's clock, ms. */
  readonly at: number;
  readonly partition: number;
  /** Process and method that it happened for. */
  readonly by: string;
  readonly method: string;
}

export type Change = Seen &
  (
    | { readonly type: 'posted'; readonly entry: InboxEntry }
    | { readonly type: 'taken'; readonly entry: InboxEntry }
    | { readonly type: 'armed'; readonly timer: string; readonly due: number }
    | { readonly type: 'disarmed'; readonly timer: string; readonly due: number }
    | { readonly type: 'asked'; readonly persona: string; readonly entry: string; readonly body: string }
    | { readonly type: 'unasked'; readonly persona: string; readonly entry: string }
    | { readonly type: 'created'; readonly run: string }
    | { readonly type: 'moved'; readonly run: string; readonly from: number; readonly version: number }
    | { readonly type: 'set-aside'; readonly run: string }
    | { readonly type: 'buried'; readonly entry: string; readonly kind: string; readonly reason: string }
  );

interface Shadow {
  readonly inbox: Map<string, InboxEntry>;
  readonly timers: Map<string, number>;
  readonly requests: Map<string, Set<string>>;
  readonly versions: Map<string, number>;
  readonly aside: Set<string>;
  dead: number;
}

/** Methods that change nothing that is kept book of. */
const READS = new Set(
  [
    'load',
    'list',
    'history',
    'feed',
    'feedHead',
    'deadLetters',
    'get',
    'getDefinition',
    'listWorkers',
    'owners',
    'time',
    'said',
    'all',
    'broken',
  ]
    .concat(['renew', 'read', 'take', 'claimAbandoned', 'join', 'leave', 'put', 'putDefinition', 'incidents', 'check'])
    .concat(['announceWorker', 'forgetWorker', 'announceCoordinator', 'forgetCoordinator', 'rollChanged', 'open']),
);

export class Ledger {
  readonly changes: Change[] = [];
  /** How many calls have changed something, heartbeats not counted. */
  moves = 0;
  readonly #contents: MemoryContents;
  readonly #partitions: number;
  readonly #now: () => number;
  #shadows: Shadow[];

  constructor(contents: MemoryContents, partitions: number, now: () => number) {
    this.#contents = contents;
    this.#partitions = partitions;
    this.#now = now;
    this.#shadows = this.#all().map((partition) => this.#shadowOf(partition));
  }

  /** Looks what a call has changed. */
  look(by: string, call: string): void {
    const method = call.slice(call.indexOf('.') + 1);
    if (READS.has(method)) return;
    const before = this.changes.length;
    for (const partition of this.#all()) this.#compare({ at: this.#now(), partition, by, method });
    if (this.changes.length > before && method !== 'beat') this.moves++;
  }

  /** The store went back to where it was when this book had `length` changes. */
  goBack(length: number): void {
    this.changes.length = length;
    this.#shadows = this.#all().map((partition) => this.#shadowOf(partition));
  }

  #compare(seen: Seen): void {
    const place = this.#contents.at(seen.partition);
    const shadow = this.#shadows[seen.partition];
    if (shadow === undefined) return;
    const add = (change: Change): void => void this.changes.push(change);
    for (const [id, entry] of shadow.inbox) {
      if (place.inbox.has(id)) continue;
      shadow.inbox.delete(id);
      add({ ...seen, type: 'taken', entry });
    }
    for (const [timer, due] of shadow.timers) {
      if (place.timers.get(timer) === due) continue;
      shadow.timers.delete(timer);
      add({ ...seen, type: 'disarmed', timer, due });
    }
    for (const [run, { version, quarantined }] of place.runs) {
      const before = shadow.versions.get(run);
      if (before === undefined) add({ ...seen, type: 'created', run });
      else if (before !== version) add({ ...seen, type: 'moved', run, from: before, version });
      shadow.versions.set(run, version);
      if (quarantined === null || shadow.aside.has(run)) continue;
      shadow.aside.add(run);
      add({ ...seen, type: 'set-aside', run });
    }
    for (const [persona, held] of shadow.requests) {
      const now = place.requests.get(persona);
      for (const entry of held) {
        if (now?.has(entry) === true) continue;
        held.delete(entry);
        add({ ...seen, type: 'unasked', persona, entry });
      }
    }
    for (const [persona, requests] of place.requests) {
      const held = shadow.requests.get(persona) ?? new Set<string>();
      shadow.requests.set(persona, held);
      for (const { id, body } of requests.values()) {
        if (held.has(id)) continue;
        held.add(id);
        add({ ...seen, type: 'asked', persona, entry: id, body });
      }
    }
    for (const [timer, due] of place.timers) {
      if (shadow.timers.has(timer)) continue;
      shadow.timers.set(timer, due);
      add({ ...seen, type: 'armed', timer, due });
    }
    for (const [id, entry] of place.inbox) {
      if (shadow.inbox.has(id)) continue;
      shadow.inbox.set(id, entry);
      add({ ...seen, type: 'posted', entry });
    }
    for (; shadow.dead < place.dead.length; shadow.dead++) {
      const letter = place.dead[shadow.dead];
      if (letter !== undefined)
        add({ ...seen, type: 'buried', entry: letter.entry, kind: letter.kind, reason: letter.reason });
    }
  }

  #shadowOf(partition: number): Shadow {
    const place = this.#contents.at(partition);
    return {
      inbox: new Map(place.inbox),
      timers: new Map(place.timers),
      requests: new Map([...place.requests].map(([persona, held]) => [persona, new Set(held.keys())])),
      versions: new Map([...place.runs].map(([run, { version }]) => [run, version])),
      aside: new Set([...place.runs].filter(([, { quarantined }]) => quarantined !== null).map(([run]) => run)),
      dead: place.dead.length,
    };
  }

  #all(): readonly number[] {
    return Array.from({ length: this.#partitions }, (_, partition) => partition);
  }
}
