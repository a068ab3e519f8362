/** Steps inside steps as rows, on a terminal and in words. */
import { describe, expect, test } from 'vitest';
import { BlockFacts } from '../../../src/cli/render/block-facts.js';
import { FactTeller } from '../../../src/cli/render/fact-line.js';
import { liveLines } from '../../../src/cli/render/live-view.js';
import { palette } from '../../../src/cli/render/paint.js';
import { stepRows } from '../../../src/cli/render/step-tree.js';
import { asksOf, waitWords, waitWordsNow } from '../../../src/cli/render/waiting.js';
import { summary } from '../../../src/cli/render/summary.js';
import type { Fact, WaitsFor } from '../../../src/core/facts.js';
import type { RunView, StepView } from '../../../src/core/views.js';

process.env['TZ'] = 'UTC';
const NINE = Date.UTC(2026, 10, 20, 9);

function step(id: string, change: Partial<StepView> = {}): StepView {
  return {
    id,
    name: id.slice(id.lastIndexOf('/') + 1),
    type: 'persona-request',
    parent: null,
    persona: 'p',
    dependencies: [],
    status: 'pending',
    attempt: 0,
    worker: null,
    queuedAt: null,
    begunAt: null,
    endedAt: null,
    progress: null,
    verdict: null,
    result: null,
    error: null,
    tolerated: false,
    waitsFor: null,
    form: null,
    run: null,
    reason: null,
    artifacts: [],
    commit: null,
    ...change,
  };
}

function block(id: string, type: string, change: Partial<StepView> = {}): StepView {
  return step(id, { type, persona: '', status: 'working', begunAt: 0, ...change });
}

function run(steps: readonly StepView[], change: Partial<RunView> = {}): RunView {
  return {
    id: 'w-1',
    workflow: 'w',
    status: 'running',
    createdAt: 0,
    startedAt: 0,
    endedAt: null,
    failure: null,
    canceled: null,
    quarantined: null,
    slot: null,
    signals: [],
    parent: null,
    version: '1.0.0',
    definition: '',
    task: {},
    workspace: null,
    head: null,
    result: null,
    steps,
    ...change,
  };
}

function opened(path: string, detail: Record<string, string | number>): BlockFacts {
  const facts = new BlockFacts();
  facts.add({ type: 'step.opened', run: 'w-1', at: 0, cause: '1-0', step: path, detail });
  return facts;
}

const live = (view: RunView, { rows = 24, color = false, blocks = new BlockFacts() } = {}): readonly string[] =>
  liveLines(
    { view, now: 60_000, retryAt: new Map(), blocks, hints: [] },
    { colors: palette(color), rows, columns: 100 },
  );

const ASKING: WaitsFor = {
  kind: 'decision',
  question: {
    token: 'ok?1',
    about: 'step',
    prompt: 'Ship\nit?',
    choices: [
      { id: 'yes', label: 'Yes' },
      { id: 'no', label: 'No' },
    ],
    context: { diff: 'x'.repeat(300) },
    assignees: [],
  },
};

describe('rows', () => {
  test('of a very large block are those under way or failed, twenty at most, and quickly', () => {
    const items = Array.from({ length: 10_000 }, (_, index) =>
      step(`each[${String(index)}]/check`, {
        parent: 'each',
        status: index < 5_000 ? 'succeeded' : index < 5_003 ? 'failed' : index < 5_100 ? 'working' : 'pending',
      }),
    );
    const [first, ...rows] = stepRows([block('each', 'for_each'), ...items], opened('each', { items: 12_000 }));
    expect(first?.note).toBe('5,003 of 12,000 items, 5,000 succeeded, 97 working, 3 failed');
    expect(rows).toHaveLength(20);
    expect(rows.slice(2, 4).map(({ frame, id, step: { status } }) => `${frame}${id} ${status}`)).toEqual([
      '[5002] check failed',
      '[5003] check working',
    ]);
  });

  test('of a loop with many rounds are those of the last one, and more rounds than it was opened for are counted', () => {
    const rounds = Array.from({ length: 30 }, (_, index) =>
      step(`fix[${String(index + 1)}]/qa`, { parent: 'fix', status: index < 29 ? 'succeeded' : 'pending' }),
    );
    const rows = stepRows([block('fix', 'loop'), ...rounds], opened('fix', { max_rounds: 3 }));
    expect(rows.map(({ frame, id, note }) => `${frame}${id} ${note}`.trim())).toEqual([
      'fix round 30 of 30, 29 succeeded',
      '[30] qa',
    ]);
  });

  test('are as deep as blocks are nested, and tell what undoes a step from what is inside it', () => {
    const rows = stepRows(
      [
        block('each', 'for_each'),
        block('each[0]/fix', 'loop', { parent: 'each' }),
        step('each[0]/fix[2]/qa', { parent: 'each[0]/fix', status: 'working' }),
        step('each[compensate]/undo', { parent: 'each' }),
      ],
      new BlockFacts(),
    );
    expect(rows.map(({ depth, frame, id, note }) => [depth, `${frame}${id}`, note])).toEqual([
      [0, 'each', '0 items done'],
      [1, '[0] fix', 'round 2'],
      [2, '[2] qa', ''],
      [1, '[compensate] undo', ''],
    ]);
  });
});

describe('the live view', () => {
  test('indents what is inside, names runs inside, and shows questions with their commands', () => {
    const view = run([
      block('fix', 'loop'),
      step('fix[1]/qa', {
        parent: 'fix',
        status: 'failed',
        tolerated: true,
        error: { class: 'REJECTED', message: 'no' },
      }),
      block('fix[2]/ok', 'decision', { parent: 'fix', status: 'waiting', waitsFor: ASKING }),
      block('sub', 'workflow', { run: 'w-1.abcdefgh' }),
      block('night', 'wait', { status: 'waiting', waitsFor: { kind: 'time', until: 3_660_000 } }),
      block('paid', 'wait', { status: 'waiting', waitsFor: { kind: 'signal', name: 'it is paid' } }),
    ]);
    expect(live(view, { blocks: opened('fix', { max_rounds: 3 }) })).toEqual([
      'w-1  w  running  1m 00s',
      '● fix       (loop)  1m 00s, round 2 of 3',
      '✗   [1] qa  p  passed over: REJECTED no',
      '?   [2] ok  (decision)  asks: Ship\\nit?',
      '● sub       (workflow)  1m 00s, run w-1.abcdefgh: coord show w-1.abcdefgh',
      '? night     (wait)  waits until 01:01:00, 1h 00m more',
      '? paid      (wait)  waits for signal "it is paid"',
      '? fix[2]/ok asks: Ship\\nit?',
      `    diff: ${'x'.repeat(200)}…`,
      "    coord decide w-1 'fix[2]/ok' yes  Yes",
      "    coord decide w-1 'fix[2]/ok' no   No",
      '? paid waits for signal "it is paid"',
      "    coord signal w-1 'it is paid'",
    ]);
  });

  test('paints a failure that is dealt with unlike one that is not', () => {
    const failed = { status: 'failed', error: { class: 'REJECTED', message: 'no' } } as const;
    const [, fatal = '', tolerated = ''] = live(run([step('a', failed), step('b', { ...failed, tolerated: true })]), {
      color: true,
    });
    expect(fatal).toContain('\u001B[31m✗\u001B[39m');
    expect(tolerated).toContain('\u001B[33m✗\u001B[39m');
    expect(tolerated).toContain('passed over: REJECTED no');
  });

  test('keeps what waits for people in sight when there is little room, and counts further questions', () => {
    const steps = Array.from({ length: 30 }, (_, index) =>
      step(`s${String(index)}`, index === 20 ? { status: 'waiting', waitsFor: ASKING } : { status: 'succeeded' }),
    );
    expect(live(run(steps), { rows: 12 }).some((line) => line.startsWith('? s20'))).toBe(true);
    const asking = steps.map((one) => ({ ...one, status: 'waiting' as const, waitsFor: ASKING }));
    expect(live(run(asking), { rows: 60 }).at(-1)).toBe('? and 28 more: coord show w-1 --json');
  });

  test('of a run that waits for its turn says so', () => {
    const view = run([], { status: 'pending', startedAt: null, slot: { key: 'deploy', limit: 2 } });
    expect(live(view)[1]).toBe('! waits for its turn: at most 2 runs with key "deploy"');
  });
});

describe('waiting in words', () => {
  test('tells a time of today without its date', () => {
    const time: WaitsFor = { kind: 'time', until: NINE };
    expect(waitWords(time)).toBe('waits until 2026-11-20 09:00:00');
    expect(waitWordsNow(time, NINE - 60_000)).toBe('waits until 09:00:00, 1m 00s more');
    expect(waitWordsNow(time, NINE - 86_400_000)).toBe('waits until 2026-11-20 09:00:00, 1d 0h more');
  });

  test('asks nothing for a time, and of the same question has the same key', () => {
    const waiting = step('ok', { status: 'waiting', waitsFor: ASKING });
    expect(asksOf(run([step('t', { waitsFor: { kind: 'time', until: 0 } }), waiting]))).toHaveLength(1);
    const [first] = asksOf(run([waiting]));
    const [again] = asksOf(
      run([{ ...waiting, waitsFor: { ...ASKING, question: { ...ASKING.question, token: 'ok?2' } } }]),
    );
    expect(first?.key).not.toBe(again?.key);
  });
});

test('a summary names no step when the run itself failed', () => {
  const failure = { class: 'TIMEOUT', message: 'took longer than 1h', step: null } as const;
  const view = run([], { status: 'failed', endedAt: 1_000, failure });
  expect(summary(view, { colors: palette(false), standsIn: '/' })).toBe(
    'Run w-1 has failed after 1.0 s.\n  TIMEOUT took longer than 1h\n',
  );
});

describe('facts in words', () => {
  const base = { run: 'w-1', at: 0, cause: '1-0' };
  const error = { class: 'RATE_LIMIT', message: 'slow down' } as const;
  test.each<[Fact, string]>([
    [{ ...base, type: 'run.completed', result: null }, '00:00:00 run completed'],
    [{ ...base, type: 'run.completed', result: { a: 1 } }, '00:00:00 run completed: {"a":1}'],
    [{ ...base, type: 'run.compensating', steps: 2 }, '00:00:00 run undoes 2 steps, the last one first'],
    [{ ...base, type: 'run.failed', step: null, error }, '00:00:00 run failed: RATE_LIMIT slow down'],
    [
      { ...base, type: 'step.fallback', step: 'a', attempt: 2, from: 'x', to: 'y', error },
      '00:00:00 a (attempt 2) asks y instead of x: RATE_LIMIT slow down',
    ],
    [{ ...base, type: 'step.opened', step: 'c', detail: { branch: 'then' } }, '00:00:00 c takes the then branch'],
    [{ ...base, type: 'step.opened', step: 'e', detail: { items: 1 } }, '00:00:00 e begins with 1 item'],
    [{ ...base, type: 'step.opened', step: 'l', detail: { max_rounds: 3 } }, '00:00:00 l begins, at most 3 rounds'],
    [{ ...base, type: 'step.opened', step: 'p', detail: { steps: 4 } }, '00:00:00 p begins with 4 steps'],
    [
      { ...base, type: 'step.opened', step: 's', detail: { run: 'w-1.x' } },
      '00:00:00 s started run w-1.x: coord show w-1.x',
    ],
    [{ ...base, type: 'step.round', step: 'l', round: 2 }, '00:00:00 l round 2'],
    [
      { ...base, type: 'step.waiting', step: 'l[1]/ok', waitsFor: ASKING },
      "00:00:00 l[1]/ok asks: Ship\\nit?; to answer: coord decide w-1 'l[1]/ok' yes, or no",
    ],
    [
      { ...base, type: 'step.waiting', step: 't', waitsFor: { kind: 'time', until: NINE } },
      '00:00:00 t waits until 2026-11-20 09:00:00',
    ],
    [
      { ...base, type: 'decision.answered', step: 'ok', token: 't', choice: 'no', data: null, by: 'ann' },
      '00:00:00 ok answered no by ann',
    ],
    [
      { ...base, type: 'signal.received', name: 'paid', data: { sum: 1 }, by: 'bank', step: null },
      '00:00:00 signal "paid" is kept for later, from bank: {"sum":1}',
    ],
    [
      { ...base, type: 'signal.received', name: 'paid', data: null, by: 'bank', step: 'w' },
      '00:00:00 w got signal "paid" from bank',
    ],
    [{ ...base, type: 'event.emitted', step: 'e', event: 'done', data: {} }, '00:00:00 e emitted "done"'],
  ])('%j', (fact, line) => expect(new FactTeller().line(fact)).toBe(line));
});
