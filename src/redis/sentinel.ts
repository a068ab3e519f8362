/**
 * Finds the master that the sentinels name, and follows it when they name another one. All of them are asked once a second,
 * since one that is cut off may still believe in the old master, whom nobody has told yet that it is none: the answer of
 * the highest configuration epoch counts. A server that is named is used only when it says itself that it is a master.
 */
import { CoordError, hasCode, messageOf } from '../core/errors.js';
import { describe, type Node, nodeName, type SentinelAddress } from './address.js';
import type { Verdict } from './error-classes.js';
import { Rounds } from './rounds.js';
import { Link, placeName, type Place } from './link.js';
import { entriesOf, pairsOf } from './replies.js';
import { type Lane, Lanes, linkParams, type Next, type Topology, type TopologyParams } from './topology.js';
import { Waiters } from './waiters.js';

/** Between two looks while all is well. */
const LOOK_MS = 1_000;
/** Between two looks while no master can be used. */
const SEARCH_MS = 100;
/** A round of questions takes no longer. */
const ROUND_MS = 500;
/** How long the others may take when one has answered. */
const GRACE_MS = 100;
/** How long a link to a former master stays for what is on its way. */
const RETIRE_MS = 10_000;

/** What one sentinel says. */
interface Named {
  readonly master: Node;
  readonly epoch: number;
  readonly others: readonly Node[];
}

export class SentinelTopology implements Topology {
  readonly #params: TopologyParams<SentinelAddress>;
  readonly #label: string;
  readonly #means: ReturnType<typeof linkParams>;
  readonly #sentinelTls: ReturnType<typeof linkParams>['tls'];
  readonly #sentinels = new Map<string, Link>();
  readonly #retired = new Map<Lanes, () => void>();
  readonly #waiters: Waiters;
  readonly #rounds: Rounds<Named>;
  #master: { readonly node: Node; readonly lanes: Lanes } | null = null;
  #trouble = 'no sentinel has answered';
  #cancel = (): void => undefined;
  #looking = false;
  #closed = false;

  constructor(params: TopologyParams<SentinelAddress>) {
    this.#params = params;
    this.#label = describe(params.address);
    this.#means = linkParams(params);
    this.#waiters = new Waiters(params.clock);
    this.#rounds = new Rounds({ clock: params.clock, graceMs: GRACE_MS, atMostMs: ROUND_MS });
    this.#sentinelTls = params.address.sentinelTls ? this.#means.tls : undefined;
    for (const node of params.address.sentinels) this.#meet(node);
    void this.#look();
  }

  async ready(ms: number): Promise<void> {
    const { clock } = this.#params;
    const giveUpAt = clock.now() + ms;
    if (this.#closed) throw this.#unreachable('the connection was closed');
    if (this.#master === null) await this.#waiters.wait(ms, () => this.#unreachable());
    // The one that is named first may be dead already: another one is named soon.
    for (;;) {
      const link = this.linkFor(null);
      try {
        return await link.whenUsable(Math.max(1, giveUpAt - clock.now()));
      } catch (error) {
        if (!link.closed || this.#closed || clock.now() >= giveUpAt) throw error;
      }
    }
  }

  linkFor(_key: string | null, lane: Lane = 'commands'): Link {
    if (this.#master === null) throw this.#unreachable();
    return this.#master.lanes.link(lane);
  }

  masters(): readonly Link[] {
    return this.#master === null ? [] : [this.#master.lanes.commands];
  }

  linkTo(place: Place): Link | null {
    const link = this.#master?.lanes.commands;
    return link !== undefined && link.name === placeName(place) ? link : null;
  }

  dial(place: Place): Link {
    return new Link({ ...this.#means, place, masterOnly: true });
  }

  async after(verdict: Verdict, refused: Link): Promise<Next | null> {
    if (verdict.then !== 'rediscover') return null;
    refused.drop();
    void this.#look();
    return null;
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
    this.#master?.lanes.close();
    for (const link of this.#sentinels.values()) link.close();
    for (const [lanes, cancel] of this.#retired) {
      cancel();
      lanes.close();
    }
    this.#waiters.refuse(this.#unreachable('the connection was closed'));
  }

  #meet(node: Node): void {
    const name = nodeName(node);
    if (this.#sentinels.has(name)) return;
    const { clock, deadlineMs, address } = this.#params;
    const link = new Link({
      place: node,
      clock,
      deadlineMs,
      login: address.sentinelLogin,
      tls: this.#sentinelTls,
      clientName: address.clientName,
    });
    this.#sentinels.set(name, link);
  }

  /** Asks all, does what they say, and sees to it that they are asked again. */
  async #look(): Promise<void> {
    if (this.#looking || this.#closed) return;
    this.#looking = true;
    this.#cancel();
    try {
      const asked = [...this.#sentinels].map(([name, link]) => [name, () => this.#ask(link)] as const);
      const heard = await this.#rounds.ask(new Map(asked));
      if (this.#closed) return;
      const [best] = heard.answers.toSorted((a, b) => b.epoch - a.epoch);
      if (best === undefined) this.#lament(heard.reasons);
      else this.#follow(best.master);
      for (const { others } of heard.answers) others.forEach((node) => this.#meet(node));
    } finally {
      this.#looking = false;
      this.#cancel();
      const wait = this.#master?.lanes.commands.usable === true ? LOOK_MS : SEARCH_MS;
      if (!this.#closed) this.#cancel = this.#params.clock.after(wait, () => void this.#look());
    }
  }

  async #ask(link: Link): Promise<Named> {
    const { master } = this.#params.address;
    // One that is away is not waited for: there are others, and it is asked again.
    if (link.fresh) await link.whenTried();
    const [state, where, others] = await link.settle(
      Promise.all([
        link.call('SENTINEL', ['MASTER', master]),
        link.call('SENTINEL', ['GET-MASTER-ADDR-BY-NAME', master]),
        link.call('SENTINEL', ['SENTINELS', master]),
      ]),
    );
    const [host, port] = entriesOf(where).map(String);
    return {
      master: { host: host ?? '', port: Number(port) },
      epoch: Number(pairsOf(state).get('config-epoch') ?? 0),
      others: entriesOf(others).flatMap((other) => {
        const facts = pairsOf(other);
        const node = { host: facts.get('ip') ?? '', port: Number(facts.get('port')) };
        return node.host === '' || /disconnected|s_down/.test(facts.get('flags') ?? '') ? [] : [node];
      }),
    };
  }

  #follow(node: Node): void {
    if (this.#master !== null && nodeName(this.#master.node) === nodeName(node)) return;
    const former = this.#master?.lanes ?? null;
    const { changed } = this.#params;
    const onDown = (): void => void this.#look();
    const dial = (): Link => new Link({ ...this.#means, place: node, masterOnly: true, onUp: changed, onDown });
    this.#master = { node, lanes: new Lanes(dial) };
    if (former !== null) this.#retire(former);
    this.#waiters.release();
    changed();
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
    const { master } = this.#params.address;
    this.#trouble = [...new Set(reasons.map(messageOf))].join('; ');
    for (const reason of reasons) {
      if (hasCode(reason, 'REDIS_DENIED')) this.#waiters.refuse(reason);
      if (!messageOf(reason).includes('No such master')) continue;
      const way = `\`redis-cli -p 26379 SENTINEL MASTERS\` lists those that they know`;
      const what = `the sentinels of ${this.#label} know no master named "${master}"; ${way}`;
      this.#waiters.refuse(new CoordError('REDIS_UNSUITABLE', what));
    }
  }

  #unreachable(why = this.#trouble): CoordError {
    return new CoordError('REDIS_UNREACHABLE', `cannot reach Redis at ${this.#label}: ${why}`);
  }
}
