/** Whether the memory still has what one store object has seen confirmed. See `WatermarkPort`. */
import type { Incident, Loss, WatermarkPort } from '../core/watch-ports.js';
import { type Watermark, Watermarks } from '../core/watermarks.js';
import type { MemoryPartition } from './partition.js';

export class MemoryWatermarks implements WatermarkPort {
  readonly #partition: (partition: number) => MemoryPartition;
  readonly #seen = new Watermarks();

  constructor(partition: (partition: number) => MemoryPartition) {
    this.#partition = partition;
  }

  /** A state change was made, and is confirmed as it stands now. */
  note(partition: number): void {
    const { term, position } = this.#partition(partition).lease;
    this.#seen.note(partition, { term, position });
  }

  /** Where the partition stands, read without changing it. */
  saw(partition: number): void {
    this.#seen.saw(partition, this.#partition(partition).lease);
  }

  async check(partition: number, by: string): Promise<Loss | null> {
    let found: Loss | null = null;
    const place = this.#partition(partition);
    for (const mark of this.#seen.of(partition)) {
      const lost = lossOf(place, mark);
      if (lost !== null) {
        record(place, { partition, ...lost, by });
        found ??= { partition, ...lost };
      }
      this.#seen.compared(partition, mark, place.lease);
    }
    return found;
  }

  async incidents(partition: number): Promise<readonly Incident[]> {
    const { incidents, lease } = this.#partition(partition);
    return incidents.slice(lease.acknowledged);
  }

  async acknowledge(partition: number): Promise<number> {
    const { incidents, lease } = this.#partition(partition);
    const open = incidents.length - lease.acknowledged;
    lease.acknowledged = incidents.length;
    return open;
  }
}

/** As `loss.lua` says it. */
function lossOf(place: MemoryPartition, seen: Watermark): { from: number; to: number } | null {
  if (seen.position === 0) return null;
  const epoch = epochOf(seen.term);
  const following = place.takeovers.find(({ term }) => term !== seen.term && epochOf(term) >= epoch);
  let stood = following?.position ?? place.lease.position;
  stood = Math.min(stood, seen.fellTo ?? stood);
  const known = seen.term === '' || place.takeovers.some(({ term }) => term === seen.term);
  // The term itself is gone, and none has followed.
  if (!known && epochOf(place.takeovers.at(-1)?.term ?? '') < epoch) stood = Math.min(stood, seen.position - 1);
  return stood >= seen.position ? null : { from: stood + 1, to: seen.position };
}

function record(place: MemoryPartition, { partition, from: first, to, by }: Omit<Incident, 'id' | 'at'>): void {
  let from = first;
  for (const incident of place.incidents) if (incident.from <= from && from <= incident.to) from = incident.to + 1;
  if (from <= to) place.incidents.push({ partition, id: place.nextId(), at: place.now(), from, to, by });
  place.lease.position = Math.max(place.lease.position, to);
}

function epochOf(term: string): number {
  return Number(/^\d+/.exec(term)?.[0] ?? 0);
}
