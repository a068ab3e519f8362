/**
 * Formats of what is stored. A reader takes its own and older ones; a newer one is left alone, so that an older coord beside
 * a newer one, or after it, spoils nothing. `test/corpus` keeps runs of every format that was ever written.
 */

/** Of a namespace: the names and types of its keys. */
export const NAMESPACE_FORMAT = 2;

/**
 * Of a run: the fields of its hash, its history and its requests. 2: histories of single facts, without `format` in the
 * hash. 3: one entry per transition, chained by hashes. 4: runs that were steered (paused, begun again), with what that leaves
 * in their records and histories. 5: questions with drafts, times and quorums, and those of personas; runs that
 * hold locks. 6: what attempts have used, what was tried before, budgets, parked steps, evidence.
 */
export const RUN_FORMAT = 6;

/** Of a schedule: the record that is stored of it. */
export const SCHEDULE_FORMAT = 1;

/** What a run has that was stored before formats were written down. */
export const UNMARKED_RUN_FORMAT = 2;
