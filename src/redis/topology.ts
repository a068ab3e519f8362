/**
 * Which server a key is written to, for every shape of Redis. A topology keeps a link to each master that it knows of, and
 * says after an answer that refused whether, and where, the command may be sent once more. This file has the interface
 * and the simplest shape, one server; the others are in sentinel.ts and cluster.ts.
 */
import type { Clock } from '../core/clock.js';
import { type Address, describe } from './address.js';
import type { Verdict } from './error-classes.js';
import { Link, type LinkParams, type Place, tlsOptions } from './link.js';

/** Confirmed scripts wait for replicas, and must not hold up what shares their connection: they have one of their own. */
export type Lane = 'commands' | 'confirmed';

export interface Next {
  readonly link: Link;
  /** Whether the node is to be told that it was named by an ASK. */
  readonly asking: boolean;
}

export interface Topology {
  /** Resolves when commands can be sent. Throws REDIS_UNREACHABLE after `ms`, and what is hopeless at once. */
  ready(ms: number): Promise<void>;
  /** The link to the master of a key; of no key in particular, to any. Throws REDIS_UNREACHABLE while none is known. */
  linkFor(key: string | null, lane?: Lane): Link;
  /** One link per master. */
  masters(): readonly Link[];
  /** The command link to that very place, or null when it is no master any more. */
  linkTo(place: Place): Link | null;
  /** Another connection to the same place. */
  dial(place: Place): Link;
  /** Where a command that was refused may be sent once more, perhaps after a moment; null for nowhere. */
  after(verdict: Verdict, refused: Link, lane?: Lane): Promise<Next | null>;
  close(): void;
}

export interface TopologyParams<A extends Address = Address> {
  readonly address: A;
  readonly clock: Clock;
  readonly deadlineMs: number;
  /** Called when a master can be used, again or for the first time, and when another one took over. */
  readonly changed: () => void;
}

/** The links to one master, made as they are needed. */
export class Lanes {
  readonly commands: Link;
  readonly #dial: () => Link;
  #confirmed: Link | null = null;

  constructor(dial: () => Link) {
    this.#dial = dial;
    this.commands = dial();
  }

  link(lane: Lane): Link {
    if (lane === 'commands') return this.commands;
    this.#confirmed ??= this.#dial();
    return this.#confirmed;
  }

  drop(): void {
    this.commands.drop();
    this.#confirmed?.drop();
  }

  close(): void {
    this.commands.close();
    this.#confirmed?.close();
  }
}

/** How every link to a server of this address is made. */
export function linkParams({
  address,
  clock,
  deadlineMs,
}: Omit<TopologyParams, 'changed'>): Omit<LinkParams, 'place' | 'onUp' | 'onDown'> {
  return {
    clock,
    deadlineMs,
    login: address.login,
    db: 'cluster' in address ? undefined : address.db,
    clientName: address.clientName,
    tls: 'tls' in address ? tlsOptions(address.tls) : undefined,
  };
}

export class SingleTopology implements Topology {
  readonly #lanes: Lanes;
  readonly #dial: (listeners?: Pick<LinkParams, 'onUp'>) => Link;

  constructor(params: TopologyParams & { readonly place: Place }) {
    const { place, changed } = params;
    const means = { ...linkParams(params), label: describe(params.address) };
    this.#dial = (listeners = {}) => new Link({ ...means, ...listeners, place });
    this.#lanes = new Lanes(() => this.#dial({ onUp: changed }));
  }

  async ready(ms: number): Promise<void> {
    await this.#lanes.commands.whenUsable(ms);
  }

  linkFor(_key: string | null, lane: Lane = 'commands'): Link {
    return this.#lanes.link(lane);
  }

  masters(): readonly Link[] {
    return [this.#lanes.commands];
  }

  linkTo(): Link {
    return this.#lanes.commands;
  }

  dial(): Link {
    return this.#dial();
  }

  async after(verdict: Verdict): Promise<Next | null> {
    // Another server may have taken over the name or the address.
    if (verdict.then === 'rediscover') this.#lanes.drop();
    return null;
  }

  close(): void {
    this.#lanes.close();
  }
}
