/** A service over HTTP that a test scripts: what came in, and what is answered to it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Resolves when the caller is gone, whether it has its answer or not. */
  readonly gone: Promise<void>;
}

export type Handler = (response: ServerResponse, call: Call) => void;

export class HttpService {
  readonly calls: Call[] = [];
  /** One for each call, the last one for all that follow. */
  handlers: Handler[] = [];
  readonly #server: Server;
  readonly #waiting: { count: number; resolve: (call: Call) => void }[] = [];

  constructor(...handlers: readonly Handler[]) {
    this.handlers = [...handlers];
    this.#server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        const gone = new Promise<void>((resolve) => {
          response.on('close', () => resolve());
        });
        const call: Call = { method, path: url, headers, body: Buffer.concat(pieces).toString(), gone };
        this.calls.push(call);
        const handler = this.handlers.length > 1 ? this.handlers.shift() : this.handlers[0];
        handler?.(response, call);
        for (const { count, resolve } of this.#waiting) if (this.calls.length === count) resolve(call);
      });
    });
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return this;
  }

  get url(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the service is not open');
    return `http://127.0.0.1:${String(address.port)}`;
  }

  /** The nth call, counted from 1, as soon as it is there. */
  async call(count: number): Promise<Call> {
    return this.calls[count - 1] ?? (await new Promise((resolve) => this.#waiting.push({ count, resolve })));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}

/** Answers once, and is done. */
export function answers(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Handler {
  return (response) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
  };
}

/** Sends events, each with its data as JSON or as it is, and then ends, or stays open, or breaks the connection. */
export function streams(events: readonly unknown[], then: 'break' | 'end' | 'stay' = 'end'): Handler {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of events)
      response.write(`data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`);
    if (then === 'end') response.end();
    // Only when what was written is out.
    else if (then === 'break') response.write(': bye\n\n', () => response.destroy());
  };
}

export const silence: Handler = () => undefined;
