/**
 * The client rules, all of them, in one place. ioredis as it comes re-sends commands whose reply was cut, which
 * applied 5 % of them twice in measurements; with that switched off, a cut command never settles. So: nothing is
 * ever sent again here, every command has its own deadline, and a command that was sent and not answered is
 * OUTCOME_UNKNOWN, except that reads are simply unreachable. Blocking reads have a connection of their own, with a
 * watchdog outside the client, and that connection is thrown away after any abnormal end.
 */
import { Redis, type RedisOptions } from 'ioredis';
import type { Clock } from '../core/clock.js';
import { CoordError, messageOf } from '../core/errors.js';
import type { Failpoints } from '../core/failpoints.js';
import type { Argument, Commands } from './commands.js';
import { checkCall, checkReply, type Script, type ScriptName } from './scripts.js';

/** Where a server is: a `redis://` or `rediss://` URL, or a unix socket. */
export type Address = { readonly url: string } | { readonly socket: string };

export interface ConnectionParams {
  readonly address: Address;
  readonly clock: Clock;
  readonly failpoints: Failpoints;
  /** Longest wait for the answer of one command, ms. */
  readonly deadlineMs: number;
  readonly scripts: ReadonlyMap<ScriptName, Script>;
}

/** Answers that say for certain that nothing was executed and that a later try may succeed. */
const NOT_NOW = /^(LOADING|BUSY|TRYAGAIN|CLUSTERDOWN|MASTERDOWN)\b/;
/** Answers that say that this server will not do it until somebody changes something. */
const UNSUITABLE = /^(OOM|MISCONF|NOREPLICAS|READONLY|NOAUTH|WRONGPASS|NOPERM)\b/;
/** How much longer than its own wait a blocking read may take before its connection is given up. */
const WATCHDOG_MS = 2_000;

export class Connection implements Commands {
  readonly #params: ConnectionParams;
  readonly #client: Redis;
  readonly #blocking = new Map<string, Redis>();
  readonly #ids = new WeakMap<Redis, number>();
  #closed = false;

  constructor(params: ConnectionParams) {
    this.#params = params;
    this.#client = newClient(params.address);
  }

  /** Waits until the server answers. Throws REDIS_UNREACHABLE after the deadline. */
  async ready(): Promise<void> {
    await this.#whenReady(this.#client);
  }

  async read(command: string, args: readonly Argument[]): Promise<unknown> {
    return this.#send(command, { args, write: false });
  }

  async readBuffer(command: string, args: readonly Argument[]): Promise<Buffer | null> {
    this.#params.failpoints.pass(`before:${command}`);
    const reply = await this.#settle(this.#client.callBuffer(command, [...args]), { name: command, write: false });
    this.#params.failpoints.pass(`after:${command}`);
    return reply as Buffer | null;
  }

  async write(command: string, args: readonly Argument[]): Promise<unknown> {
    return this.#send(command, { args, write: true });
  }

  async readAll(commands: readonly (readonly [string, ...Argument[]])[]): Promise<unknown[]> {
    return Promise.all(commands.map(([command, ...args]) => this.read(command, args)));
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
    const reply = await this.#evaluate(script, [keys.length, ...keys, ...args]);
    this.#params.failpoints.pass(`after:${name}`);
    return checkReply(script, reply);
  }

  /**
   * A read that waits for up to `waitMs`, on a connection of its own per `reader`. Aborting ends the wait early; what
   * had arrived by then is still returned. Any abnormal end throws, and the connection is not used again.
   */
  async blockingRead(
    reader: string,
    read: { command: string; args: readonly Argument[]; waitMs: number; signal: AbortSignal },
  ): Promise<unknown> {
    if (read.signal.aborted) return null;
    const client = this.#blockingClient(reader);
    this.#params.failpoints.pass(`before:${read.command}`);
    const finished = new AbortController();
    try {
      await this.#whenReady(client);
      const id = await this.#serverSideId(client);
      const pending = client.call(read.command, [...read.args]);
      const unblock = (): void => void this.#unblock(id, finished.signal);
      read.signal.addEventListener('abort', unblock);
      if (read.signal.aborted) unblock();
      try {
        // Writing, since a group read moves entries to this reader: unknown means that they may be its own already.
        const reply = await this.#settle(pending, {
          name: read.command,
          write: true,
          deadlineMs: read.waitMs + WATCHDOG_MS,
        });
        this.#params.failpoints.pass(`after:${read.command}`);
        return reply;
      } finally {
        read.signal.removeEventListener('abort', unblock);
      }
    } catch (error) {
      client.disconnect();
      if (this.#blocking.get(reader) === client) this.#blocking.delete(reader);
      throw error;
    } finally {
      finished.abort();
    }
  }

  /** For a reader that is not coming back. */
  dropReader(reader: string): void {
    this.#blocking.get(reader)?.disconnect();
    this.#blocking.delete(reader);
  }

  close(): void {
    this.#closed = true;
    this.#client.disconnect();
    for (const client of this.#blocking.values()) client.disconnect();
    this.#blocking.clear();
  }

  async #send(command: string, { args, write }: { args: readonly Argument[]; write: boolean }): Promise<unknown> {
    this.#params.failpoints.pass(`before:${command}`);
    const reply = await this.#settle(this.#client.call(command, [...args]), { name: command, write });
    this.#params.failpoints.pass(`after:${command}`);
    return reply;
  }

  async #evaluate(script: Script, rest: readonly Argument[]): Promise<unknown> {
    const name = script.name;
    try {
      return await this.#settle(this.#client.call('EVALSHA', [script.sha1, ...rest]), { name, write: true });
    } catch (error) {
      // The script cache is gone after a restart; the server says so before it does anything.
      if (!messageOf(error).includes('NOSCRIPT')) throw error;
      return this.#settle(this.#client.call('EVAL', [script.source, ...rest]), { name, write: true });
    }
  }

  /** Waits for an answer no longer than the deadline, and gives every way to fail its name. */
  async #settle(
    pending: Promise<unknown>,
    { name, write, deadlineMs }: { name: string; write: boolean; deadlineMs?: number },
  ): Promise<unknown> {
    const limit = deadlineMs ?? this.#params.deadlineMs;
    let cancel = (): void => undefined;
    const late = new Promise<never>((_, reject) => {
      cancel = this.#params.clock.after(limit, () =>
        reject(new CoordError('OUTCOME_UNKNOWN', `no answer within ${String(limit)} ms`)),
      );
    });
    try {
      return await Promise.race([pending, late]);
    } catch (error) {
      throw classify(error, { name, write });
    } finally {
      cancel();
    }
  }

  async #whenReady(client: Redis): Promise<void> {
    if (client.status === 'ready') return;
    let lastError: unknown;
    let cancel = (): void => undefined;
    await new Promise<void>((resolve, reject) => {
      const done = (): void => resolve();
      const note = (error: unknown): void => {
        lastError = error;
      };
      cancel = this.#params.clock.after(this.#params.deadlineMs, () => {
        const why = this.#closed ? 'the connection was closed' : messageOf(lastError ?? 'no answer');
        reject(
          new CoordError('REDIS_UNREACHABLE', `cannot reach Redis at ${describe(this.#params.address)}: ${why}`, {
            cause: lastError,
          }),
        );
      });
      client.on('error', note);
      client.once('ready', done);
      const give = cancel;
      cancel = () => {
        give();
        client.off('error', note);
        client.off('ready', done);
      };
    }).finally(() => cancel());
  }

  #blockingClient(reader: string): Redis {
    const existing = this.#blocking.get(reader);
    if (existing !== undefined) return existing;
    if (this.#closed) throw new CoordError('REDIS_UNREACHABLE', 'the connection was closed');
    const client = newClient(this.#params.address);
    this.#blocking.set(reader, client);
    return client;
  }

  /** The server's number for this connection, which another connection unblocks it by; a new one after a reconnect. */
  async #serverSideId(client: Redis): Promise<number> {
    const known = this.#ids.get(client);
    if (known !== undefined) return known;
    const id = Number(await this.#settle(client.call('CLIENT', 'ID'), { name: 'CLIENT ID', write: false }));
    this.#ids.set(client, id);
    client.once('close', () => this.#ids.delete(client));
    return id;
  }

  /** Until the read has ended: the first try can overtake the read on its way to the server. */
  async #unblock(id: number, finished: AbortSignal): Promise<void> {
    while (!finished.aborted && !this.#closed) {
      await this.#client.call('CLIENT', 'UNBLOCK', id).catch(() => undefined);
      await this.#params.clock.sleep(20, finished);
    }
  }
}

export function describe(address: Address): string {
  if ('socket' in address) return `unix:${address.socket}`;
  try {
    const url = new URL(address.url);
    return `${url.protocol}//${url.host}${url.pathname === '/' ? '' : url.pathname}`;
  } catch {
    return address.url;
  }
}

function newClient(address: Address): Redis {
  const options = {
    // The shapes of replies are part of the contract with the scripts; RESP3 flattens some of them.
    protocol: 2,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 5_000,
    retryStrategy: (attempt: number) => Math.min(1_000, 20 * 2 ** Math.min(attempt, 6)),
  } satisfies RedisOptions;
  const client = new Redis('socket' in address ? address.socket : address.url, options);
  // Every command reports its own failure; without a listener Node would end the process.
  client.on('error', () => undefined);
  return client;
}

function classify(error: unknown, { name, write }: { name: string; write: boolean }): CoordError {
  const text = messageOf(error);
  if (error instanceof CoordError && error.code !== 'OUTCOME_UNKNOWN') return error;
  if (NOT_NOW.test(text))
    return new CoordError('REDIS_UNREACHABLE', `Redis cannot do ${name} now: ${text}`, { cause: error });
  if (UNSUITABLE.test(text))
    return new CoordError('REDIS_UNSUITABLE', `Redis refuses ${name}: ${text}`, { cause: error });
  if (error instanceof Error && error.name === 'ReplyError')
    return new CoordError('REDIS_SCRIPT', `${name}: ${text}`, { cause: error });
  // The client speaks of its own settings; what has happened is that the connection was lost with this on its way.
  if (text.includes('max retries per request'))
    return new CoordError(
      write ? 'OUTCOME_UNKNOWN' : 'REDIS_UNREACHABLE',
      `${name}: the connection to Redis was lost`,
      { cause: error },
    );
  // Never sent: the client was not connected.
  if (text.includes("Stream isn't writeable"))
    return new CoordError('REDIS_UNREACHABLE', `${name}: not connected to Redis`, { cause: error });
  return new CoordError(write ? 'OUTCOME_UNKNOWN' : 'REDIS_UNREACHABLE', `${name}: ${text}`, { cause: error });
}
