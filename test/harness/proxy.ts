/**
 * A proxy before redis-server that can do what only a network does: cut a connection before, behind or inside a message,
 * keep answers back, fall silent without a word, be slow. Bytes are never reordered and none is left out in the middle:
 * where TCP would have broken, the connection breaks here too.
 */
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

export type Fault =
  /** The next request arrives; its connection is cut before the answer. */
  | { readonly kind: 'cut-after-request' }
  /** Of the next request, or of the next answer, only a part gets through before the connection is cut. */
  | { readonly kind: 'cut-inside'; readonly what: 'request' | 'reply'; readonly share: number }
  /** All connections are cut now. */
  | { readonly kind: 'cut' }
  /** Requests arrive and answers do not, for a time; then those connections are cut. */
  | { readonly kind: 'drop-replies'; readonly ms: number }
  /** Nothing moves for a time and nobody is told; then it goes on, or the connections are cut. */
  | { readonly kind: 'freeze'; readonly ms: number; readonly cut: boolean }
  /** Everything takes so much longer, for a time. */
  | { readonly kind: 'slow'; readonly ms: number; readonly delayMs: number };

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Whether an answer of it was kept back: then it can only be cut. */
  broken: boolean;
  /** What is under way slowly; whatever follows goes behind it, whether or not the fault is over by then. */
  readonly late: Record<Way, Buffer[]>;
}

type Way = 'request' | 'reply';

export class Proxy {
  readonly socket: string;
  readonly #upstream: string;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  /** What happens to all replies from now on. */
  next: 'pass' | 'cut' | 'swallow' = 'pass';
  #once: Extract<Fault, { kind: 'cut-after-request' | 'cut-inside' }> | null = null;
  #during: Extract<Fault, { ms: number }> | null = null;
  #endDuring: (() => void) | null = null;

  /** `directory`: where its own socket is made. */
  constructor(upstream: { readonly socket: string; readonly directory: string }, name?: string) {
    this.#upstream = upstream.socket;
    this.socket = join(upstream.directory, `${name ?? `proxy-${String(process.hrtime.bigint())}`}.sock`);
    this.#server = createServer((client) => this.#link(client));
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(this.socket, resolve);
    });
  }

  async close(): Promise<void> {
    this.calm();
    this.#cutAll();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  /** Lets a fault happen; one that takes time ends the one before it. */
  strike(fault: Fault): void {
    if (fault.kind === 'cut') this.#cutAll();
    else if (fault.kind === 'cut-after-request' || fault.kind === 'cut-inside') this.#once = fault;
    else this.#begin(fault);
  }

  /** No more faults; what they held up goes on. */
  calm(): void {
    this.next = 'pass';
    this.#once = null;
    this.#endDuring?.();
  }

  #link(client: Socket): void {
    const server = dial(this.#upstream);
    const link: Link = { client, server, broken: false, late: { request: [], reply: [] } };
    this.#links.add(link);
    for (const socket of [client, server]) {
      socket.on('error', () => undefined);
      socket.on('close', () => this.#cut(link));
    }
    client.on('data', (data) => this.#pass(link, 'request', data));
    server.on('data', (data) => this.#pass(link, 'reply', data));
    if (this.#during?.kind === 'freeze') pause(link);
  }

  #pass(link: Link, way: Way, data: Buffer): void {
    const target = way === 'request' ? link.server : link.client;
    const late = link.late[way];
    if (late.length > 0) {
      late.push(data);
      return;
    }
    const once = this.#once;
    if (once?.kind === 'cut-after-request' && way === 'request') {
      this.#once = null;
      link.broken = true;
      // Cut only when the server has it: else it is a request that never was.
      target.write(data, () => link.client.destroy());
      return;
    }
    if (once?.kind === 'cut-inside' && way === once.what) {
      this.#once = null;
      target.write(data.subarray(0, Math.floor(data.length * once.share)), () => this.#cut(link));
      return;
    }
    const during = this.#during;
    // Whatever is asked now is not answered, also when the answer takes longer than the fault.
    if (during?.kind === 'drop-replies') link.broken = true;
    if (way === 'reply' && (link.broken || this.next !== 'pass')) {
      if (this.next === 'cut') link.client.destroy();
      return;
    }
    if (during?.kind !== 'slow') {
      target.write(data);
      return;
    }
    late.push(data);
    setTimeout(() => target.write(Buffer.concat(late.splice(0))), during.delayMs);
  }

  #begin(fault: Extract<Fault, { ms: number }>): void {
    this.#endDuring?.();
    this.#during = fault;
    if (fault.kind === 'freeze') for (const link of this.#links) pause(link);
    const end = (): void => {
      clearTimeout(timer);
      this.#during = null;
      this.#endDuring = null;
      for (const link of this.#links) {
        if (link.broken || (fault.kind === 'freeze' && fault.cut)) this.#cut(link);
        else resume(link);
      }
    };
    const timer = setTimeout(end, fault.ms);
    this.#endDuring = end;
  }

  #cutAll(): void {
    for (const link of this.#links) this.#cut(link);
  }

  #cut(link: Link): void {
    this.#links.delete(link);
    link.client.destroy();
    link.server.destroy();
  }
}

function pause({ client, server }: Link): void {
  client.pause();
  server.pause();
}

function resume({ client, server }: Link): void {
  client.resume();
  server.resume();
}
