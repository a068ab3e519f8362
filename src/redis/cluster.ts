/**
 * A cluster: the map from slots to masters, and a link to each. The client's own cluster mode is not used, since it sends a
 * command again whose connection was lost, and cannot put a WAIT behind a script. The map is read again after every
 * redirection, and four times a second while a master is missing; of what the nodes say, the view of the highest epoch counts.
 */
import { CoordError, hasCode, messageOf } from '../core/errors.js';
import { type ClusterAddress, describe, type Node, nodeName } from './address.js';
import type { Verdict } from './error-classes.js';
import { Rounds } from './rounds.js';
import { Link, placeName, type Place } from './link.js';
import { entriesOf } from './replies.js';
import { slotOf } from './slots.js';
import { type Lane, Lanes, linkParams, type Next, type Topology, type TopologyParams } from './topology.js';
import { Waiters } from './waiters.js';

/** Between two looks at the map while all is well: redirections tell of changes sooner. */
const LOOK_MS = 10_000;
/** The same while a master is missing. */
const SEARCH_MS = 250;
/** The same when something was said to have changed meanwhile. */
const AGAIN_MS = 20;
/** A round of questions takes no longer. */
const ROUND_MS = 500;
/** How long the others may take when one node has answered. */
const GRACE_MS = 100;
/** Nodes asked at a time. */
const ASKED = 6;
/** How long keys that are half-way to another node are waited for, between two tries. */
const TRY_AGAIN_MS = 20;
/** How long a link to a former master stays for what is on its way. */
const RETIRE_MS = 10_000;

interface View {
  readonly epoch: number;
  readonly ok: boolean;
  readonly ranges: readonly { readonly from: number; readonly to: number; readonly master: Node }[];
  readonly nodes: readonly Node[];
}

export class ClusterTopology implements Topology {
  readonly #params: TopologyParams<ClusterAddress>;
  readonly #label: string;
  readonly #means: ReturnType<typeof linkParams>;
  /** Name of the master by slot. */
  #map: (string | undefined)[] = [];
  readonly #masters = new Map<string, Lanes>();
  readonly #retired = new Map<Lanes, () => void>();
  /** Links for one question. */
  readonly #passing = new Set<Link>();
  /** Every node heard of, replicas too, in the order in which they are asked next. */
  #known: Node[];
  readonly #waiters: Waiters;
  readonly #rounds: Rounds<View>;
  #epoch = -1;
  #whole = false;
  #trouble = 'no node has answered';
  #cancel = (): void => undefined;
  #looking = false;
  #again = false;
  #closed = false;

  constructor(params: TopologyParams<ClusterAddress>) {
    this.#params = params;
    this.#label = describe(params.address);
    this.#means = linkParams(params);
    this.#waiters = new Waiters(params.clock);
    this.#rounds = new Rounds({ clock: params.clock, graceMs: GRACE_MS, atMostMs: ROUND_MS });
    this.#known = [...params.address.cluster];
    void this.#look();
  }

  /** Waits for all masters; when the time is over, one is enough: the partitions of the others wait, the rest goes on. */
  async ready(ms: number): Promise<void> {
    if (this.#closed) throw this.#unreachable('the connection was closed');
    if (this.#settled()) return;
    await this.#waiters.wait(ms, () => (this.masters().some((link) => link.usable) ? null : this.#unreachable()));
  }

  linkFor(key: string | null, lane: Lane = 'commands'): Link {
    const slot = key === null ? 0 : slotOf(key);
    const name = this.#map[slot] ?? (key === null ? this.#masters.keys().next().value : undefined);
    const lanes = name === undefined ? undefined : this.#masters.get(name);
    if (lanes === undefined) {
      void this.#look();
      throw this.#unreachable(this.#map.length === 0 ? this.#trouble : `no node serves slot ${String(slot)}`);
    }
    return lanes.link(lane);
  }

  masters(): readonly Link[] {
    const serving = new Set(this.#map);
    return [...this.#masters].filter(([name]) => serving.has(name)).map(([, lanes]) => lanes.commands);
  }

  linkTo(place: Place): Link | null {
    return this.#masters.get(placeName(place))?.commands ?? null;
  }

  dial(place: Place): Link {
    return new Link({ ...this.#means, place });
  }

  async after({ then, text }: Verdict, refused: Link, lane: Lane = 'commands'): Promise<Next | null> {
    // The connection is good: it is the map that is not.
    if (then === 'rediscover') void this.#look();
    if (then !== 'resend') return null;
    const [word, slot, where] = text.split(' ');
    if (word === 'TRYAGAIN') {
      await this.#params.clock.sleep(TRY_AGAIN_MS);
      return { link: refused, asking: false };
    }
    const node = where === undefined ? null : nodeFrom(where, refused.place);
    if ((word !== 'MOVED' && word !== 'ASK') || node === null) return null;
    const link = this.#lanesTo(node).link(lane);
    if (word === 'MOVED') {
      this.#map[Number(slot)] = nodeName(node);
      void this.#look();
    }
    return { link, asking: word === 'ASK' };
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
    for (const [lanes, cancel] of this.#retired) {
      cancel();
      lanes.close();
    }
    for (const lanes of this.#masters.values()) lanes.close();
    for (const link of this.#passing) link.close();
    this.#waiters.refuse(this.#unreachable('the connection was closed'));
  }

  #settled(): boolean {
    return this.#whole && this.#map.length > 0 && this.masters().every((link) => link.usable);
  }

  #lanesTo(node: Node): Lanes {
    const name = nodeName(node);
    const known = this.#masters.get(name);
    if (known !== undefined) return known;
    const onUp = (): void => {
      if (this.#settled()) this.#waiters.release();
      this.#params.changed();
    };
    const onDown = (): void => void this.#look();
    const lanes = new Lanes(() => new Link({ ...this.#means, place: node, onUp, onDown }));
    this.#masters.set(name, lanes);
    return lanes;
  }

  /** Reads the map, does what it says, and sees to it that it is read again. */
  async #look(): Promise<void> {
    // One that is asked for while another is under way might see what that one came too early for.
    this.#again = this.#looking;
    if (this.#looking || this.#closed) return;
    this.#looking = true;
    this.#cancel();
    try {
      const asked = this.#whomToAsk();
      const heard = await this.#rounds.ask(new Map(asked.map((node) => [nodeName(node), () => this.#ask(node)])));
      if (this.#closed) return;
      const [best] = heard.answers.toSorted((a, b) => b.epoch - a.epoch || Number(b.ok) - Number(a.ok));
      if (best !== undefined && (best.ok || best.epoch >= this.#epoch)) this.#follow(best);
      else this.#lament(heard.reasons);
    } finally {
      this.#looking = false;
      const wait = this.#again ? AGAIN_MS : this.#settled() ? LOOK_MS : SEARCH_MS;
      this.#again = false;
      this.#cancel();
      if (!this.#closed) this.#cancel = this.#params.clock.after(wait, () => void this.#look());
    }
  }

  /** Masters that are connected, and beside them one other at a time, since these might all be on the wrong side of a cut. */
  #whomToAsk(): readonly Node[] {
    const connected = (node: Node): boolean => this.#masters.get(nodeName(node))?.commands.usable === true;
    const near = this.#known.filter(connected).slice(0, ASKED);
    const far = this.#known.filter((node) => !connected(node)).slice(0, near.length > 0 ? 1 : ASKED);
    const asked = [...near, ...far];
    this.#known = [...this.#known.filter((node) => !asked.includes(node)), ...asked];
    return asked;
  }

  async #ask(node: Node): Promise<View> {
    const serving = this.#masters.get(nodeName(node))?.commands;
    const link = serving?.usable === true ? serving : this.dial(node);
    if (link !== serving) this.#passing.add(link);
    try {
      await link.whenTried();
      const [info, slots] = await link.settle(
        Promise.all([link.call('CLUSTER', ['INFO']), link.call('CLUSTER', ['SLOTS'])]),
      );
      const ranges = entriesOf(slots).map((range) => {
        const [from, to, ...places] = entriesOf(range);
        const nodes = places.map((place) => slotNode(place, node));
        return { from: Number(from), to: Number(to), nodes };
      });
      const text = String(info);
      return {
        epoch: Number(/^cluster_current_epoch:(\d+)/m.exec(text)?.[1] ?? 0),
        ok: /^cluster_state:ok/m.test(text),
        ranges: ranges.flatMap(({ from, to, nodes: [master] }) => (master === undefined ? [] : [{ from, to, master }])),
        nodes: ranges.flatMap(({ nodes }) => nodes),
      };
    } finally {
      if (this.#passing.delete(link)) link.close();
    }
  }

  #follow({ epoch, ok, ranges, nodes }: View): void {
    const map: (string | undefined)[] = [];
    for (const { from, to, master } of ranges) {
      this.#lanesTo(master);
      for (let slot = from; slot <= to; slot++) map[slot] = nodeName(master);
    }
    const moved = map.length !== this.#map.length || map.some((name, slot) => name !== this.#map[slot]);
    this.#map = map;
    this.#epoch = epoch;
    this.#whole = ok;
    const heard = new Map(
      [...this.#known, ...this.#params.address.cluster, ...nodes].map((node) => [nodeName(node), node]),
    );
    const current = new Set([...nodes, ...this.#params.address.cluster].map(nodeName));
    this.#known = [...heard].filter(([name]) => current.has(name)).map(([, node]) => node);
    const serving = new Set(map);
    for (const [name, lanes] of this.#masters) {
      if (serving.has(name)) continue;
      this.#masters.delete(name);
      this.#retire(lanes);
    }
    if (this.#settled()) this.#waiters.release();
    if (moved) this.#params.changed();
  }

  /** Answers that are on their way are still waited for; nothing new is sent there. */
  #retire(lanes: Lanes): void {
    if (!lanes.commands.usable) return lanes.close();
    const cancel = this.#params.clock.after(RETIRE_MS, () => {
      this.#retired.delete(lanes);
      lanes.close();
    });
    this.#retired.set(lanes, cancel);
  }

  #lament(reasons: readonly unknown[]): void {
    if (reasons.length > 0) this.#trouble = [...new Set(reasons.map(messageOf))].join('; ');
    for (const reason of reasons) {
      if (hasCode(reason, 'REDIS_DENIED')) this.#waiters.refuse(reason);
      if (!messageOf(reason).includes('cluster support disabled')) continue;
      const what = `Redis at ${this.#label} is no cluster: write ${this.#label.replace('+cluster', '')}`;
      this.#waiters.refuse(new CoordError('REDIS_UNSUITABLE', what));
    }
  }

  #unreachable(why = this.#trouble): CoordError {
    return new CoordError('REDIS_UNREACHABLE', `cannot reach Redis at ${this.#label}: ${why}`);
  }
}

/** `host:port`; without a host it is the one that answered, which does not know its own name. */
function nodeFrom(text: string, answered: Place): Node | null {
  const colon = text.lastIndexOf(':');
  const port = Number(text.slice(colon + 1));
  const host = text.slice(0, Math.max(0, colon)) || ('host' in answered ? answered.host : '');
  return host === '' || !Number.isInteger(port) || port < 1 ? null : { host, port };
}

function slotNode(place: unknown, asked: Node): Node {
  const [host, port] = entriesOf(place);
  const known = typeof host === 'string' && host !== '' && host !== '?';
  return { host: known ? host : asked.host, port: Number(port) };
}
