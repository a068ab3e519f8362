/** One redis-server on TCP ports of its own: started from a written configuration, killed, frozen and started again by its pid. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { redisBinary } from './redis-server.js';

const run = promisify(execFile);

export interface InstanceOptions {
  readonly directory: string;
  readonly port: number;
  readonly sentinel?: boolean;
  /** Lines of redis.conf. */
  readonly config: readonly string[];
  /** What redis-cli needs besides the port. */
  readonly access?: readonly string[];
}

export class RedisInstance {
  readonly port: number;
  readonly directory: string;
  readonly #options: InstanceOptions;
  #child: ChildProcess | null = null;

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.port = options.port;
    this.directory = join(options.directory, String(options.port));
    mkdirSync(this.directory, { recursive: true });
    writeFileSync(join(this.directory, 'redis.conf'), [...options.config, `dir ${this.directory}`, ''].join('\n'));
  }

  /** Starts it and waits until it answers. `more`: options for this start only. */
  async start(more: readonly string[] = []): Promise<void> {
    const log = join(this.directory, 'redis.log');
    const mode = this.#options.sentinel === true ? ['--sentinel'] : [];
    const child = spawn(redisBinary(), [join(this.directory, 'redis.conf'), '--logfile', log, ...more, ...mode], {
      stdio: 'ignore',
    });
    this.#child = child;
    await until(`redis-server at port ${String(this.port)} answers`, async () => {
      if (child.exitCode !== null) throw new Error(`redis-server ended at once:\n${readFileSync(log, 'utf8')}`);
      return (await this.cli('PING').catch(() => '')) === 'PONG';
    });
  }

  async cli(...args: string[]): Promise<string> {
    const { stdout } = await run('redis-cli', ['-p', String(this.port), ...(this.#options.access ?? []), ...args], {
      timeout: 5_000,
      maxBuffer: 2 ** 26,
    });
    return stdout.trim();
  }

  /** One field of INFO. Asked once more when the answer breaks off: a server that changes its role cuts everybody off. */
  async info(field: string): Promise<string> {
    const text = await this.cli('INFO', 'all').catch(async () => this.cli('INFO', 'all'));
    return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(text)?.[1] ?? '';
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  }

  get runs(): boolean {
    return this.#child !== null && this.#child.exitCode === null;
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }
}

/** Ports that nobody listens on, at this moment. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => {
        server.listen(0, '127.0.0.1', resolve);
      });
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(
    servers.map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
        }),
    ),
  );
  return ports;
}

/** Asks again and again, since servers tell nobody when they are ready; fails with what was waited for. */
export async function until(what: string, holds: () => Promise<boolean> | boolean, withinMs = 20_000): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`it did not come true within ${String(withinMs)} ms: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}
