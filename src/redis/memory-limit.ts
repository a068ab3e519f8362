/**
 * Takes in no new run when a server is short of memory, so that those that run have room to end: from four fifths of its
 * limit on, and when it refuses by itself. What was taken in before is still known by its key, so a repeated start is
 * told so. Whatever else clients send (cancel, decide, signal) is taken in as long as Redis can hold it.
 */
import type { Clock } from '../core/clock.js';
import { CoordError, hasCode, messageOf } from '../core/errors.js';
import type { Admission, AdmissionPort } from '../core/ports.js';
import type { Argument, Commands } from './commands.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { infoOf, textOf } from './replies.js';

/** The rest is for the runs that there are. */
export const ADMIT_BELOW = 0.8;
/** How long an answer about memory is believed. */
const BELIEVED_MS = 1_000;

export interface Memory {
  readonly used: number;
  /** 0 for none. */
  readonly limit: number;
}

/** From INFO: what counts against the limit. */
export function memoryOf(info: ReadonlyMap<string, string>): Memory {
  const number = (name: string): number => Number(info.get(name) ?? 0);
  return { used: number('used_memory') - number('mem_not_counted_for_evict'), limit: number('maxmemory') };
}

export function percentOf({ used, limit }: Memory): number {
  return limit === 0 ? 0 : Math.round((100 * used) / limit);
}

export class LimitedAdmission implements AdmissionPort {
  readonly #admission: AdmissionPort;
  readonly #connection: Pick<Connection, 'read' | 'readAt'>;
  readonly #keys: Keys;
  readonly #clock: Clock;
  readonly #looked = new Map<number, { readonly at: number; readonly memory: Promise<Memory> }>();

  constructor(
    admission: AdmissionPort,
    means: {
      readonly connection: Pick<Connection, 'read' | 'readAt'>;
      readonly keys: Keys;
      readonly clock: Clock;
    },
  ) {
    this.#admission = admission;
    this.#connection = means.connection;
    this.#keys = means.keys;
    this.#clock = means.clock;
  }

  async admit(request: Admission): ReturnType<AdmissionPort['admit']> {
    if (request.kind !== 'start') return this.#admission.admit(request);
    const memory = await this.#memory(request.partition);
    if (memory.limit > 0 && memory.used >= ADMIT_BELOW * memory.limit) return this.#turnAway(request, memory);
    try {
      return await this.#admission.admit(request);
    } catch (error) {
      if (!isOutOfMemory(error)) throw error;
      this.#looked.delete(request.partition);
      return this.#turnAway(request, await this.#memory(request.partition));
    }
  }

  async #turnAway(request: Admission, memory: Memory): ReturnType<AdmissionPort['admit']> {
    const { admitted } = this.#keys.partition(request.partition);
    const known = textOf(await this.#connection.read('HGET', [admitted, request.idempotencyKey]));
    if (known === null) throw new CoordError('REDIS_FULL', `run ${request.run} was not taken in: ${fullness(memory)}`);
    return { outcome: known === request.requestHash ? 'repeated' : 'conflict' };
  }

  #memory(partition: number): Promise<Memory> {
    const now = this.#clock.now();
    const before = this.#looked.get(partition);
    if (before !== undefined && now - before.at < BELIEVED_MS) return before.memory;
    const memory = this.#look(partition);
    this.#looked.set(partition, { at: now, memory });
    // What could not be learnt is asked again.
    memory.catch(() => this.#looked.delete(partition));
    return memory;
  }

  async #look(partition: number): Promise<Memory> {
    try {
      const text = await this.#connection.readAt(this.#keys.partition(partition).lease, 'INFO', ['memory']);
      return memoryOf(infoOf(String(text)));
    } catch (error) {
      // Who may not ask cannot know; the server itself still refuses what it has no room for.
      if (hasCode(error, 'REDIS_DENIED')) return { used: 0, limit: 0 };
      throw error;
    }
  }
}

/** A write that only starts make: a server that has no room for it is full, and will be at the next try. */
export async function writeForStart(commands: Commands, command: string, ...args: readonly Argument[]): Promise<void> {
  try {
    await commands.write(command, args);
  } catch (error) {
    if (!isOutOfMemory(error)) throw error;
    const what = 'the workflow was not stored: Redis has used up its memory limit';
    throw new CoordError('REDIS_FULL', `${what}; ${CURE}`, { cause: error });
  }
}

const CURE = 'raise maxmemory, or free memory. Runs that were taken in go on, and can be canceled and answered';

function fullness(memory: Memory): string {
  const mega = (bytes: number): string => `${String(Math.round(bytes / 2 ** 20))} MB`;
  const { used, limit } = memory;
  return `Redis uses ${mega(used)} of its limit of ${mega(limit)} (${String(percentOf(memory))} %), and from ${String(100 * ADMIT_BELOW)} % on no new run is; ${CURE}`;
}

function isOutOfMemory(error: unknown): boolean {
  return hasCode(error, 'REDIS_NOT_WRITABLE') && messageOf(error).includes(': OOM ');
}
