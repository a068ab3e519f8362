/** Stands between a replica and its master, and can stop what passes without a word: what arrives then never does. */
import { createServer, connect as dial, type Server, type Socket } from 'node:net';

export class ReplicationGate {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #frozen = false;

  constructor(master: number) {
    this.#server = createServer({ noDelay: true }, (replica) => {
      const upstream = dial({ port: master, host: '127.0.0.1', noDelay: true });
      for (const [socket, other] of [
        [replica, upstream],
        [upstream, replica],
      ] as const) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('data', (data) => {
          // Taken and forgotten: a link that fell silent may not deliver later what it holds.
          if (!this.#frozen) other.write(data);
        });
        socket.on('close', () => {
          this.#sockets.delete(socket);
          if (!this.#frozen) other.destroy();
        });
      }
    });
  }

  async open(): Promise<number> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  freeze(): void {
    this.#frozen = true;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}
