/** A small dump in which every invariant holds, for tests to break. */
import type { Fact } from '../../../src/core/facts.js';
import { chainHash, genesisHash, journalText } from '../../../src/core/journal.js';
import type { Message } from '../../../src/core/messages.js';
import type { Dump, DumpedEntry, DumpedPartition, DumpedRun } from '../dump.js';

export const RUN = 'test-1';
export const TOKEN = 'a.1.0011';

const BEGUN = { definition: 'd', input: '{"task":{}}', record: '{"status":"pending"}' };

interface Turn {
  readonly messages: readonly Message[];
  readonly facts: readonly Fact[];
  readonly position: number;
  readonly epoch: number;
}

export function reply(id: string, token = TOKEN): Message {
  const said = { status: 'pass', result: null, artifacts: [], error: null, commit: null } as const;
  return { id, at: Number(id.split('-')[0]), kind: 'reply', step: 'a', token, worker: 'w', begunAt: 1, reply: said };
}

/** One step, asked, answered, then a wait of 10 ms, then done. */
export const TURNS: readonly Turn[] = [
  {
    messages: [{ id: '100-0', at: 100, kind: 'start' }],
    facts: [
      { type: 'run.started', run: RUN, at: 100, cause: '100-0', workflow: 'w', definition: 'd' },
      {
        type: 'step.queued',
        run: RUN,
        at: 100,
        cause: '100-0',
        step: 'a',
        attempt: 1,
        persona: 'worker',
        token: TOKEN,
      },
    ],
    position: 3,
    epoch: 1,
  },
  {
    messages: [reply('200-0')],
    facts: [
      {
        type: 'step.succeeded',
        run: RUN,
        at: 200,
        cause: '200-0',
        step: 'a',
        attempt: 1,
        worker: 'w',
        verdict: 'pass',
        result: null,
        artifacts: [],
        commit: null,
      },
      { type: 'step.waiting', run: RUN, at: 200, cause: '200-0', step: 'b', waitsFor: { kind: 'time', until: 210 } },
    ],
    position: 6,
    epoch: 2,
  },
  {
    messages: [
      { id: '215-0', at: 215, kind: 'timer', timer: { kind: 'wait', run: RUN, step: 'b', attempt: 1 }, claim: null },
      { id: '216-0', at: 216, kind: 'signal', name: 'go', data: null, by: 'mark' },
    ],
    facts: [{ type: 'run.completed', run: RUN, at: 215, cause: '215-0', result: null }],
    position: 8,
    epoch: 2,
  },
];

/** Entries with versions from 1 and a chain that holds. */
function entriesOf(turns: readonly Turn[]): readonly DumpedEntry[] {
  let before = genesisHash(BEGUN);
  return turns.map(({ messages, facts, position, epoch }, index) => {
    const texts = { messages: journalText(messages), facts: JSON.stringify(facts) };
    before = chainHash(before, { version: index + 1, ...texts });
    const genesis = index === 0 ? BEGUN.record : null;
    const id = `${String(1_000 + index)}-0`;
    return { id, version: index + 1, position, epoch, texts, messages, facts, hash: before, genesis };
  });
}

export function runOf(turns: readonly Turn[] = TURNS, change: Partial<DumpedRun> = {}): DumpedRun {
  const entries = entriesOf(turns);
  const fields = {
    ...BEGUN,
    version: String(entries.length),
    status: 'completed',
    chain: entries.at(-1)?.hash ?? '',
    's:a': '{"status":"succeeded","token":null,"more":{}}',
  };
  return { run: RUN, fields, listed: ['completed'], entries, ...change };
}

/** One partition with that run. */
export function dumpOf(run: DumpedRun = runOf(), change: Partial<DumpedPartition> = {}): Dump {
  const messages = run.entries.reduce((sum, entry) => sum + entry.messages.length, 0);
  const partition: DumpedPartition = {
    partition: 0,
    lease: { position: '9' },
    inbox: { length: 0, added: messages, entries: [] },
    dead: [],
    incidents: [],
    timers: [],
    requests: { worker: { length: 0, added: 1, pending: 0, readers: [] } },
    slots: [],
    suspects: 0,
    runs: [run],
    artifacts: 0,
    keys: 12,
    ...change,
  };
  return { partitions: [partition], workers: [], coordinators: [], definitions: {} };
}
