/** A server that speaks the protocol of Redis and answers what a test says: for answers that a real one gives only in need. */
import { createServer, type Server, type Socket } from 'node:net';

/** A whole reply as it goes over the wire; null for no answer, CUT for none and the end of the connection. */
export type Answer = string | null;
export const CUT = '';

export const ok = '+OK\r\n';
export const error = (text: string): string => `-${text}\r\n`;
export const bulk = (text: string): string => `$${String(Buffer.byteLength(text))}\r\n${text}\r\n`;
export const integer = (value: number): string => `:${String(value)}\r\n`;
export const list = (...items: readonly string[]): string => `*${String(items.length)}\r\n${items.join('')}`;

export class StubServer {
  /** Every command that came in, with its arguments. */
  readonly seen: (readonly string[])[] = [];
  /** What is said to everything but what each connection begins with; falls back to that on undefined. */
  answer: (command: readonly string[]) => Answer | undefined = () => undefined;
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
      let unread = Buffer.alloc(0);
      socket.on('data', (data) => {
        unread = Buffer.concat([unread, data]);
        for (let taken = parse(unread); taken !== null; taken = parse(unread)) {
          unread = unread.subarray(taken.length);
          this.#take(socket, taken.command);
        }
      });
    });
  }

  async open(): Promise<number> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return this.port;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** How often a command came in. */
  count(name: string): number {
    return this.seen.filter(([command]) => command === name).length;
  }

  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cutAll();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #take(socket: Socket, command: readonly string[]): void {
    this.seen.push(command);
    const given = this.answer(command);
    const answer = given === undefined ? usual(command) : given;
    if (answer === CUT) socket.destroy();
    else if (answer !== null) socket.write(answer);
  }
}

function usual([name]: readonly string[]): Answer {
  if (name === 'PING') return '+PONG\r\n';
  if (name === 'CLIENT') return integer(7);
  if (name === 'ROLE') return list(bulk('master'), integer(0), list());
  return ok;
}

/** The first whole command in what has arrived, or null. */
function parse(data: Buffer): { command: readonly string[]; length: number } | null {
  let at = 0;
  const line = (): string | null => {
    const end = data.indexOf('\r\n', at);
    if (end < 0) return null;
    const text = data.toString('utf8', at, end);
    at = end + 2;
    return text;
  };
  const head = line();
  if (head === null) return null;
  const command: string[] = [];
  for (let left = Number(head.slice(1)); left > 0; left--) {
    const size = line();
    if (size === null) return null;
    const length = Number(size.slice(1));
    if (data.length < at + length + 2) return null;
    command.push(data.toString('utf8', at, at + length));
    at += length + 2;
  }
  return { command, length: at };
}
