/** Schedules as a store keeps them: texts by name, each with a version, so that whoever changes one says what it was. */

export interface StoredSchedule {
  readonly name: string;
  /** Never used twice in a namespace, not even for another schedule of the same name. */
  readonly version: number;
  /** JSON that the engine wrote: see `coordinator/schedule-record.ts`. */
  readonly text: string;
}

export interface SchedulePort {
  /** Changes with every change of any schedule: the version that was given last, 0 when none ever was. */
  mark(): Promise<number>;
  /** All of one moment, in order of their names. */
  all(): Promise<{ readonly mark: number; readonly schedules: readonly StoredSchedule[] }>;
  get(name: string): Promise<StoredSchedule | null>;
  /** Writes one, or takes it out (`text` null), when it still has that version; 0: when there is none. Otherwise `stale`, and nothing changed. */
  write(change: {
    readonly name: string;
    readonly expected: number;
    readonly text: string | null;
  }): Promise<{ readonly outcome: 'ok'; readonly version: number } | { readonly outcome: 'stale' }>;
}
