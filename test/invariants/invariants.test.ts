/** Each invariant is seen to hold for what is right and to speak up for each thing that it is there for. */
import { describe, expect, test } from 'vitest';
import { chainHash, genesisHash, journalText } from '../../src/core/journal.js';
import type { Fact } from '../../src/core/facts.js';
import type { Message } from '../../src/core/messages.js';
import type { HistoryEntry, StoredRun } from '../../src/core/ports.js';
import { compilePlan } from '../../src/definition/plan.js';
import { definitionHash } from '../../src/definition/workflow.js';
import { fold } from '../../src/machines/fold.js';
import { newRunRecord } from '../../src/machines/records.js';
import { applyFold, runState } from '../../src/machines/state.js';
import { step, workflow } from '../harness/definitions.js';
import { passing } from '../harness/fold-bench.js';
import { nothingLost } from './acknowledged.js';
import { epochsInOrder, messagesAppliedOnce, versionsWithoutGap } from './history.js';
import { type Leftovers, nothingLeft } from './leftovers.js';
import { foldsAgain } from './replay.js';
import { timersFireOnce } from './timers.js';
import { repliesByToken, requestsAskedOnce } from './tokens.js';
import { type Transition, transitionsOf } from './violation.js';

/** A run of one step that asks and is answered, folded for real. */
function recorded(): { stored: StoredRun; history: readonly Transition[] } {
  const definition = workflow([step('a')]);
  const hash = definitionHash(definition);
  const genesis = JSON.stringify(
    newRunRecord({ id: 'r-1', workflow: 'test', createdAt: 1, head: null, slot: null, parent: null }),
  );
  const input = '{"task":{},"workspace":null,"parent":null}';
  const begun = { definition: hash, input, record: genesis };
  let state = runState({
    plan: compilePlan(definition, hash),
    input: { task: {}, workspace: null, parent: null },
    record: JSON.parse(genesis) as never,
    version: 0,
    steps: new Map(),
    chain: genesisHash(begun),
  });
  const entries: HistoryEntry[] = [];
  const take = (message: Message): void => {
    const result = fold(state, [message]);
    const texts = { messages: journalText([message]), facts: JSON.stringify(result.facts) };
    const version = entries.length + 1;
    const chain = chainHash(state.chain, { version, ...texts });
    const first = version === 1 ? genesis : null;
    entries.push({
      id: message.id,
      version,
      position: 2 * version,
      epoch: version,
      ...texts,
      hash: chain,
      genesis: first,
    });
    state = applyFold(state, result, chain);
  };
  take({ id: '5-0', at: 5, kind: 'start' });
  const token = state.steps.get('a')?.token ?? '';
  take({ id: '6-0', at: 6, kind: 'reply', step: 'a', token, worker: 'w', begunAt: 5, reply: passing(1) });
  const stored: StoredRun = {
    ...begun,
    format: 3,
    version: 2,
    chain: state.chain,
    record: JSON.stringify(state.record),
    steps: new Map([...state.steps].map(([path, one]) => [path, JSON.stringify(one)])),
    claims: new Map(),
    quarantined: null,
  };
  return { stored, history: transitionsOf({ partition: 0, run: 'r-1' }, entries) };
}

const takeovers = [
  { epoch: 1, owner: 'one', position: 0 },
  { epoch: 2, owner: 'other', position: 3 },
];

describe('the invariants', () => {
  const { stored, history } = recorded();
  const [started, replied] = history as [Transition, Transition];
  const fact = started.facts.find(({ type }) => type === 'step.queued') as Extract<Fact, { type: 'step.queued' }>;

  test('hold for a run that went well', () => {
    const plan = compilePlan(workflow([step('a')]), stored.definition);
    expect(versionsWithoutGap(history, new Map([['r-1', 2]]))).toEqual([]);
    expect(messagesAppliedOnce(history)).toEqual([]);
    expect(epochsInOrder(history, takeovers)).toEqual([]);
    expect(repliesByToken(history)).toEqual([]);
    expect(requestsAskedOnce(history, [{ run: 'r-1', token: fact.token }])).toEqual([]);
    expect(foldsAgain(stored, plan, { run: 'r-1', history })).toEqual([]);
  });

  test('I2: a version that is missing, is there twice, or is not stored; a history without a run', () => {
    const versions = new Map([['r-1', 2]]);
    for (const wrong of [[started], [replied], [started, started, replied], [started, { ...replied, version: 3 }]])
      expect(versionsWithoutGap(wrong, versions)).toMatchObject([{ invariant: 'I2' }]);
    expect(versionsWithoutGap(history, new Map())).toMatchObject([{ invariant: 'I2' }]);
  });

  test('I3: a message that was applied twice', () => {
    expect(messagesAppliedOnce([...history, { ...replied, run: 'r-2' }])).toMatchObject([{ invariant: 'I3' }]);
    // Other partitions count their messages by themselves.
    expect(messagesAppliedOnce([...history, { ...replied, partition: 1 }])).toEqual([]);
  });

  test('I4: one position for two, an epoch that goes back or is not the one of its time, an epoch of two owners', () => {
    expect(epochsInOrder([started, { ...replied, position: started.position }], [])).toHaveLength(1);
    expect(epochsInOrder([{ ...started, epoch: 3 }, replied], [])).toHaveLength(1);
    expect(epochsInOrder([started, { ...replied, epoch: 1 }], takeovers)).toHaveLength(1);
    expect(epochsInOrder([], [...takeovers, { epoch: 2, owner: 'third', position: 9 }])).toHaveLength(1);
  });

  test('I6: a request that is missing, is there twice, or that nobody has asked for', () => {
    const asked = { run: 'r-1', token: fact.token };
    expect(requestsAskedOnce(history, [])).toHaveLength(1);
    expect(requestsAskedOnce(history, [asked, asked])).toHaveLength(1);
    expect(requestsAskedOnce(history, [asked, { run: 'r-1', token: 'other' }])).toHaveLength(1);
  });

  test('I7, I8: a reply with another token, and one that is taken twice', () => {
    const forged = { ...replied, messages: replied.messages.map((one) => ({ ...one, token: 'forged' }) as Message) };
    expect(repliesByToken([started, forged])).toMatchObject([{ invariant: 'I7' }]);
    const twice = repliesByToken([started, replied, { ...replied, version: 3 }]);
    expect(twice.map(({ invariant }) => invariant)).toEqual(['I7', 'I8']);
  });

  test('I9: a timer that fires early, twice, unarmed, or without a message', () => {
    const armed = { type: 'armed', timer: 't', due: 10, at: 1 } as const;
    const fired = { type: 'fired', timer: 't', due: 10, at: 10 } as const;
    expect(timersFireOnce([armed, fired], new Map([['t', 1]]))).toEqual([]);
    expect(timersFireOnce([armed, { ...fired, at: 9 }], new Map([['t', 1]]))).toHaveLength(1);
    expect(timersFireOnce([armed, fired, fired], new Map([['t', 2]]))).toHaveLength(1);
    expect(timersFireOnce([armed, { ...fired, type: 'disarmed' }, fired], new Map([['t', 1]]))).toHaveLength(1);
    expect(timersFireOnce([armed, fired], new Map())).toHaveLength(1);
    expect(timersFireOnce([armed, fired], new Map([['t', 2]]))).toHaveLength(1);
  });

  test('I1: an acknowledged start or message that is nowhere', () => {
    const there = { runs: new Set(['r-1']), messages: new Set(['signal r-1']), excused: () => false };
    const operations = [
      { kind: 'start', run: 'r-1' },
      { kind: 'signal', run: 'r-1' },
      { kind: 'start', run: 'r-2' },
      { kind: 'cancel', run: 'r-1' },
    ];
    expect(nothingLost(operations, there)).toHaveLength(2);
    expect(nothingLost(operations, { ...there, excused: (run) => run === 'r-2' })).toHaveLength(1);
  });

  test('I11: whatever is left behind', () => {
    const nothing: Leftovers = {
      partition: 0,
      inbox: [],
      requests: [],
      timers: [],
      suspects: [],
      claims: [],
      endedRuns: new Set(['r-1']),
      inSlots: [],
    };
    expect(nothingLeft(nothing)).toEqual([]);
    const claim = { step: 'a', worker: 'w' };
    const left: readonly Partial<Leftovers>[] = [
      { inbox: ['5-0 start r-1'] },
      { requests: [{ persona: 'p', run: 'r-1' }] },
      { timers: ['heartbeat|r-1|a|1'] },
      { suspects: ['5-0'] },
      { claims: [{ ...claim, run: 'r-1' }] },
      { inSlots: ['r-1'] },
    ];
    for (const one of left) expect(nothingLeft({ ...nothing, ...one })).toHaveLength(1);
    // What is of a run that goes on is none of it.
    const open: Partial<Leftovers> = {
      requests: [{ persona: 'p', run: 'r-2' }],
      timers: ['wait|r-2|a|1'],
      claims: [{ ...claim, run: 'r-2' }],
      inSlots: ['r-2'],
    };
    expect(nothingLeft({ ...nothing, ...open })).toEqual([]);
  });

  test('I12: a record, a step, a fact, a message or a hash that was changed', () => {
    const plan = compilePlan(workflow([step('a')]), stored.definition);
    const wrong = (change: Partial<StoredRun>, changed = history): void =>
      expect(foldsAgain({ ...stored, ...change }, plan, { run: 'r-1', history: changed })).toMatchObject([
        { invariant: 'I12' },
      ]);
    wrong({ record: stored.record.replace('completed', 'failed') });
    wrong({ steps: new Map([['a', (stored.steps.get('a') ?? '').replace('succeeded', 'failed')]]) });
    wrong({ steps: new Map() });
    wrong({ chain: 'other' });
    wrong({}, []);
    wrong({}, [{ ...started, entry: { ...started.entry, genesis: null } }, replied]);
    wrong({}, [started, { ...replied, entry: { ...replied.entry, facts: replied.entry.facts.replace('"w"', '"v"') } }]);
    wrong({}, [started, { ...replied, messages: [] }]);
    wrong({}, [started, { ...replied, entry: { ...replied.entry, hash: 'other' } }]);
  });
});
