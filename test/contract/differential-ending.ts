/** The last moves of every game: whatever the stores hold comes to light, in full for the partition where most is played. */
import { RUN_STATUSES } from '../../src/core/statuses.js';
import { RUN_NAMES as RUNS } from './differential-draws.js';
import type { Move } from './differential-moves.js';

const YEAR_MS = 365 * 24 * 60 * 60 * 1_000;
const ALL = 1_000;
const LAST = { ago: 0, forged: 'no' } as const;

export function ending(): readonly Move[] {
  return [...endingOf(0), { process: 0, partition: 1, move: 'inspect' }];
}

function endingOf(partition: number): readonly Move[] {
  const at = { process: 0, partition };
  return [
    ...[0, 1].map((process): Move => ({ ...at, process, move: 'check', by: 'last' })),
    { ...at, move: 'incidents' },
    { ...at, move: 'inspect' },
    { ...at, move: 'audit', limit: ALL },
    { ...at, move: 'letters', after: null, limit: ALL },
    ...RUN_STATUSES.map((status): Move => ({ ...at, move: 'list', statuses: [status], limit: ALL })),
    ...RUNS.map((run): Move => ({ ...at, move: 'load', run })),
    ...RUNS.map((run): Move => ({ ...at, move: 'history', run, after: null, limit: ALL })),
    { ...at, move: 'feed', after: null, limit: ALL },
    { ...at, move: 'dead-letters', limit: ALL },
    ...['qa', 'dev'].flatMap((persona) => requestsOf(at, persona)),
    ...['w1', 'w2', 'w3'].map((worker): Move => ({ ...at, move: 'bury', worker })),
    { process: 0, move: 'pass', ms: YEAR_MS },
    { ...at, move: 'acquire', owner: 'last', leaseMs: YEAR_MS },
    // All timers in their order, then all messages.
    { process: 0, move: 'fire', lease: LAST, limit: ALL },
    { ...at, move: 'read', after: null, limit: ALL },
    ...Array.from({ length: 8 }, (_, ago): Move => ({ process: 0, move: 'suspect', lease: LAST, entries: [ago] })),
    // Whoever holds a slot or waits for one gives it back.
    ...RUNS.flatMap((run) => ['x', 'y'].map((slot) => leaving(run, slot))),
    { ...at, move: 'read', after: null, limit: ALL },
  ];
}

/** What each worker was sent and has not begun, and what nobody was sent. */
function requestsOf(at: { readonly process: number; readonly partition: number }, persona: string): readonly Move[] {
  const take = { ...at, move: 'take', persona, limit: ALL } as const;
  return [
    ...['w1', 'w2', 'w3'].map((worker): Move => ({ ...take, worker, recover: true })),
    { ...take, worker: 'w1', recover: false },
  ];
}

function leaving(run: string, release: string): Move {
  const nothing = { steps: [], consumed: [], requests: [], arm: [], disarm: [], starts: [], sends: [] };
  const entry = { messages: '[]', facts: '[]', hash: 'h9', genesis: null };
  const commit = { run, off: 0, to: 'running', ...nothing, entry, definition: null, release } as const;
  return { process: 0, move: 'commit', lease: LAST, commit };
}
