/**
 * Whether a Redis keeps what coord promises: of every master its version, its role and the settings that would break a
 * promise, and of a cluster whether all of it is there. What would lose runs is refused, what would bend a promise is said.
 */
import type { Clock } from '../core/clock.js';
import { noFailpoints } from '../core/failpoints.js';
import { type Address, describe } from './address.js';
import { Connection } from './connection.js';
import { isOlder, knownFaults, OLDEST_MAJOR, type Product } from './known-versions.js';
import { ADMIT_BELOW, type Memory, memoryOf, percentOf } from './memory-limit.js';
import { entriesOf, infoOf, pairsOf } from './replies.js';

export interface ServerFacts {
  readonly label: string;
  readonly product: Product;
  readonly version: string;
  readonly role: string;
  readonly clustered: boolean;
  readonly appendOnly: boolean;
  /** Whether the last write to its log went well. */
  readonly logWritten: boolean;
  /** `always`, `everysec`, `no`; null when the server does not tell. */
  readonly appendFsync: string | null;
  readonly evictionPolicy: string;
  readonly memory: Memory;
  /** Replicas that are connected. */
  readonly replicas: number;
  /** With fewer good replicas it takes no writes; null when the server does not tell. */
  readonly minReplicas: number | null;
  /** Whether a cluster stops as a whole when a part of it is missing; null when the server does not tell. */
  readonly fullCoverage: boolean | null;
}

export interface RedisFacts {
  readonly address: Address;
  readonly label: string;
  /** The masters. */
  readonly servers: readonly ServerFacts[];
  /** Slots that a node serves; null for what is no cluster. */
  readonly slotsServed: number | null;
}

export interface ServerProblem {
  readonly level: 'error' | 'warning';
  /** What is at stake: a promise of coord, or the safety of the server itself. */
  readonly about: 'promise' | 'security';
  readonly message: string;
  readonly cure: string | null;
}

const SLOTS = 16_384;
const SETTINGS = ['appendfsync', 'min-replicas-to-write', 'cluster-require-full-coverage'];

/** Throws REDIS_UNREACHABLE, REDIS_DENIED, and REDIS_UNSUITABLE for an address of another shape than what is there. */
export async function inspectRedis(address: Address, clock: Clock, deadlineMs = 5_000): Promise<RedisFacts> {
  const connection = new Connection({ address, clock, failpoints: noFailpoints, deadlineMs, scripts: new Map() });
  try {
    await connection.ready();
    const infos = await connection.readEverywhere('INFO', []);
    // A managed service may forbid CONFIG; what it does not tell is not judged.
    const settings = await connection.readEverywhere('CONFIG', ['GET', ...SETTINGS]).catch(() => new Map());
    const only = infos.size === 1 && !('cluster' in address) ? describe(address) : null;
    return {
      address,
      label: describe(address),
      servers: [...infos].map(([name, info]) =>
        factsOf({ label: only ?? name, info: infoOf(String(info)), settings: pairsOf(settings.get(name) ?? []) }),
      ),
      slotsServed: 'cluster' in address ? slotsServed(await connection.read('CLUSTER', ['SLOTS'])) : null,
    };
  } finally {
    connection.close();
  }
}

function factsOf({
  label,
  info,
  settings,
}: {
  label: string;
  info: ReadonlyMap<string, string>;
  settings: ReadonlyMap<string, string>;
}): ServerFacts {
  const valkey = info.get('server_name') === 'valkey';
  const replicas = settings.get('min-replicas-to-write');
  const coverage = settings.get('cluster-require-full-coverage');
  return {
    label,
    product: valkey ? 'Valkey' : 'Redis',
    version: (valkey ? info.get('valkey_version') : undefined) ?? info.get('redis_version') ?? '0',
    role: info.get('role') ?? 'master',
    clustered: info.get('cluster_enabled') === '1',
    appendOnly: info.get('aof_enabled') === '1',
    logWritten: info.get('aof_last_write_status') !== 'err',
    appendFsync: settings.get('appendfsync') ?? null,
    evictionPolicy: info.get('maxmemory_policy') ?? 'noeviction',
    memory: memoryOf(info),
    replicas: Number(info.get('connected_slaves') ?? 0),
    minReplicas: replicas === undefined ? null : Number(replicas),
    fullCoverage: coverage === undefined ? null : coverage === 'yes',
  };
}

function slotsServed(reply: unknown): number {
  return entriesOf(reply)
    .map(entriesOf)
    .reduce((sum, [from, to]) => sum + Number(to) - Number(from) + 1, 0);
}

export interface Accepted {
  /** Whether somebody has said that keys may be evicted. */
  readonly eviction?: boolean;
}

/** Errors first, then what is about promises. */
export function problemsOf(facts: RedisFacts, accepted: Accepted = {}): readonly ServerProblem[] {
  const found = [
    ...facts.servers.flatMap((server) => serverProblems(server, facts, accepted)),
    ...shapeProblems(facts),
  ];
  const weight = ({ level, about }: ServerProblem): number =>
    (level === 'error' ? 0 : 2) + (about === 'promise' ? 0 : 1);
  return found.toSorted((a, b) => weight(a) - weight(b));
}

const problem = (level: ServerProblem['level'], message: string, cure: string | null): ServerProblem => ({
  level,
  about: 'promise',
  message,
  cure,
});
const error = (message: string, cure: string | null): ServerProblem => problem('error', message, cure);
const warning = (message: string, cure: string | null): ServerProblem => problem('warning', message, cure);

function serverProblems(server: ServerFacts, { address }: RedisFacts, accepted: Accepted): readonly ServerProblem[] {
  const { product, version, role, clustered, replicas } = server;
  const at = `${product} at ${server.label}`;
  const problems: ServerProblem[] = [];
  const oldest = `${String(OLDEST_MAJOR)}.0`;
  if (product === 'Redis' && isOlder(version, oldest))
    problems.push(error(`${at} is ${version}`, `coord needs ${oldest} or newer, or any Valkey`));
  for (const { level, what, cure } of knownFaults(product, version)) {
    // The private server lets nobody in but its owner.
    if (level === 'error') problems.push(error(`${at} is ${version}: ${what}`, cure));
    else if (!('socket' in address))
      problems.push({ level, about: 'security', message: `${at} is ${version}: ${what}`, cure });
  }
  if (role !== 'master')
    problems.push(error(`${at} is a replica, so nothing can be written`, 'use the address of its master'));
  if (clustered && !('cluster' in address))
    problems.push(error(`${at} is a node of a cluster`, 'write redis+cluster://, with a few of its nodes'));
  if (replicas > 0 && server.minReplicas === 0 && address.confirm === undefined)
    problems.push(
      warning(
        `${at} goes on to take writes when it is cut off from its replicas, and a failover undoes them`,
        'redis-cli CONFIG SET min-replicas-to-write 1, or confirmed mode (?confirm=1)',
      ),
    );
  if ((server.minReplicas ?? 0) > replicas)
    problems.push(
      warning(
        `${at} has ${String(replicas)} replicas and takes writes only with ${String(server.minReplicas)} (min-replicas-to-write)`,
        'start the replicas that are missing',
      ),
    );
  const confirm = address.confirm?.replicas ?? 0;
  if (confirm > replicas)
    problems.push(
      warning(
        `${at} has ${String(replicas)} replicas, so nothing can be confirmed by ${String(confirm)}: starts and answers wait`,
        'start the replicas that are missing, or ask for fewer (?confirm=)',
      ),
    );
  return [...problems, ...durabilityProblems(server, at), ...memoryProblems(server, at, accepted)];
}

function durabilityProblems(server: ServerFacts, at: string): readonly ServerProblem[] {
  if (!server.appendOnly)
    return [
      warning(
        `${at} keeps no append-only file: a crash of the server loses runs`,
        'redis-cli CONFIG SET appendonly yes, and appendfsync always',
      ),
    ];
  if (!server.logWritten)
    return [error(`${at} could not write its append-only file, and takes no writes`, 'make room on its disk')];
  if (server.appendFsync === null || server.appendFsync === 'always') return [];
  const lost = server.appendFsync === 'no' ? 'half a minute' : 'seconds';
  return [
    warning(
      `${at} has appendfsync ${server.appendFsync}: a power cut may undo the last ${lost}`,
      'redis-cli CONFIG SET appendfsync always',
    ),
  ];
}

function memoryProblems(server: ServerFacts, at: string, accepted: Accepted): readonly ServerProblem[] {
  const { memory, evictionPolicy } = server;
  const problems: ServerProblem[] = [];
  if (memory.limit > 0 && evictionPolicy !== 'noeviction') {
    const what = `${at} evicts keys (maxmemory-policy ${evictionPolicy}), which loses runs`;
    problems.push(
      accepted.eviction === true
        ? warning(`${what}; it is used all the same, since COORD_ACCEPT_EVICTION is set`, CURE_EVICTION)
        : error(what, `${CURE_EVICTION}; COORD_ACCEPT_EVICTION=1 uses it all the same`),
    );
  }
  if (memory.limit > 0 && memory.used >= ADMIT_BELOW * memory.limit)
    problems.push(
      warning(
        `${at} uses ${String(percentOf(memory))} % of its memory limit: no new run is taken in from ${String(100 * ADMIT_BELOW)} % on`,
        'raise maxmemory',
      ),
    );
  return problems;
}

const CURE_EVICTION = 'redis-cli CONFIG SET maxmemory-policy noeviction';

function shapeProblems({ address, label, servers, slotsServed: served }: RedisFacts): readonly ServerProblem[] {
  const problems: ServerProblem[] = [];
  if ('tls' in address && address.tls !== undefined && !address.tls.verify)
    problems.push({
      level: 'warning',
      about: 'security',
      message: `the certificates of ${label} are not verified, so anybody on the way can read and change everything`,
      cure: 'leave verify=no out, and name the authority: ca=/path/to/ca.pem',
    });
  if (served === null) return problems;
  const whole = servers.some(({ fullCoverage }) => fullCoverage === true);
  if (served < SLOTS) {
    const what = `${String(SLOTS - served)} slots of the cluster ${label} are served by nobody`;
    const cure = 'start their nodes, or redis-cli --cluster fix';
    problems.push(
      whole ? error(`${what}, so it takes no writes`, cure) : warning(`${what}: their partitions wait`, cure),
    );
  }
  if (whole)
    problems.push(
      warning(
        `the cluster ${label} stops as a whole while one of its masters is missing (cluster-require-full-coverage)`,
        'redis-cli --cluster call HOST:PORT CONFIG SET cluster-require-full-coverage no',
      ),
    );
  const alone = servers.filter(({ replicas }) => replicas === 0).map((server) => server.label);
  if (alone.length > 0)
    problems.push(
      warning(
        `nobody takes over from ${alone.join(', ')} of the cluster ${label}: they have no replica`,
        'add replicas',
      ),
    );
  return problems;
}
