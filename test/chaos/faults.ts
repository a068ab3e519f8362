/**
 * What is done to a chaos run, drawn from its seed: kinds are dealt like cards, each as often as its weight says, so that a
 * run of any length has had all of them. The first cards are one of each kind.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Fault, Proxy } from '../harness/proxy.js';
import type { Crew } from './crew.js';
import type { Chance } from './random.js';
import type { VictimServer } from './server.js';

/** How often each is in one deal. */
export const KINDS = {
  'coordinator killed': 17,
  'worker killed': 14,
  'coordinator frozen': 4,
  'worker frozen': 3,
  'redis killed': 1,
  'power cut': 2,
  'connection cut': 3,
  'cut after a request': 4,
  'cut inside a message': 4,
  'replies dropped': 2,
  'connection frozen': 1,
  'connection slow': 1,
  'all clients cut': 1,
  'scripts flushed': 1,
  'coordinator ended in order': 2,
  'worker ended in order': 1,
} as const;
export type Kind = keyof typeof KINDS;
/** 0 for a kind that is left out. */
export type Weights = Readonly<Record<Kind, number>>;

export const KILLS: readonly Kind[] = ['coordinator killed', 'worker killed', 'redis killed', 'power cut'];
export const STALLS: readonly Kind[] = ['coordinator frozen', 'worker frozen'];
export const CUTS: readonly Kind[] = [
  'connection cut',
  'cut after a request',
  'cut inside a message',
  'replies dropped',
  'connection frozen',
  'all clients cut',
];

function isOfMember(kind: Kind): boolean {
  return kind.startsWith('coordinator') || kind.startsWith('worker');
}

export interface PowerCut {
  readonly at: number;
  readonly back: number;
  readonly bytes: number;
}

export interface FaultsParams {
  readonly crew: Crew;
  readonly server: VictimServer;
  /** A connection of the harness's own, beside all proxies. */
  readonly admin: Redis;
  /** The clients' proxy. */
  readonly clients: Proxy;
  readonly chance: Chance;
  readonly leaseMs: number;
  /** Average time between two faults, ms. */
  readonly everyMs: number;
  readonly weights: Weights;
  readonly log: string;
  /** Changes of state that the store has counted so far. */
  readonly changes: () => Promise<number>;
  /** Called when Redis is back from a power cut. */
  readonly afterCut: () => void;
}

/** Changes of state between two faults, at least; without them after so long. */
const MOVED = 12;
const PATIENCE_MS = 3_000;
/** Between two power cuts that take something. */
const NOTICED_MS = 5_000;

export class Faults {
  readonly counts: Record<Kind, number> = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, 0])) as Record<
    Kind,
    number
  >;
  readonly powerCuts: PowerCut[] = [];
  readonly #params: FaultsParams;
  readonly #kinds: readonly Kind[];
  #deck: Kind[] = [];
  #changes = 0;
  /** Redis is killed once at a time. */
  #redis: Promise<void> = Promise.resolve();
  #restarting = false;

  constructor(params: FaultsParams) {
    this.#params = params;
    this.#kinds = (Object.keys(KINDS) as Kind[]).filter((kind) => params.weights[kind] > 0);
    this.#deck = params.chance.shuffled(this.#kinds);
  }

  /** Whether every kind has happened. */
  get complete(): boolean {
    return this.#kinds.every((kind) => this.counts[kind] > 0);
  }

  /** Until aborted; Redis is up again then. */
  async run(signal: AbortSignal): Promise<void> {
    const { chance, everyMs } = this.#params;
    while (!signal.aborted) {
      await delay(chance.pause(everyMs), undefined, { signal }).catch(() => undefined);
      await this.#somethingMoved(signal);
      if (!signal.aborted) this.#strike(this.#draw());
    }
    await this.#redis;
  }

  /** Until the store has changed since the fault before, but not for ever: on a slow machine faults come slower too. */
  async #somethingMoved(signal: AbortSignal): Promise<void> {
    const { changes } = this.#params;
    for (const giveUpAt = performance.now() + PATIENCE_MS; performance.now() < giveUpAt && !signal.aborted; ) {
      const now = await changes().catch(() => null);
      if (now !== null && (now >= this.#changes + MOVED || now < this.#changes)) {
        this.#changes = now;
        return;
      }
      await delay(50);
    }
  }

  #draw(): Kind {
    const { chance, weights } = this.#params;
    if (this.#deck.length === 0)
      this.#deck = chance.shuffled(this.#kinds.flatMap((kind) => Array.from({ length: weights[kind] }, () => kind)));
    return this.#deck.pop() ?? 'connection cut';
  }

  #strike(kind: Kind): void {
    const { log, chance } = this.#params;
    const target = this.#happen(kind);
    if (target === null) {
      // Nobody was there to be struck: it comes back later.
      this.#deck.splice(chance.between(0, this.#deck.length), 0, kind);
      return;
    }
    this.counts[kind]++;
    appendFileSync(log, `${String(Date.now())} ${kind} ${target}\n`);
  }

  /** Who was struck; null when nobody was there. */
  #happen(kind: Kind): string | null {
    const { crew, chance, leaseMs, admin } = this.#params;
    if (isOfMember(kind)) {
      const there = crew.at(kind.startsWith('worker') ? 'worker' : 'coordinator');
      if (there.length === 0) return null;
      const victim = chance.pick(there);
      if (kind.endsWith('killed')) crew.kill(victim);
      else if (kind.endsWith('frozen')) crew.freeze(victim, leaseMs * (1.3 + 2 * chance.next()));
      else crew.end(victim);
      return victim.slot;
    }
    switch (kind) {
      case 'redis killed':
      case 'power cut':
        return this.#restartRedis(kind === 'power cut');
      case 'all clients cut':
        void admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes').catch(() => undefined);
        return 'redis';
      case 'scripts flushed':
        void admin.call('SCRIPT', 'FLUSH').catch(() => undefined);
        return 'redis';
      default:
        return this.#strikeConnection(kind);
    }
  }

  #strikeConnection(kind: Kind): string {
    const { crew, chance, clients } = this.#params;
    const ms = chance.between(150, 1_500);
    const faults: Partial<Record<Kind, Fault>> = {
      'connection cut': { kind: 'cut' },
      'cut after a request': { kind: 'cut-after-request' },
      'cut inside a message': {
        kind: 'cut-inside',
        what: chance.pick(['request', 'reply']),
        share: chance.next(),
      },
      'replies dropped': { kind: 'drop-replies', ms },
      'connection frozen': { kind: 'freeze', ms: ms * 2, cut: chance.chance(0.5) },
      'connection slow': { kind: 'slow', ms: ms * 2, delayMs: chance.between(20, 120) },
    };
    const ofClients = { slot: 'clients', proxy: clients };
    // The clients write little, so that most of what strikes them strikes nothing: they get more than their share.
    const { slot, proxy } = chance.chance(0.3) ? ofClients : chance.pick([ofClients, ...crew.members]);
    const fault = faults[kind];
    if (fault !== undefined) proxy.strike(fault);
    return `${slot} ${JSON.stringify(fault)}`;
  }

  #restartRedis(power: boolean): string | null {
    if (this.#restarting) return null;
    this.#restarting = true;
    const { server } = this.#params;
    this.#redis = (async () => {
      const at = Date.now();
      const bytes = power ? await server.cutPower() : 0;
      if (!power) await server.kill();
      await server.start();
      if (power) {
        this.powerCuts.push({ at, back: Date.now(), bytes });
        this.#params.afterCut();
        // What was noticed must be on the disk before the next cut takes it too.
        if (bytes > 0) await delay(NOTICED_MS);
      }
      this.#restarting = false;
    })();
    return 'redis';
  }
}
