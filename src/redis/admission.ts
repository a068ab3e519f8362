/** Takes in what clients ask for, on Redis. See `AdmissionPort`. */
import type { Admission, AdmissionPort } from '../core/ports.js';
import type { RunStatus } from '../core/statuses.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';

/** How long an idempotency key is remembered. */
const RETENTION_MS = 24 * 60 * 60 * 1_000;

export class RedisAdmission implements AdmissionPort {
  readonly #connection: Connection;
  readonly #keys: Keys;

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  async admit(request: Admission): ReturnType<AdmissionPort['admit']> {
    const keys = this.#keys.partition(request.partition);
    const { kind, run, idempotencyKey, requestHash } = request;
    const [body, definition, record, input] =
      kind === 'start' ? ['{}', request.definition, request.record, request.input] : [request.body, '', '', ''];
    const slot = kind === 'start' ? request.slot : null;
    const slotKeys = slot === null ? [] : [keys.slot(slot.key), keys.slotLine(slot.key)];
    const [reply, status] = await this.#connection.script(
      'admit',
      [keys.admitted, keys.admissionTimes, keys.inbox, keys.run(run), keys.runs('pending'), ...slotKeys],
      [kind, run, idempotencyKey, requestHash, RETENTION_MS, body, definition, record, input, slot?.limit ?? ''],
    );
    switch (reply) {
      case 'ADMITTED':
        return { outcome: 'admitted' };
      case 'REPEATED':
        return { outcome: 'repeated' };
      case 'NO_RUN':
        return { outcome: 'no_run' };
      case 'ENDED':
        return { outcome: 'ended', status: String(status) as RunStatus };
      default:
        return { outcome: 'conflict' };
    }
  }
}
