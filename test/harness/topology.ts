/**
 * Real Redis servers of every shape: one server here, a master with replicas and sentinels in sentinel-set.ts, a cluster in
 * cluster-set.ts; each plain or with TLS on every connection and a user of its own for coord. All on loopback, on free
 * ports, in one folder, torn down by pid.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Certificates, makeCertificates } from './certificates.js';
import { freePorts, RedisInstance } from './redis-instance.js';

/** Whom coord comes as, and with a password that is not easy on addresses. */
const USER = 'coord-app';
export const PASSWORD = 's3cret/@:?#% é';
export const ADMIN = 'admin';
export const ADMIN_PASSWORD = 'administrator';
export const WATCHER = 'watcher';
export const WATCHER_PASSWORD = 'watchword';

export interface Folder {
  readonly path: string;
  /** The namespaces that the user of coord may touch: a name, or a pattern. */
  readonly namespace: string;
  readonly certificates: Certificates | null;
}

export interface SetOptions {
  /** TLS on every connection, users everywhere. */
  readonly secure?: boolean;
  readonly namespace?: string;
  /** More lines of redis.conf for every server that holds data. */
  readonly config?: readonly string[];
}

export function newFolder({ secure = false, namespace = 'coord' }: SetOptions): Folder {
  const path = mkdtempSync(join(tmpdir(), 'coord-topology-'));
  return { path, namespace, certificates: secure ? makeCertificates(path) : null };
}

/** What docs/redis.md has after `ACL SETUSER` and a name, in its order: what is written there is tested, and is enough. */
function documentedRules(): readonly string[] {
  const text = readFileSync(new URL('../../docs/redis.md', import.meta.url), 'utf8');
  const rules = [...text.matchAll(/^ACL SETUSER \S+ (?:on '>[^']*' )?(.+)$/gm)].map(([, rule = '']) => rule.trim());
  if (rules.length !== 3) throw new Error('docs/redis.md has not three ACL SETUSER lines');
  return rules;
}

export function sentinelRules(): string {
  return documentedRules()[1] ?? '';
}

/** Gives the user of coord the further rights that backups need. */
export async function allowBackups(servers: readonly RedisInstance[]): Promise<void> {
  const rights = (documentedRules()[2] ?? '').split(' ');
  for (const each of servers) await each.cli('ACL', 'SETUSER', USER, ...rights);
}

export function tlsLines({ certificates }: Folder, port: number): string[] {
  if (certificates === null) return [`port ${String(port)}`];
  const { ca, cert, key } = certificates;
  const files = [`tls-ca-cert-file ${ca}`, `tls-cert-file ${cert}`, `tls-key-file ${key}`];
  return ['port 0', `tls-port ${String(port)}`, ...files, 'tls-auth-clients yes', 'tls-replication yes'];
}

function userLines(folder: Folder): string[] {
  if (folder.certificates === null) return [];
  return [
    'user default off',
    `user ${ADMIN} on >${ADMIN_PASSWORD} ~* &* +@all`,
    `user ${USER} on ">${PASSWORD}" ${(documentedRules()[0] ?? '').replaceAll('{coord', `{${folder.namespace}`)}`,
    `masteruser ${ADMIN}`,
    `masterauth ${ADMIN_PASSWORD}`,
  ];
}

export function adminAccess({ certificates }: Folder, user = ADMIN, password = ADMIN_PASSWORD): string[] {
  if (certificates === null) return [];
  const { ca, cert, key } = certificates;
  const tls = ['--tls', '--cacert', ca, '--cert', cert, '--key', key];
  return [...tls, '--user', user, '--pass', password, '--no-auth-warning'];
}

const DATA = ['bind 127.0.0.1', 'appendonly yes', 'appendfsync everysec', 'save ""', 'repl-diskless-sync-delay 0'];

export function server(folder: Folder, port: number, more: readonly string[] = []): RedisInstance {
  return new RedisInstance({
    directory: folder.path,
    port,
    config: [...DATA, ...tlsLines(folder, port), ...userLines(folder), ...more],
    access: adminAccess(folder),
  });
}

/** `scheme://user:password@` and the options that go with it; with `more` options. */
export function addressOf(
  folder: Folder,
  { suffix = '', hosts, path = '' }: { suffix?: string; hosts: readonly string[]; path?: string },
  options: Readonly<Record<string, string>>,
): string {
  const { certificates } = folder;
  const all = new URLSearchParams({ ...(certificates === null ? {} : { ...certificates }), ...options });
  const login = certificates === null ? '' : `${USER}:${encodeURIComponent(PASSWORD)}@`;
  const query = all.size === 0 ? '' : `?${all.toString()}`;
  return `redis${certificates === null ? '' : 's'}${suffix}://${login}${hosts.join(',')}${path}${query}`;
}

export const local = (port: number): string => `127.0.0.1:${String(port)}`;

export type AddressOptions = Readonly<Record<string, string>>;

export interface Standalone {
  readonly server: RedisInstance;
  address(options?: AddressOptions): string;
  stop(): Promise<void>;
}

export async function startStandalone({ config = [], ...folderOptions }: SetOptions = {}): Promise<Standalone> {
  const folder = newFolder(folderOptions);
  const [port = 0] = await freePorts(1);
  const instance = server(folder, port, config);
  await startAll(folder, [instance], () => instance.start());
  return {
    server: instance,
    address: (options = {}) => addressOf(folder, { hosts: [local(port)] }, options),
    stop: () => tearDown(folder, [instance]),
  };
}

/** Leaves nothing behind when the beginning fails. */
export async function startAll(
  folder: Folder,
  instances: readonly RedisInstance[],
  start: () => Promise<unknown>,
): Promise<void> {
  try {
    await start();
  } catch (error) {
    await tearDown(folder, instances);
    throw error;
  }
}

export async function tearDown(folder: Folder, instances: readonly RedisInstance[]): Promise<void> {
  for (const instance of instances) instance.thaw();
  await Promise.all(instances.map((instance) => instance.kill()));
  rmSync(folder.path, { recursive: true, force: true });
}
