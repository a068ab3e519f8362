/**
 * How everything else talks to Redis, of whatever shape. A command goes to the master of its key; what was certainly not
 * executed is sent once more where the answer says; whatever else goes wrong is told to the caller by its name: a write
 * that was sent and not answered is OUTCOME_UNKNOWN, a read is simply unreachable. The client rules are in link.ts.
 */
import { Command } from 'ioredis';
import type { Clock } from '../core/clock.js';
import { CoordError, messageOf } from '../core/errors.js';
import type { Failpoints } from '../core/failpoints.js';
import type { Address } from './address.js';
import { type BlockingRead, BlockingReads } from './blocking.js';
import { ClusterTopology } from './cluster.js';
import type { Argument, Commands } from './commands.js';
import { Confirmer } from './confirm.js';
import { judge, type Verdict } from './error-classes.js';
import type { Link } from './link.js';
import { Rights } from './rights.js';
import { checkCall, checkReply, type Script, type ScriptName } from './scripts.js';
import { SentinelTopology } from './sentinel.js';
import { type Lane, SingleTopology, type Topology } from './topology.js';

export interface ConnectionParams {
  readonly address: Address;
  readonly clock: Clock;
  readonly failpoints: Failpoints;
  /** Longest wait for the answer of one command, ms. */
  readonly deadlineMs: number;
  readonly scripts: ReadonlyMap<ScriptName, Script>;
}

const MOST_AT_ONCE = 5;
const TRY_AGAIN_MS = 20;

interface Task<T> {
  readonly name: string;
  readonly write: boolean;
  readonly key: string | null;
  readonly lane?: Lane;
  readonly extraMs?: number;
  readonly send: (link: Link, asking: boolean) => Promise<T>;
}

export class Connection implements Commands {
  readonly #params: ConnectionParams;
  readonly #topology: Topology;
  readonly #blocking: BlockingReads;
  readonly #confirmer: Confirmer | null;
  readonly #rights: Rights | null;
  readonly #clustered: boolean;
  readonly #listeners = new Set<() => void>();

  /** Throws USAGE for a certificate that cannot be read. */
  constructor(params: ConnectionParams) {
    const { address, clock, failpoints } = params;
    this.#params = params;
    this.#clustered = 'cluster' in address;
    // The default user may do everything, or nothing.
    this.#rights = address.login?.user === undefined ? null : new Rights(address.login.user);
    this.#topology = topologyFor(params, () => this.#changed());
    this.#blocking = new BlockingReads({ topology: this.#topology, clock, failpoints });
    this.#confirmer = address.confirm === undefined ? null : new Confirmer(address.confirm, clock);
  }

  /** Waits until the server answers. Throws REDIS_UNREACHABLE after the deadline. */
  async ready(): Promise<void> {
    await this.#topology.ready(this.#params.deadlineMs);
  }

  /** Calls `listener` whenever a server can be used again, or another one took over: what is remembered of it may be wrong. */
  onReconnect(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async read(command: string, args: readonly Argument[]): Promise<unknown> {
    return this.#send(command, { args, write: false });
  }

  async readBuffer(command: string, args: readonly Argument[]): Promise<Buffer | null> {
    this.#params.failpoints.pass(`before:${command}`);
    const send = (link: Link, asking: boolean): Promise<unknown> => link.callBuffer(command, args, asking);
    const reply = await this.#perform({ name: command, write: false, key: this.#keyOf(command, args), send });
    this.#params.failpoints.pass(`after:${command}`);
    return reply as Buffer | null;
  }

  async write(command: string, args: readonly Argument[]): Promise<unknown> {
    return this.#send(command, { args, write: true });
  }

  async readAll(commands: readonly (readonly [string, ...Argument[]])[]): Promise<unknown[]> {
    return Promise.all(commands.map(([command, ...args]) => this.read(command, args)));
  }

  /** A reading command that names no key, at the server that serves `key`. */
  async readAt(key: string, command: string, args: readonly Argument[]): Promise<unknown> {
    return this.#perform({
      name: command,
      write: false,
      key,
      send: (link, asking) => link.call(command, args, asking),
    });
  }

  /** A reading command at each master; the answers by its name. */
  async readEverywhere(command: string, args: readonly Argument[]): Promise<ReadonlyMap<string, unknown>> {
    const answers = this.#topology.masters().map(async (link): Promise<[string, unknown]> => {
      try {
        return [link.name, await link.settle(link.call(command, args))];
      } catch (error) {
        throw judge(error, { name: command, write: false }).error;
      }
    });
    return new Map(await Promise.all(answers));
  }

  /** Runs a script; the reply begins with one of the replies that its header names. */
  async script(
    name: ScriptName,
    keys: readonly string[],
    args: readonly Argument[],
  ): Promise<readonly [string, ...unknown[]]> {
    const script = this.#params.scripts.get(name);
    if (script === undefined) throw new CoordError('REDIS_SCRIPT', `no script is named ${name}`);
    checkCall(script, { keys: keys.length, arguments: args.length });
    this.#params.failpoints.pass(`before:${name}`);
    const key = keys[0] ?? '';
    if (this.#rights !== null) await this.#checkRights(this.#rights, script, key);
    const reply = await this.#evaluate(script, key, [keys.length, ...keys, ...args]);
    this.#params.failpoints.pass(`after:${name}`);
    return checkReply(script, reply);
  }

  /** Runs a script that only reads, and may take `extraMs` longer than others. Texts of the reply are bytes, but for its first. */
  async scriptBytes(
    name: ScriptName,
    { keys, args, extraMs }: { keys: readonly string[]; args: readonly Argument[]; extraMs: number },
  ): Promise<readonly [string, ...unknown[]]> {
    const script = this.#params.scripts.get(name);
    if (script === undefined) throw new CoordError('REDIS_SCRIPT', `no script is named ${name}`);
    checkCall(script, { keys: keys.length, arguments: args.length });
    const key = keys[0] ?? '';
    const run = (command: string, first: string): Promise<unknown> =>
      this.#perform({
        name,
        write: false,
        key,
        extraMs,
        send: (link, asking) => link.callBuffer(command, [first, keys.length, ...keys, ...args], asking),
      });
    const reply = await run('EVALSHA', script.sha1).catch((error: unknown) => {
      if (!messageOf(error).includes('NOSCRIPT')) throw error;
      return run('EVAL', script.source);
    });
    const [first, ...rest] = Array.isArray(reply) ? (reply as unknown[]) : [];
    return checkReply(script, [String(first), ...rest]);
  }

  /**
   * A read that waits for up to `waitMs`, on a connection of its own per `reader`. Aborting ends the wait early; what
   * had arrived by then is still returned. Any abnormal end throws, and the connection is not used again.
   */
  async blockingRead(reader: string, read: BlockingRead): Promise<unknown> {
    return this.#blocking.read(reader, read);
  }

  /** For a reader that is not coming back. */
  dropReader(reader: string): void {
    this.#blocking.drop(reader);
  }

  close(): void {
    this.#listeners.clear();
    this.#blocking.close();
    this.#topology.close();
  }

  #changed(): void {
    this.#blocking.moved();
    for (const listener of this.#listeners) listener();
  }

  async #send(command: string, { args, write }: { args: readonly Argument[]; write: boolean }): Promise<unknown> {
    this.#params.failpoints.pass(`before:${command}`);
    const send = (link: Link, asking: boolean): Promise<unknown> => link.call(command, args, asking);
    const reply = await this.#perform({ name: command, write, key: this.#keyOf(command, args), send });
    this.#params.failpoints.pass(`after:${command}`);
    return reply;
  }

  async #checkRights(rights: Rights, script: Script, key: string): Promise<void> {
    const look = (args: readonly Argument[]): Promise<unknown> =>
      this.#perform({
        name: script.name,
        write: false,
        key,
        send: (link, asking) => link.call('EVAL', args, asking),
      });
    await rights.check(script, key, look);
  }

  async #evaluate(script: Script, key: string, rest: readonly Argument[]): Promise<unknown> {
    const run = this.#runner(script, key);
    try {
      return await run('EVALSHA', [script.sha1, ...rest]);
    } catch (error) {
      // The script cache is gone after a restart; the server says so before it does anything.
      if (!messageOf(error).includes('NOSCRIPT')) throw error;
      return run('EVAL', [script.source, ...rest]);
    }
  }

  #runner({ name }: Script, key: string): (command: string, args: readonly Argument[]) => Promise<unknown> {
    const confirmer = this.#confirmer;
    if (confirmer === null || !Confirmer.concerns(name))
      return (command, args) =>
        this.#perform({ name, write: true, key, send: (link, asking) => link.call(command, args, asking) });
    const { extraMs } = confirmer;
    const deadlineMs = this.#params.deadlineMs + extraMs;
    return async (command, args) => {
      const send = (link: Link, asking: boolean): ReturnType<Confirmer['send']> =>
        confirmer.send(link, { command, args, asking, deadlineMs });
      return confirmer.check(name, await this.#perform({ name, write: true, key, lane: 'confirmed', extraMs, send }));
    };
  }

  /** Sends a command to where it belongs, and once more where an answer says that it was not executed. */
  async #perform<T>({ name, write, key, lane, extraMs = 0, send }: Task<T>): Promise<T> {
    const { clock, deadlineMs } = this.#params;
    const giveUpAt = clock.now() + deadlineMs;
    let link = this.#topology.linkFor(key, lane);
    let asking = false;
    for (let tries = 0; ; tries++) {
      // Nodes that send each other's clients back and forth will agree in a moment.
      if (tries > MOST_AT_ONCE) await clock.sleep(TRY_AGAIN_MS);
      let verdict: Verdict;
      try {
        // One that has just been made is waited for; one that was lost is not, since nobody knows for how long.
        if (link.fresh) await link.whenTried();
        return await link.settle(send(link, asking), deadlineMs + extraMs);
      } catch (error) {
        verdict = judge(error, { name, write });
        if (verdict.error.code === 'REDIS_DENIED') this.#rights?.doubt(error);
      }
      const next = clock.now() < giveUpAt ? await this.#topology.after(verdict, link, lane) : null;
      if (next === null) throw verdict.error;
      ({ link, asking } = next);
    }
  }

  /** Only a cluster asks where a key lies; keys that are looked for by a pattern lie where its hash tag says. */
  #keyOf(command: string, args: readonly Argument[]): string | null {
    if (!this.#clustered) return null;
    const pattern = command === 'SCAN' ? args[args.indexOf('MATCH') + 1] : undefined;
    const key = new Command(command, [...args]).getKeys()[0] ?? pattern;
    return key === undefined ? null : String(key);
  }
}

function topologyFor({ address, clock, deadlineMs }: ConnectionParams, changed: () => void): Topology {
  const means = { clock, deadlineMs, changed };
  if ('cluster' in address) return new ClusterTopology({ ...means, address });
  if ('sentinels' in address) return new SentinelTopology({ ...means, address });
  const place = 'socket' in address ? { socket: address.socket } : address.server;
  return new SingleTopology({ ...means, address, place });
}
