/** A proxy before redis-server that a test can make cut or swallow what passes: the faults that only a network has. */
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { ManagedServer } from '../../src/redis/managed-server.js';

export class Proxy {
  readonly socket: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** What happens to the next reply. */
  next: 'pass' | 'cut' | 'swallow' = 'pass';

  constructor(upstream: ManagedServer) {
    this.socket = join(upstream.directory, `proxy-${String(process.hrtime.bigint())}.sock`);
    this.#server = createServer((client) => {
      const server = dial(upstream.socket);
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          client.destroy();
          server.destroy();
        });
      }
      client.pipe(server);
      server.on('data', (data) => {
        if (this.next === 'cut') client.destroy();
        else if (this.next === 'pass') client.write(data);
      });
    });
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(this.socket, resolve);
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}
