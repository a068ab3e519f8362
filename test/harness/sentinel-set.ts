/** A master, replicas of it, and three sentinels that agree on who is the master. */
import { ReplicationGate } from './replication-gate.js';
import { freePorts, RedisInstance, until } from './redis-instance.js';
import {
  ADMIN,
  ADMIN_PASSWORD,
  adminAccess,
  type AddressOptions,
  addressOf,
  local,
  newFolder,
  sentinelRules,
  server,
  type SetOptions,
  startAll,
  tearDown,
  tlsLines,
  WATCHER,
  WATCHER_PASSWORD,
} from './topology.js';

export interface SentinelSet {
  readonly servers: readonly RedisInstance[];
  readonly sentinels: readonly RedisInstance[];
  address(options?: AddressOptions): string;
  /** The server that says it is the master, of those that run. */
  master(): Promise<RedisInstance>;
  /** Every running server but the master replicates it, and the sentinels see all of it. */
  settled(): Promise<void>;
  /**
   * From now on nothing of what the master writes reaches a replica, and nobody is told. For as long as a failover takes:
   * the sentinels notice after a while that the replicas do not ask the master itself.
   */
  freezeReplication(): Promise<void>;
  /** Starts a killed server as a replica of the master there is now. */
  rejoin(instance: RedisInstance): Promise<void>;
  stop(): Promise<void>;
}

const MASTER_NAME = 'mymaster';

export async function startSentinel({
  replicas: replicaCount = 2,
  config = [],
  ...folderOptions
}: SetOptions & { readonly replicas?: number } = {}): Promise<SentinelSet> {
  const folder = newFolder(folderOptions);
  const { secure = false } = folderOptions;
  const ports = await freePorts(1 + replicaCount + 3);
  const [first = 0, ...others] = ports.slice(0, 1 + replicaCount);
  const servers = [first, ...others].map((port) => server(folder, port, config));
  const [initial] = servers;
  if (initial === undefined) throw new Error('no server');
  const sentinels = ports.slice(1 + replicaCount).map(
    (port) =>
      new RedisInstance({
        directory: folder.path,
        port,
        sentinel: true,
        config: [
          'bind 127.0.0.1',
          ...tlsLines(folder, port),
          `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${String(first)} 2`,
          `sentinel down-after-milliseconds ${MASTER_NAME} 1000`,
          `sentinel failover-timeout ${MASTER_NAME} 10000`,
          ...(secure
            ? [
                'user default off',
                `user ${ADMIN} on >${ADMIN_PASSWORD} ~* &* +@all`,
                `user ${WATCHER} on >${WATCHER_PASSWORD} ${sentinelRules()}`,
                `sentinel auth-user ${MASTER_NAME} ${ADMIN}`,
                `sentinel auth-pass ${MASTER_NAME} ${ADMIN_PASSWORD}`,
                `sentinel sentinel-user ${ADMIN}`,
                `sentinel sentinel-pass ${ADMIN_PASSWORD}`,
              ]
            : []),
        ],
        access: adminAccess(folder),
      }),
  );
  const master = async (): Promise<RedisInstance> => {
    for (const instance of servers) if (instance.runs && (await instance.info('role')) === 'master') return instance;
    throw new Error('no server is the master');
  };
  const settled = async (): Promise<void> => {
    const running = servers.filter((instance) => instance.runs);
    await until('one master, and the others replicate it', async () => {
      const roles = await Promise.all(running.map((instance) => instance.info('role')));
      const links = await Promise.all(running.map((instance) => instance.info('master_link_status')));
      return (
        roles.filter((role) => role === 'master').length === 1 &&
        links.filter((link) => link === 'up').length === running.length - 1
      );
    });
    const where = (await master()).port;
    await until('the sentinels see the master, its replicas and each other', async () => {
      const views = await Promise.all(
        sentinels.map((sentinel) => sentinel.cli('SENTINEL', 'MASTER', MASTER_NAME).then((text) => fieldsOf(text))),
      );
      return views.every(
        (view) =>
          view.get('port') === String(where) &&
          view.get('flags') === 'master' &&
          view.get('num-slaves') === String(servers.length - 1) &&
          view.get('num-other-sentinels') === String(sentinels.length - 1),
      );
    });
    // A replica that a sentinel has not looked at lately is not chosen.
    await until('the sentinels have looked at every replica', async () => {
      const views = await Promise.all(sentinels.map((sentinel) => sentinel.cli('SENTINEL', 'REPLICAS', MASTER_NAME)));
      const good = (view: string): number => view.match(/^flags\nslave$/gm)?.length ?? 0;
      const linked = (view: string): number => view.match(/^master-link-status\nok$/gm)?.length ?? 0;
      return views.every((view) => good(view) >= running.length - 1 && linked(view) >= running.length - 1);
    });
  };
  const all = [...servers, ...sentinels];
  const gates: ReplicationGate[] = [];
  await startAll(folder, all, async () => {
    await initial.start();
    await Promise.all(servers.slice(1).map((instance) => instance.start(['--replicaof', '127.0.0.1', String(first)])));
    await Promise.all(sentinels.map((sentinel) => sentinel.start()));
    await settled();
  });
  return {
    servers,
    sentinels,
    address: (options = {}) =>
      addressOf(
        folder,
        { suffix: '+sentinel', hosts: sentinels.map(({ port }) => local(port)), path: `/${MASTER_NAME}` },
        { ...(secure && { sentinel_user: WATCHER, sentinel_password: WATCHER_PASSWORD }), ...options },
      ),
    master,
    settled,
    freezeReplication: async () => {
      const source = await master();
      const replicas = servers.filter((instance) => instance.runs && instance !== source);
      const opened = await Promise.all(
        replicas.map(async (replica) => {
          const gate = new ReplicationGate(source.port);
          await replica.cli('REPLICAOF', '127.0.0.1', String(await gate.open()));
          return gate;
        }),
      );
      gates.push(...opened);
      await until('the replicas have caught up', async () => {
        const links = await Promise.all(replicas.map((replica) => replica.info('master_link_status')));
        const listed = await Promise.all([0, 1].map((index) => source.info(`slave${String(index)}`)));
        return (
          links.every((link) => link === 'up') &&
          listed.slice(0, replicas.length).every((line) => line.includes('state=online'))
        );
      });
      for (const gate of opened) gate.freeze();
    },
    rejoin: async (instance) => instance.start(['--replicaof', '127.0.0.1', String((await master()).port)]),
    stop: async () => {
      for (const gate of gates) await gate.close();
      await tearDown(folder, all);
    },
  };
}

function fieldsOf(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n');
  return new Map(
    lines.flatMap((name, index): [string, string][] => (index % 2 === 0 ? [[name, lines[index + 1] ?? '']] : [])),
  );
}
