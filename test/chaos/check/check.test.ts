/** Every check, on a dump in which all is well and on one with exactly its violation planted. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Fact } from '../../../src/core/facts.js';
import type { LedgerEntry } from '../ledger.js';
import { type Attack, doubledWork, oneResultPerAttempt, onlyCurrentRepliesCount } from './attempts.js';
import { callsHaveEnded, confirmedIsThere, lossesAreNoticed, type Told } from './clients.js';
import { everythingHasEnded, nothingIsLeft, nothingVanishes } from './ends.js';
import { epochsGoForward, messagesAreTakenOnce, versionsAreComplete } from './journals.js';
import { secretIsNowhere } from './leaks.js';
import { historiesGiveTheRuns } from './refold.js';
import { dumpOf, reply, RUN, runOf, TOKEN, TURNS } from './sound.js';
import { timersFireOnce } from './timers.js';
import type { Violation } from './violation.js';

const NOBODY: ReadonlySet<string> = new Set();

function told(entries: readonly Partial<LedgerEntry>[], change: Partial<Told> = {}): Told {
  const done = { op: 'signal', run: RUN, mark: 'mark', at: 1_000, outcome: 'done', code: '' } as const;
  return { entries: entries.map((entry) => ({ ...done, ...entry })), open: new Map(), unexpected: [], ...change };
}

function counts(violations: readonly Violation[]): readonly string[] {
  return violations.map(({ invariant, counts: kind }) => `${invariant} ${kind}`);
}

/** The turns with one of them changed. */
function changed(index: number, change: Partial<(typeof TURNS)[number]>): typeof TURNS {
  return TURNS.map((turn, at) => (at === index ? { ...turn, ...change } : turn));
}

test('where all is well nothing is found', () => {
  const dump = dumpOf();
  const all = [
    confirmedIsThere(dump, told([{}, { op: 'start' }])),
    versionsAreComplete(dump),
    messagesAreTakenOnce(dump),
    epochsGoForward(dump),
    everythingHasEnded(dump, NOBODY),
    nothingVanishes(dump),
    onlyCurrentRepliesCount(dump, []),
    oneResultPerAttempt(dump),
    timersFireOnce(dump).violations,
    nothingIsLeft(dump, NOBODY),
    callsHaveEnded(told([])),
  ];
  expect(all.flat()).toEqual([]);
  expect(timersFireOnce(dump).lateMs).toEqual([5]);
});

describe('I1', () => {
  test('a confirmed start without a run, and a confirmed signal without a message, are lost', () => {
    const operations = told([{ op: 'start', run: 'other' }, { mark: 'another' }, { mark: 'x', outcome: 'refused' }]);
    expect(counts(confirmedIsThere(dumpOf(), operations))).toEqual(['I1 lost', 'I1 lost']);
  });

  test('a message that is among the dead letters is not lost', () => {
    const body = '{"name":"go","data":null,"by":"late"}';
    const dead = [{ id: '5-0', fields: { entry: '4-0', kind: 'signal', body } }];
    expect(confirmedIsThere(dumpOf(runOf(), { dead }), told([{ mark: 'late' }]))).toEqual([]);
  });

  test('an incident where nothing can be lost is a false alarm', () => {
    const incidents = [{ id: '5-0', fields: { from: '1', to: '2', by: 'w' } }];
    expect(counts(confirmedIsThere(dumpOf(runOf(), { incidents }), told([])))).toEqual(['I1 lost']);
  });

  test('nor is one that still waits in the inbox', () => {
    const body = '{"reason":"waits","by":"driver"}';
    const inbox = { length: 1, added: 5, entries: [{ id: '9-0', fields: { kind: 'cancel', body } }] };
    expect(confirmedIsThere(dumpOf(runOf(), { inbox }), told([{ op: 'cancel', mark: 'waits' }]))).toEqual([]);
  });

  test('one signal that is there twice is duplicated', () => {
    const [, , last] = TURNS;
    const twice = [
      ...(last?.messages ?? []),
      { id: '217-0', at: 217, kind: 'signal', name: 'go', data: null, by: 'mark' },
    ];
    const dump = dumpOf(runOf(changed(2, { messages: twice as (typeof TURNS)[number]['messages'] })));
    expect(counts(confirmedIsThere(dump, told([{}])))).toEqual(['I1 duplicated']);
  });

  test('what a power cut took is found unless an incident says so', () => {
    const lost = told([{ mark: 'gone', at: 1_000 }]);
    const loss = { cuts: [{ at: 1_500 }, { at: 5_000 }], partitionOf: () => 0 };
    const incident = (id: string): ReturnType<typeof dumpOf> => dumpOf(runOf(), { incidents: [{ id, fields: {} }] });
    expect(counts(lossesAreNoticed(dumpOf(), lost, loss))).toEqual(['I1 lost']);
    expect(counts(lossesAreNoticed(incident('900-0'), lost, loss))).toEqual(['I1 lost']);
    expect(counts(lossesAreNoticed(incident('6000-0'), lost, loss))).toEqual(['I1 lost']);
    expect(lossesAreNoticed(incident('2000-0'), lost, loss)).toEqual([]);
    expect(counts(lossesAreNoticed(incident('2000-0'), lost, { ...loss, cuts: [] }))).toEqual(['I1 lost']);
  });
});

describe('I2', () => {
  test('a version that is missing, or there twice, or not that of the snapshot', () => {
    const sound = runOf();
    const [first, second, third] = sound.entries;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three entries');
    const without = { ...sound, entries: [first, third] };
    expect(counts(versionsAreComplete(dumpOf(without)))).toContain('I2 lost');
    const again = { ...sound, entries: [first, second, second, third] };
    expect(counts(versionsAreComplete(dumpOf(again)))).toContain('I2 duplicated');
    const ahead = { ...sound, fields: { ...sound.fields, version: '4' } };
    expect(counts(versionsAreComplete(dumpOf(ahead)))).toEqual(['I2 lost']);
  });

  test('a history that was changed, or whose beginning is not that of the run', () => {
    const sound = runOf();
    const edited = sound.entries.map((entry, index) =>
      index === 1 ? { ...entry, texts: { ...entry.texts, facts: '[]' } } : entry,
    );
    expect(counts(versionsAreComplete(dumpOf({ ...sound, entries: edited })))).toEqual(['I2 lost']);
    const other = { ...sound, fields: { ...sound.fields, input: '{"task":{"x":1}}' } };
    expect(counts(versionsAreComplete(dumpOf(other)))).toEqual(['I2 lost']);
    const another = { ...sound, fields: { ...sound.fields, chain: 'x' } };
    expect(counts(versionsAreComplete(dumpOf(another)))).toEqual(['I2 lost']);
  });
});

describe('I3', () => {
  test('a message that two transitions took', () => {
    const turns = changed(2, { messages: [reply('200-0')] });
    expect(counts(messagesAreTakenOnce(dumpOf(runOf(turns))))).toEqual(['I3 duplicated']);
  });

  test('a message that was taken and is a dead letter too', () => {
    const dead = [{ id: '5-0', fields: { entry: '200-0', kind: 'reply' } }];
    expect(counts(messagesAreTakenOnce(dumpOf(runOf(), { dead })))).toEqual(['I3 duplicated']);
    const request = [{ id: '5-0', fields: { entry: '200-0', kind: 'request' } }];
    expect(messagesAreTakenOnce(dumpOf(runOf(), { dead: request }))).toEqual([]);
  });
});

describe('I4', () => {
  test('an older epoch behind a newer one, and a position twice', () => {
    expect(counts(epochsGoForward(dumpOf(runOf(changed(2, { epoch: 1 })))))).toEqual(['I4 duplicated']);
    expect(counts(epochsGoForward(dumpOf(runOf(changed(2, { position: 6 })))))).toEqual(['I4 duplicated']);
  });

  test('a partition that stands behind its own history', () => {
    expect(counts(epochsGoForward(dumpOf(runOf(), { lease: { position: '7' } })))).toEqual(['I4 lost']);
  });
});

describe('I5', () => {
  const waiting = (status: string, kind: string): ReturnType<typeof runOf> => {
    const sound = runOf();
    const step = `{"status":"waiting","token":null,"more":{"waitsFor":{"kind":"${kind}"}}}`;
    return { ...sound, listed: [status], fields: { ...sound.fields, status, 's:a': step } };
  };

  test('a run that has not ended is stuck, unless it waits for somebody who never comes', () => {
    expect(counts(everythingHasEnded(dumpOf(waiting('running', 'time')), NOBODY))).toEqual(['I5 stuck']);
    expect(counts(everythingHasEnded(dumpOf(waiting('waiting', 'decision')), NOBODY))).toEqual(['I5 stuck']);
    expect(everythingHasEnded(dumpOf(waiting('waiting', 'decision')), new Set([RUN]))).toEqual([]);
    expect(counts(everythingHasEnded(dumpOf(waiting('running', 'decision')), new Set([RUN])))).toEqual(['I5 stuck']);
  });

  test('a run that was set aside, one that is listed wrongly, and a step that is open in a run that has ended', () => {
    const sound = runOf();
    const aside = { ...sound, fields: { ...sound.fields, quarantined: 'a coordinator died' } };
    expect(counts(everythingHasEnded(dumpOf(aside), NOBODY))).toEqual(['I5 stuck']);
    expect(counts(everythingHasEnded(dumpOf({ ...sound, listed: ['running'] }), NOBODY))).toEqual(['I5 stuck']);
    const open = { ...sound, fields: { ...sound.fields, 's:a': '{"status":"queued","token":"t","more":{}}' } };
    expect(counts(everythingHasEnded(dumpOf(open), NOBODY))).toEqual(['I5 stuck']);
  });
});

describe('I7', () => {
  test('a step that succeeded by the reply of another attempt', () => {
    const turns = changed(1, { messages: [reply('200-0', 'a.1.9999')] });
    expect(counts(onlyCurrentRepliesCount(dumpOf(runOf(turns)), []))).toEqual(['I7 duplicated']);
  });

  test('a step that was asked and succeeded without a reply', () => {
    const turns = changed(1, { messages: [{ id: '200-0', at: 200, kind: 'start' }] });
    expect(counts(onlyCurrentRepliesCount(dumpOf(runOf(turns)), []))).toEqual(['I7 duplicated']);
  });

  test('a forged call that was taken', () => {
    const attack = { attack: 'beat of another worker', answer: 'stop', run: RUN, step: 'a' };
    const attacks: readonly Attack[] = [attack, { ...attack, answer: 'ok' }, { ...attack, answer: 'go' }];
    expect(counts(onlyCurrentRepliesCount(dumpOf(), attacks))).toEqual(['I7 duplicated', 'I7 duplicated']);
  });
});

describe('I8', () => {
  test('two replies of one attempt that were both taken', () => {
    const turns = changed(1, { messages: [reply('200-0'), reply('201-0')] });
    expect(counts(oneResultPerAttempt(dumpOf(runOf(turns))))).toEqual(['I8 duplicated']);
    const [, second] = TURNS;
    const ignored: Fact = {
      type: 'message.ignored',
      run: RUN,
      at: 201,
      cause: '201-0',
      kind: 'reply',
      reason: 'no longer awaited',
      step: 'a',
    };
    const said = changed(1, { messages: [reply('200-0'), reply('201-0')], facts: [...(second?.facts ?? []), ignored] });
    expect(oneResultPerAttempt(dumpOf(runOf(said)))).toEqual([]);
  });

  test('a step that succeeded twice', () => {
    const [, second] = TURNS;
    const turns = changed(2, { facts: second?.facts ?? [] });
    expect(counts(oneResultPerAttempt(dumpOf(runOf(turns))))).toEqual(['I8 duplicated']);
  });

  test('work that was done twice is counted', () => {
    const effect = { token: TOKEN, run: RUN, step: 'a', attempt: 1, act: 'work', worker: 'w', at: 1 };
    const other = { ...effect, run: 'another' };
    expect(doubledWork([effect, other, effect])).toEqual({ executions: 3, doubled: 1 });
  });
});

describe('I9', () => {
  const timer = { kind: 'timer', timer: { kind: 'wait', run: RUN, step: 'b', attempt: 1 }, claim: null } as const;

  test('a timer that fired twice', () => {
    const turns = changed(2, {
      messages: [
        { id: '215-0', at: 215, ...timer },
        { id: '216-0', at: 216, ...timer },
      ],
    });
    expect(counts(timersFireOnce(dumpOf(runOf(turns))).violations)).toEqual(['I9 duplicated']);
  });

  test('a timer that fired before its time', () => {
    const turns = changed(2, { messages: [{ id: '209-0', at: 209, ...timer }] });
    expect(counts(timersFireOnce(dumpOf(runOf(turns))).violations)).toEqual(['I9 duplicated']);
  });
});

describe('I10', () => {
  test('a message that nobody accounts for, and one that was never added', () => {
    expect(counts(nothingVanishes(dumpOf(runOf(), { inbox: { length: 0, added: 5, entries: [] } })))).toEqual([
      'I10 lost',
    ]);
    expect(counts(nothingVanishes(dumpOf(runOf(), { inbox: { length: 0, added: 3, entries: [] } })))).toEqual([
      'I10 duplicated',
    ]);
    const dead = [
      { id: '1-0', fields: { entry: '1-0', kind: 'signal', body: '{}' } },
      { id: '2-0', fields: { entry: '', kind: 'late-reply' } },
      { id: '3-0', fields: { entry: '9-0', kind: 'request' } },
    ];
    expect(nothingVanishes(dumpOf(runOf(), { dead, inbox: { length: 0, added: 5, entries: [] } }))).toEqual([]);
  });

  test('a request that was asked twice, or never', () => {
    const requests = (added: number): ReturnType<typeof dumpOf> =>
      dumpOf(runOf(), { requests: { worker: { length: 0, added, pending: 0, readers: [] } } });
    expect(counts(nothingVanishes(requests(2)))).toEqual(['I10 lost']);
    expect(counts(nothingVanishes(requests(0)))).toEqual(['I10 duplicated']);
    expect(counts(nothingVanishes(dumpOf(runOf(), { requests: {} })))).toEqual(['I10 lost']);
  });
});

test('I12: a run that is not what its history says, and one that could not be checked', () => {
  const sound = { run: RUN, partition: 0, status: 'completed', version: 3, problems: [], warnings: [], unchecked: [] };
  expect(historiesGiveTheRuns([sound])).toEqual([]);
  const problem = { entry: null, version: 3, field: 'record.status', expected: 'completed', found: 'running' };
  expect(counts(historiesGiveTheRuns([{ ...sound, problems: [problem] }]))).toEqual(['I12 lost']);
  expect(counts(historiesGiveTheRuns([{ ...sound, unchecked: ['it is newer'] }]))).toEqual(['I12 lost']);
});

test('I11: whatever is left behind is found', () => {
  const left = { length: 1, added: 1, pending: 1, readers: ['w'] };
  const dump = dumpOf(runOf(), {
    inbox: { length: 1, added: 5, entries: [] },
    suspects: 1,
    timers: [{ id: `wait|${RUN}|b|1`, due: 1 }],
    requests: { worker: left },
    slots: ['{x:0}:slot:1'],
    keys: 1_000,
  });
  expect(nothingIsLeft({ ...dump, workers: ['w'], coordinators: ['c'] }, NOBODY)).toHaveLength(10);
  const sound = runOf();
  const holds = { ...sound, fields: { ...sound.fields, 't:a': TOKEN } };
  expect(counts(nothingIsLeft(dumpOf(holds), NOBODY))).toEqual(['I11 stuck']);
  const parked = dumpOf(runOf(), { timers: [{ id: 'timeout|parked-1|b|1', due: 1 }] });
  expect(nothingIsLeft(parked, new Set(['parked-1']))).toEqual([]);
});

test('I14: a call that never ended, and an answer that nobody could expect', () => {
  const calls = told([], { open: new Map([['get', 2]]), unexpected: ['start: USAGE'] });
  expect(counts(callsHaveEnded(calls))).toEqual(['I14 stuck', 'I14 lost']);
});

test('I15: a secret in any file below', () => {
  const folder = mkdtempSync(join(tmpdir(), 'coord-leak-'));
  try {
    writeFileSync(join(folder, 'log'), 'nothing');
    expect(secretIsNowhere('s3cret', [folder])).toEqual([]);
    writeFileSync(join(folder, 'aof'), Buffer.from('\0\x01… s3cret'));
    expect(counts(secretIsNowhere('s3cret', [folder]))).toEqual(['I15 lost']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
