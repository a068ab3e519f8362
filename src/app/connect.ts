/**
 * Which store a command works on, in this order: the Redis it was told, the project's private server when it runs or
 * can be started, else the memory of this process, with a word on what that means. A Redis that was told and does
 * not answer is an error, never a reason to use another.
 */
import { lstat, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GlobalOptions, Reach } from '../cli/application.js';
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import type { Failpoints } from '../core/failpoints.js';
import type { Ids } from '../core/ids.js';
import type { Store } from '../core/ports.js';
import { systemCode, systemWords } from '../core/system-errors.js';
import { createMemoryStore } from '../memory/store.js';
import { type Address, parseAddress } from '../redis/address.js';
import {
  type ManagedServer,
  managedServer,
  serverAnswers,
  serverCrashed,
  startServer,
} from '../redis/managed-server.js';
import { openRedisStore } from '../redis/store.js';
import { type Accepted, inspectRedis, problemsOf } from '../redis/suitability.js';
import { stateDirectory } from './project.js';
import { cureFor, type Environment, findRedisBinary } from './redis-binary.js';

export interface Means {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly failpoints: Failpoints;
  readonly env: Environment;
}

export interface Connected {
  readonly store: Store;
  /** The private server that holds the store, or null. */
  readonly server: ManagedServer | null;
  readonly partitions: number;
  readonly notice: string | null;
}

export type Opened = Omit<Connected, 'partitions'>;

/** `partitions`: as `NamespacePort.open` takes it. */
export async function connect(
  options: GlobalOptions,
  { reach, partitions, means }: { reach: Reach; partitions: number | null; means: Means },
): Promise<Connected> {
  const opened = await openStore(options, { reach, means });
  try {
    const namespace = await opened.store.namespace.open(partitions);
    return { ...opened, partitions: namespace.partitions };
  } catch (error) {
    await opened.store.close();
    throw error;
  }
}

/** The address that a command works on, without connecting; null for none. Throws USAGE for one that is none. */
export function givenAddress(options: GlobalOptions): Address | null {
  return options.redis === null ? null : parseAddress(options.redis);
}

/** The store, without its namespace being opened. */
export async function openStore(
  options: GlobalOptions,
  { reach, means }: { reach: Reach; means: Means },
): Promise<Opened> {
  const given = givenAddress(options);
  if (given !== null) return openRedis(given, { options, means });
  const server = managedServer(stateDirectory(options));
  if (await serverAnswers(server, means.clock)) return openPrivate(server, { options, means });
  if (reach === 'find') {
    throw new CoordError(
      'REDIS_UNREACHABLE',
      `no coord server runs for ${options.directory}; \`coord up\` starts it, and so does \`coord run\``,
    );
  }
  const found = await findRedisBinary(means.env);
  if (found.binary !== null) {
    await ensureStateDirectory(options);
    await startServer(server, { binary: found.binary, clock: means.clock });
    const notice = `Started a private Redis in ${server.directory} (AOF always); \`coord down\` stops it.`;
    return { ...(await openPrivate(server, { options, means })), notice };
  }
  const notice = `Runs live in the memory of this process and end with it: ${found.why}. To keep them: ${await cureFor(means.clock)}`;
  return { store: createMemoryStore({ clock: means.clock, ids: means.ids }), server: null, notice };
}

async function openPrivate(
  server: ManagedServer,
  { options, means }: { options: GlobalOptions; means: Means },
): Promise<Opened> {
  const { clock, ids, failpoints } = means;
  const address = { socket: server.socket };
  return {
    store: await openRedisStore({ address, namespace: options.namespace, clock, ids, failpoints }),
    server,
    notice: null,
  };
}

/** A server that somebody else runs is looked at first: one that would break a promise is refused. */
async function openRedis(
  address: Address,
  { options, means }: { options: GlobalOptions; means: Means },
): Promise<Opened> {
  const { clock, ids, failpoints } = means;
  const problems = problemsOf(await inspectRedis(address, clock), acceptedBy(means.env));
  // What is not about what coord promises is for `coord doctor`: nobody reads the same line at every command.
  const worst = problems.find(({ level, about }) => level === 'error' || about === 'promise');
  const text = worst === undefined ? null : `${worst.message}${worst.cure === null ? '' : `; ${worst.cure}`}`;
  if (worst?.level === 'error') throw new CoordError('REDIS_UNSUITABLE', text ?? '');
  const store = await openRedisStore({ address, namespace: options.namespace, clock, ids, failpoints });
  return { store, server: null, notice: text };
}

/** What somebody has said to know and want. */
export function acceptedBy(env: Environment): Accepted {
  return { eviction: env['COORD_ACCEPT_EVICTION'] === '1' };
}

/** Starts the private server again when it crashed. */
export async function revive(
  server: ManagedServer | null,
  means: Means,
): Promise<'answers' | 'restarted' | 'stopped' | 'elsewhere'> {
  if (server === null) return 'elsewhere';
  if (await serverAnswers(server, means.clock)) return 'answers';
  if (!(await serverCrashed(server))) return 'stopped';
  const { binary } = await findRedisBinary(means.env);
  if (binary === null) return 'stopped';
  await startServer(server, { binary, clock: means.clock });
  return 'restarted';
}

/** For what cannot be done without a server. */
export async function missingRedis(means: Means): Promise<string> {
  const found = await findRedisBinary(means.env);
  const why = found.binary === null ? found.why : `${found.binary} was not started`;
  return `${why}; install one: ${await cureFor(means.clock)}`;
}

/** `.coord` of the project, with a note to git that nothing in it is the project's. */
export async function ensureStateDirectory(options: GlobalOptions): Promise<void> {
  const directory = stateDirectory(options);
  try {
    await mkdir(directory).catch((error: unknown) => {
      if (systemCode(error) !== 'EEXIST') throw error;
    });
    if (!(await lstat(directory)).isDirectory()) throw new CoordError('USAGE', 'it is not a plain folder');
    await writeFile(join(directory, '.gitignore'), '*\n');
  } catch (error) {
    const way = 'coord keeps its state there, so choose a folder that can be written to (--directory)';
    throw new CoordError('USAGE', `${directory} cannot be used: ${systemWords(error)}; ${way}`, { cause: error });
  }
}
