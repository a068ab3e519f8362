/** Takes in what clients ask for, on Redis. See `AdmissionPort`. */
import { RUN_FORMAT } from '../core/formats.js';
import type { Admission, AdmissionPort } from '../core/ports.js';
import type { RunStatus } from '../core/statuses.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import type { RedisWatermarks } from './watermarks.js';

/** How long an idempotency key is remembered. */
export const RETENTION_MS = 24 * 60 * 60 * 1_000;

type Start = Extract<Admission, { readonly kind: 'start' }>;

export class RedisAdmission implements AdmissionPort {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #watermarks: RedisWatermarks;

  constructor(connection: Connection, keys: Keys, watermarks: RedisWatermarks) {
    this.#connection = connection;
    this.#keys = keys;
    this.#watermarks = watermarks;
  }

  async admit(request: Admission): ReturnType<AdmissionPort['admit']> {
    const [reply, ...rest] = request.kind === 'start' ? await this.#start(request) : await this.#tell(request);
    switch (reply) {
      case 'ADMITTED':
        this.#watermarks.noteReply(request.partition, rest);
        return { outcome: 'admitted', ...(request.kind !== 'start' && { entry: String(rest[2]) }) };
      case 'REPEATED':
        return { outcome: 'repeated' };
      case 'NO_RUN':
        return { outcome: 'no_run' };
      case 'ENDED':
        return { outcome: 'ended', status: String(rest[0]) as RunStatus };
      case 'FULL':
        return { outcome: 'full' };
      default:
        return { outcome: 'conflict' };
    }
  }

  #start({ partition, run, idempotencyKey, requestHash, definition, record, input, slot }: Start): Script {
    const keys = this.#keys.partition(partition);
    const slotKeys = slot === null ? [] : [keys.slot(slot.key), keys.slotLine(slot.key)];
    return this.#connection.script(
      'admit',
      [keys.admitted, keys.admissionTimes, keys.inbox, keys.run(run), keys.runs('pending'), keys.lease, ...slotKeys],
      [run, idempotencyKey, requestHash, RETENTION_MS, definition, record, input, RUN_FORMAT, slot?.limit ?? ''],
    );
  }

  #tell({ partition, kind, run, idempotencyKey, requestHash, body, reopens }: Exclude<Admission, Start>): Script {
    const keys = this.#keys.partition(partition);
    const slot = reopens?.slot ?? null;
    const slotKeys = slot === null ? [] : [keys.slot(slot.key), keys.slotLine(slot.key)];
    return this.#connection.script(
      'tell',
      [keys.admitted, keys.admissionTimes, keys.inbox, keys.run(run), keys.lease, ...slotKeys],
      [kind, run, idempotencyKey, requestHash, RETENTION_MS, body, reopens === undefined ? '' : 1, slot?.limit ?? ''],
    );
  }
}

type Script = ReturnType<Connection['script']>;
