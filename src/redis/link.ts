/**
 * One connection to one server, and the client rules. ioredis as it comes re-sends commands whose reply was cut, which
 * applied 5 % of them twice in measurements; with that switched off, a cut command never settles. So: nothing is ever sent
 * again by the client, every command has its own deadline, and a connection on which nothing came back by then is given
 * up. It counts as usable only after the server has answered, is the master where one is looked for, and has the database.
 */
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { Redis, type RedisOptions } from 'ioredis';
import type { Clock } from '../core/clock.js';
import { CoordError, messageOf } from '../core/errors.js';
import { systemWords } from '../core/system-errors.js';
import { type Login, type Node, nodeName, type Tls } from './address.js';
import type { Argument } from './commands.js';
import { errorClassOf, judge, LateAnswer, NotSent } from './error-classes.js';
import { Waiters } from './waiters.js';

export type Place = Node | { readonly socket: string };

export interface LinkParams {
  readonly place: Place;
  readonly clock: Clock;
  /** Longest wait for the answer of one command, ms. */
  readonly deadlineMs: number;
  readonly login?: Login | undefined;
  readonly tls?: ConnectionOptions | undefined;
  readonly db?: number | undefined;
  readonly clientName?: string | undefined;
  /** Whether a server of another role than master is of no use. */
  readonly masterOnly?: boolean | undefined;
  /** What messages call it, where that is more than host and port. */
  readonly label?: string | undefined;
  readonly onUp?: (() => void) | undefined;
  readonly onDown?: (() => void) | undefined;
}

const CONNECT_MS = 5_000;
/** How long a connection that is given up may take to say good-bye. */
const FAREWELL_MS = 50;
/** Between two looks at a server that is not ready yet. */
const LOOK_AGAIN_MS = 50;
const SLOWEST_RETRY_MS = 1_000;

export class Link {
  readonly place: Place;
  readonly name: string;
  readonly #label: string;
  readonly #params: LinkParams;
  readonly #client: Redis;
  readonly #waiters: Waiters;
  readonly #impatient: Waiters;
  #usable = false;
  #fresh = true;
  #closed = false;
  #lastError: unknown = 'no answer';
  #lastAnswerAt = 0;
  #session = 0;

  constructor(params: LinkParams) {
    const { place } = params;
    this.#params = params;
    this.place = place;
    this.name = placeName(place);
    this.#label = params.label ?? this.name;
    this.#waiters = new Waiters(params.clock);
    this.#impatient = new Waiters(params.clock);
    this.#client = newClient(params);
    // Every command reports its own failure; without a listener Node would end the process.
    this.#client.on('error', (error: unknown) => this.#note(error));
    this.#client.on('ready', () => void this.#examine(++this.#session));
    this.#client.on('close', () => this.#down());
  }

  get usable(): boolean {
    return this.#usable;
  }

  /** Whether its first attempt to connect is still under way. */
  get fresh(): boolean {
    return this.#fresh;
  }

  /** Another number after each reconnect. */
  get session(): number {
    return this.#session;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get lastError(): string {
    return messageOf(this.#lastError);
  }

  /**
   * Resolves when the server can be used. Throws REDIS_UNREACHABLE after `ms`, and at once when it was closed; REDIS_DENIED
   * as soon as the server does not let this user in.
   */
  async whenUsable(ms = this.#params.deadlineMs): Promise<void> {
    await this.#wait(this.#waiters, ms);
  }

  /** The same, but throws as soon as an attempt to connect has failed. */
  async whenTried(ms = this.#params.deadlineMs): Promise<void> {
    await this.#wait(this.#impatient, ms);
  }

  /**
   * Sends a command as it is; the reply is to be waited for by `settle`. `asking`: to a node that an ASK has named, whose
   * own answer is of no interest, since what follows is refused when it was.
   */
  call(command: string, args: readonly Argument[], asking = false): Promise<unknown> {
    if (!this.#usable) return Promise.reject(this.#notConnected());
    if (asking) void this.#client.call('ASKING').catch(() => undefined);
    return this.#client.call(command, [...args]);
  }

  callBuffer(command: string, args: readonly Argument[], asking = false): Promise<unknown> {
    if (!this.#usable) return Promise.reject(this.#notConnected());
    if (asking) void this.#client.call('ASKING').catch(() => undefined);
    return this.#client.callBuffer(command, [...args]);
  }

  /** Waits for an answer no longer than the deadline. Rejects with what the client said, or with LateAnswer. */
  async settle<T>(pending: Promise<T>, deadlineMs = this.#params.deadlineMs): Promise<T> {
    const { clock } = this.#params;
    const sentAt = clock.now();
    let cancel = (): void => undefined;
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(deadlineMs, () => {
        // Nothing at all came back since: the other end may be gone without a word, and would stay so for a quarter of an hour.
        if (this.#lastAnswerAt <= sentAt) this.drop();
        reject(new LateAnswer(`no answer within ${String(deadlineMs)} ms`));
      });
    });
    try {
      const answer = await Promise.race([pending, late]);
      this.#lastAnswerAt = clock.now();
      return answer;
    } catch (error) {
      if (error instanceof Error && error.name === 'ReplyError') this.#lastAnswerAt = clock.now();
      throw error;
    } finally {
      cancel();
    }
  }

  /** Gives the connection up and makes a new one. Whatever is on its way is of unknown outcome. */
  drop(): void {
    if (this.#closed) return;
    this.#down();
    this.#client.disconnect(true);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#down();
    this.#client.disconnect();
    this.#waiters.refuse(this.#unreachable('the connection was closed'));
  }

  async #wait(waiters: Waiters, ms: number): Promise<void> {
    if (this.#usable) return;
    if (this.#closed) throw this.#unreachable('the connection was closed');
    await waiters.wait(ms, () => this.#unreachable(this.lastError));
  }

  #down(): void {
    this.#session++;
    this.#fresh = false;
    const was = this.#usable;
    this.#usable = false;
    this.#impatient.refuse(this.#unreachable(this.lastError));
    if (was) this.#params.onDown?.();
  }

  async #examine(session: number): Promise<void> {
    const { db, masterOnly, clock } = this.#params;
    const ask = (command: string, args: readonly Argument[]): Promise<unknown> =>
      this.settle(this.#client.call(command, [...args]), CONNECT_MS);
    for (;;) {
      try {
        // By hand, since the client would go on in database 0 when this one does not exist.
        if (db !== undefined) await ask('SELECT', [db]);
        await ask('PING', []);
        if (masterOnly === true) {
          const [role] = (await ask('ROLE', [])) as unknown[];
          if (role !== 'master') throw new NotSent(`${this.name} is no master, its role is ${String(role)}`);
        }
        if (session === this.#session) this.#up();
        return;
      } catch (error) {
        if (session !== this.#session) return;
        this.#note(error);
        // What is not there for good is not asked for all the time.
        await clock.sleep(LOOK_AGAIN_MS);
        if (session !== this.#session) return;
        if (errorClassOf(messageOf(error)) === null) return this.drop();
      }
    }
  }

  #up(): void {
    this.#usable = true;
    this.#fresh = false;
    this.#waiters.release();
    this.#impatient.release();
    this.#params.onUp?.();
  }

  #note(error: unknown): void {
    this.#lastError = error;
    const row = errorClassOf(messageOf(error));
    if (row === null || (row.code !== 'REDIS_DENIED' && row.then !== 'report')) return;
    const { error: denied, text } = judge(error, { name: this.#label, write: false });
    const refusal =
      row.then === 'report'
        ? new CoordError('REDIS_UNSUITABLE', `Redis at ${this.#label} cannot be used: ${text}`)
        : denied;
    this.#waiters.refuse(refusal);
    this.#impatient.refuse(refusal);
  }

  #notConnected(): NotSent {
    return new NotSent(
      this.#closed ? 'the connection was closed' : `not connected to Redis at ${this.#label}: ${this.lastError}`,
    );
  }

  #unreachable(why: string): CoordError {
    return new CoordError('REDIS_UNREACHABLE', `cannot reach Redis at ${this.#label}: ${why}`, {
      cause: this.#lastError,
    });
  }
}

export function placeName(place: Place): string {
  return 'socket' in place ? `unix:${place.socket}` : nodeName(place);
}

/** Throws USAGE for a file that cannot be read. */
export function tlsOptions(tls: Tls | undefined): ConnectionOptions | undefined {
  if (tls === undefined) return undefined;
  const { ca, cert, key, servername, verify } = tls;
  return {
    rejectUnauthorized: verify,
    ...(ca !== undefined && { ca: pem(ca, 'ca') }),
    ...(cert !== undefined && { cert: pem(cert, 'cert') }),
    ...(key !== undefined && { key: pem(key, 'key') }),
    ...(servername !== undefined && { servername }),
  };
}

function pem(file: string, option: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CoordError(
      'USAGE',
      `the file ${file} (option "${option}" of the Redis address) cannot be read: ${systemWords(error)}`,
      { cause: error },
    );
  }
}

/**
 * Pause before the given attempt to connect, ms. Each process has pauses of its own, up to a quarter longer or shorter, so
 * that a server which comes back does not meet all of a fleet in one moment.
 */
export function reconnectMs(attempt: number, pid = process.pid): number {
  const share = ((pid * 2_654_435_761) % 1_000) / 1_000;
  return Math.round(Math.min(SLOWEST_RETRY_MS, 20 * 2 ** Math.min(attempt, 6)) * (0.75 + share / 2));
}

function newClient({ place, login, tls, clientName }: LinkParams): Redis {
  const options = {
    // The shapes of replies are part of the contract with the scripts; RESP3 flattens some of them.
    protocol: 2,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    disableClientInfo: true,
    connectionName: clientName ?? 'coord',
    connectTimeout: CONNECT_MS,
    disconnectTimeout: FAREWELL_MS,
    retryStrategy: reconnectMs,
    ...(login !== undefined && { password: login.password, ...(login.user !== undefined && { username: login.user }) }),
    ...(tls !== undefined && { tls }),
  } satisfies RedisOptions;
  return 'socket' in place ? new Redis(place.socket, options) : new Redis({ ...options, ...place });
}
