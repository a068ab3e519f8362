/** The Redis adapter as one `Store`. Nothing is connected before `openRedisStore` returns, and it returns only when the server answers. */
import type { Clock } from '../core/clock.js';
import type { Failpoints } from '../core/failpoints.js';
import type { Ids } from '../core/ids.js';
import type { Store } from '../core/ports.js';
import { type Address, describe } from './address.js';
import { RedisAdmission } from './admission.js';
import { RedisArtifacts } from './artifacts.js';
import { redisBackup } from './backup.js';
import { redisBreakers } from './breakers.js';
import { Connection } from './connection.js';
import { redisInspection } from './inspection.js';
import { Keys } from './keys.js';
import { redisKeeping } from './keeping.js';
import { redisLocks } from './locks.js';
import { LimitedAdmission } from './memory-limit.js';
import { RedisNamespace } from './namespace.js';
import { RedisPartitions } from './partitions.js';
import { RedisRequests } from './requests.js';
import { RedisRuns } from './runs.js';
import { RedisRoll } from './roll.js';
import { redisSchedules } from './schedules.js';
import { loadScripts, type Script, type ScriptName } from './scripts.js';
import { RedisWatermarks } from './watermarks.js';

export interface RedisStoreParams {
  readonly address: Address;
  readonly namespace: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly failpoints: Failpoints;
  /** Longest wait for the answer of one command, ms. */
  readonly deadlineMs?: number;
  /** Other scripts than the shipped ones: for tests that break one on purpose. */
  readonly scripts?: ReadonlyMap<ScriptName, Script>;
}

/** Throws REDIS_UNREACHABLE when the server does not answer within the deadline. */
export async function openRedisStore(params: RedisStoreParams): Promise<Store> {
  const { address, clock, failpoints, deadlineMs = 5_000, scripts = loadScripts() } = params;
  const connection = new Connection({ address, clock, failpoints, deadlineMs, scripts });
  try {
    await connection.ready();
  } catch (error) {
    connection.close();
    throw error;
  }
  const keys = new Keys(params.namespace);
  const watermarks = new RedisWatermarks(connection, keys);
  const namespace = new RedisNamespace(connection, keys, params.ids);
  // Also for those who only start and watch: nobody else may know what was confirmed to them. What fails here is asked again later.
  connection.onReconnect(() => void watermarks.checkAll('whoever had it confirmed').catch(() => undefined));
  return {
    durable: true,
    label: describe(address),
    namespace,
    roll: new RedisRoll(connection, keys, namespace),
    partitions: new RedisPartitions(connection, keys, watermarks),
    admission: new LimitedAdmission(new RedisAdmission(connection, keys, watermarks), { connection, keys, clock }),
    requests: new RedisRequests(connection, keys, watermarks),
    runs: new RedisRuns(connection, keys),
    artifacts: new RedisArtifacts(connection, keys),
    watermarks,
    backup: redisBackup({ connection, keys, clock }),
    inspection: redisInspection({ connection, keys }),
    locks: redisLocks({ connection, keys }),
    breakers: redisBreakers({ connection, keys }),
    schedules: redisSchedules({ connection, keys }),
    keeping: redisKeeping({ connection, keys, watermarks }),
    close: async () => {
      connection.close();
    },
  };
}
