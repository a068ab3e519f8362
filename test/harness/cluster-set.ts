/** A cluster: masters that share the slots, and replicas of each. */
import { freePorts, type RedisInstance, until } from './redis-instance.js';
import {
  ADMIN,
  ADMIN_PASSWORD,
  type AddressOptions,
  addressOf,
  local,
  newFolder,
  server,
  type SetOptions,
  startAll,
  tearDown,
} from './topology.js';

export interface ClusterSet {
  readonly nodes: readonly RedisInstance[];
  address(options?: AddressOptions): string;
  /** Who serves the slot of a key now. */
  masterOf(key: string): Promise<RedisInstance>;
  /** Moves the slot of a key, and all that is in it, to another master. */
  move(key: string, to: RedisInstance): Promise<void>;
  masters(): Promise<readonly RedisInstance[]>;
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export async function startCluster({
  masters = 3,
  replicas = 1,
  config = [],
  ...folderOptions
}: SetOptions & { readonly masters?: number; readonly replicas?: number } = {}): Promise<ClusterSet> {
  const folder = newFolder(folderOptions);
  const { secure = false } = folderOptions;
  const count = masters * (1 + replicas);
  const ports = await freePorts(2 * count);
  const nodes = ports.slice(0, count).map((port, index) =>
    server(folder, port, [
      'cluster-enabled yes',
      'cluster-node-timeout 1000',
      `cluster-port ${String(ports[count + index])}`,
      'cluster-replica-validity-factor 0',
      // Else the others stop too while one master is missing.
      'cluster-require-full-coverage no',
      ...(secure ? ['tls-cluster yes'] : []),
      ...config,
    ]),
  );
  const [seed] = nodes;
  if (seed === undefined) throw new Error('no node');
  const view = async (node: RedisInstance): Promise<readonly string[]> =>
    (await node.cli('CLUSTER', 'NODES')).split('\n');
  const running = (): readonly RedisInstance[] => nodes.filter((node) => node.runs);
  const portOf = (line: string): number => Number(/:(\d+)@/.exec(line)?.[1]);
  const settled = async (): Promise<void> => {
    await until('the cluster is whole, and every node says so', async () => {
      const alive = running();
      const views = await Promise.all(alive.map(view));
      const states = await Promise.all(alive.map((node) => node.cli('CLUSTER', 'INFO')));
      const links = await Promise.all(
        alive.map(async (node) => ((await node.info('role')) === 'master' ? 'up' : node.info('master_link_status'))),
      );
      const alivePorts = new Set(alive.map(({ port }) => port));
      return (
        states.every((state) => state.includes('cluster_state:ok') && state.includes('cluster_slots_ok:16384')) &&
        links.every((link) => link === 'up') &&
        views.every(
          (lines) =>
            lines.filter(
              (line) =>
                alivePorts.has(portOf(line)) && /\b(master|slave)\b/.test(line) && !/fail|handshake|noaddr/.test(line),
            ).length === alive.length &&
            lines.filter((line) => /\bmaster\b/.test(line) && !line.includes('fail')).length === masters,
        )
      );
    });
  };
  const masterOf = async (key: string): Promise<RedisInstance> => {
    const [any] = running();
    if (any === undefined) throw new Error('no node runs');
    const slot = Number(await any.cli('CLUSTER', 'KEYSLOT', key));
    for (const node of running()) {
      const own = (await view(node)).find((line) => line.includes('myself')) ?? '';
      if (!/\bmaster\b/.test(own)) continue;
      const ranges = own
        .split(' ')
        .slice(8)
        .filter((range) => !range.startsWith('['));
      if (
        ranges.map((range) => range.split('-').map(Number)).some(([from = -1, to = from]) => slot >= from && slot <= to)
      )
        return node;
    }
    throw new Error(`no running node serves slot ${String(slot)}`);
  };
  await startAll(folder, nodes, async () => {
    await Promise.all(nodes.map((node) => node.start()));
    const ids = new Map(
      await Promise.all(
        nodes.map(async (node): Promise<[RedisInstance, string]> => [node, await node.cli('CLUSTER', 'MYID')]),
      ),
    );
    for (const [index, node] of nodes.entries()) {
      await node.cli('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
      if (index < masters) {
        const from = Math.ceil((16_384 * index) / masters);
        const to = Math.ceil((16_384 * (index + 1)) / masters) - 1;
        await node.cli('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
      }
      if (node !== seed) await node.cli('CLUSTER', 'MEET', '127.0.0.1', String(seed.port), String(ports[count]));
    }
    await until('all nodes know each other', async () =>
      (await Promise.all(nodes.map(view))).every(
        (lines) => lines.length === count && lines.every((line) => line.includes(' connected')),
      ),
    );
    for (const [index, node] of nodes.entries())
      if (index >= masters) await node.cli('CLUSTER', 'REPLICATE', ids.get(nodes[index % masters] ?? seed) ?? '');
    await settled();
  });
  return {
    nodes,
    address: (options = {}) =>
      addressOf(folder, { suffix: '+cluster', hosts: nodes.slice(0, 2).map(({ port }) => local(port)) }, options),
    masterOf,
    masters: async () => {
      const roles = await Promise.all(running().map((node) => node.info('role')));
      return running().filter((_, index) => roles[index] === 'master');
    },
    move: async (key, to) => {
      const from = await masterOf(key);
      const slot = await from.cli('CLUSTER', 'KEYSLOT', key);
      const [fromId, toId] = await Promise.all([from.cli('CLUSTER', 'MYID'), to.cli('CLUSTER', 'MYID')]);
      await to.cli('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
      await from.cli('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
      const login = secure ? ['AUTH2', ADMIN, ADMIN_PASSWORD] : [];
      for (;;) {
        const keys = (await from.cli('CLUSTER', 'GETKEYSINSLOT', slot, '50')).split('\n').filter((line) => line !== '');
        if (keys.length === 0) break;
        await from.cli('MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', ...login, 'KEYS', ...keys);
      }
      for (const node of [to, from, ...running().filter((other) => other !== to && other !== from)])
        await node.cli('CLUSTER', 'SETSLOT', slot, 'NODE', toId).catch(() => undefined);
    },
    settled,
    stop: () => tearDown(folder, nodes),
  };
}
