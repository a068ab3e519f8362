/**
 * Reads that wait, each reader on a connection of its own to the server that serves its stream, with a watchdog outside
 * the client. After any abnormal end that connection is thrown away, and so it is when another server takes over.
 */
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import type { Failpoints } from '../core/failpoints.js';
import type { Argument } from './commands.js';
import { judge } from './error-classes.js';
import type { Link } from './link.js';
import type { Next, Topology } from './topology.js';

export interface BlockingRead {
  readonly command: string;
  readonly args: readonly Argument[];
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** How much longer than its own wait a blocking read may take before its connection is given up. */
const WATCHDOG_MS = 2_000;
const UNBLOCK_AGAIN_MS = 20;

interface Reader {
  readonly link: Link;
  readonly key: string;
  /** The server's number for the connection, which another connection unblocks it by; a new one after a reconnect. */
  id: { readonly number: number; readonly session: number } | null;
  /** Whether it was given up for another server. */
  moved: boolean;
}

export class BlockingReads {
  readonly #means: { readonly topology: Topology; readonly clock: Clock; readonly failpoints: Failpoints };
  readonly #readers = new Map<string, Reader>();
  #closed = false;

  constructor(means: { readonly topology: Topology; readonly clock: Clock; readonly failpoints: Failpoints }) {
    this.#means = means;
  }

  /** Aborting ends the wait early; what had arrived by then is still returned. */
  async read(name: string, read: BlockingRead): Promise<unknown> {
    const { clock, topology } = this.#means;
    const key = firstStream(read.args);
    const giveUpAt = clock.now() + read.waitMs + WATCHDOG_MS;
    let next: Next | null = null;
    while (!read.signal.aborted) {
      const reader = this.#reader(name, { key, next });
      try {
        return await this.#once(reader, { ...read, asking: next?.asking ?? false });
      } catch (error) {
        this.drop(name, reader);
        // Writing, since a group read moves entries to this reader: unknown means that they may be its own already.
        const verdict = judge(error, { name: read.command, write: true });
        // It had not been sent, and the other server may answer.
        if (reader.moved && verdict.error.code === 'REDIS_UNREACHABLE' && clock.now() < giveUpAt) {
          next = null;
          continue;
        }
        next = clock.now() < giveUpAt ? await topology.after(verdict, reader.link) : null;
        if (next === null) throw verdict.error;
      }
    }
    return null;
  }

  /** With `reader`, only when the name is still that one's. */
  drop(name: string, reader = this.#readers.get(name)): void {
    reader?.link.close();
    if (this.#readers.get(name) === reader) this.#readers.delete(name);
  }

  /** Another server may serve now: who waits at the old one would wait for nothing. */
  moved(): void {
    for (const [name, reader] of this.#readers) {
      if (this.#fits(reader)) continue;
      reader.moved = true;
      this.drop(name);
    }
  }

  close(): void {
    this.#closed = true;
    for (const name of this.#readers.keys()) this.drop(name);
  }

  #reader(name: string, { key, next }: { readonly key: string; readonly next: Next | null }): Reader {
    const { topology } = this.#means;
    if (this.#closed) throw new CoordError('REDIS_UNREACHABLE', 'the connection was closed');
    const existing = this.#readers.get(name);
    if (existing !== undefined && existing.key === key && next === null && this.#fits(existing)) return existing;
    if (existing !== undefined) this.drop(name);
    const place = (next?.link ?? topology.linkFor(key)).place;
    const reader = { link: topology.dial(place), key, id: null, moved: false };
    this.#readers.set(name, reader);
    return reader;
  }

  #fits({ link, key }: Reader): boolean {
    try {
      return this.#means.topology.linkFor(key).name === link.name;
    } catch {
      return false;
    }
  }

  async #once(reader: Reader, read: BlockingRead & { readonly asking: boolean }): Promise<unknown> {
    const { failpoints } = this.#means;
    const { link } = reader;
    failpoints.pass(`before:${read.command}`);
    const finished = new AbortController();
    try {
      if (!link.usable) await link.whenTried();
      const { session } = link;
      if (reader.id?.session !== session)
        reader.id = { number: Number(await link.settle(link.call('CLIENT', ['ID']))), session };
      const { number: id } = reader.id;
      const pending = link.call(read.command, read.args, read.asking);
      const unblock = (): void => void this.#unblock(link, { id, finished: finished.signal });
      read.signal.addEventListener('abort', unblock);
      if (read.signal.aborted) unblock();
      try {
        const reply = await link.settle(pending, read.waitMs + WATCHDOG_MS);
        failpoints.pass(`after:${read.command}`);
        return reply;
      } finally {
        read.signal.removeEventListener('abort', unblock);
      }
    } finally {
      finished.abort();
    }
  }

  /** Until the read has ended: the first try can overtake the read on its way to the server. */
  async #unblock(link: Link, { id, finished }: { readonly id: number; readonly finished: AbortSignal }): Promise<void> {
    const { topology, clock } = this.#means;
    while (!finished.aborted && !this.#closed) {
      const via = topology.linkTo(link.place);
      // Nobody who could tell that server is left.
      if (via === null) return link.close();
      void via.call('CLIENT', ['UNBLOCK', id]).catch(() => undefined);
      await clock.sleep(UNBLOCK_AGAIN_MS, finished);
    }
  }
}

function firstStream(args: readonly Argument[]): string {
  return String(args[args.findIndex((arg) => arg === 'STREAMS') + 1]);
}
