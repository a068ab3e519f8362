import { describe, expect, test } from 'vitest';
import { waitingFor } from '../../../src/cli/hints.js';
import { BlockFacts } from '../../../src/cli/render/block-facts.js';
import { ago, duration } from '../../../src/cli/render/duration.js';
import { LiveArea } from '../../../src/cli/render/live-area.js';
import { liveLines } from '../../../src/cli/render/live-view.js';
import { palette } from '../../../src/cli/render/paint.js';
import { oneLine, readable, severalLines } from '../../../src/cli/render/printable.js';
import { table } from '../../../src/cli/render/table.js';
import { cut, pad, widthOf } from '../../../src/cli/render/width.js';
import { workerName } from '../../../src/cli/render/worker-name.js';
import { wantsColor } from '../../../src/cli/io.js';
import type { RunView, StepView } from '../../../src/core/views.js';
import { FakeIo } from '../fake-io.js';
import { FakeTerminal } from '../fake-terminal.js';

const plain = palette(false);

const STEP: StepView = {
  id: 'a',
  name: 'a',
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
};

const VIEW: RunView = {
  id: 'loop-1',
  workflow: 'loop',
  status: 'running',
  createdAt: 0,
  startedAt: 0,
  endedAt: null,
  failure: null,
  canceled: null,
  quarantined: null,
  version: '1.0.0',
  definition: '',
  task: {},
  workspace: null,
  head: null,
  result: null,
  slot: null,
  signals: [],
  parent: null,
  steps: [STEP],
};

describe('durations', () => {
  test.each([
    [0, '0.0 s'],
    [3_249, '3.2 s'],
    [9_999, '9.9 s'],
    [10_000, '10 s'],
    [59_999, '59 s'],
    [252_000, '4m 12s'],
    [3_600_000, '1h 00m'],
    [7_500_000, '2h 05m'],
    [273_600_000, '3d 4h'],
    [-5, '0.0 s'],
  ])('%i ms is %s', (ms, text) => expect(duration(ms)).toBe(text));

  test('are told from the clock of the store', () => expect(ago(1_000, 3_500)).toBe('2.5 s ago'));
});

describe('printable text', () => {
  test.each([
    ['plain ä 漢 👩‍🔬', 'plain ä 漢 👩‍🔬'],
    ['a\nb\tc\rd', 'a\\nb\\tc\\rd'],
    ['\u001B[31mred\u0000\u007F', '\\x1b[31mred\\x00\\x7f'],
    ['\u009B2J', '\\x9b2J'],
    ['a\u202Eb\u2066c\u200Bd\u2028e', 'a\\u202eb\\u2066c\\u200bd\\u2028e'],
    ['\uD800', '\\ud800'],
    ['\u{E0041}', '\\u{e0041}'],
  ])('%j is %j', (text, shown) => expect(oneLine(text)).toBe(shown));

  test('of several lines keeps them', () => expect(severalLines('a\r\nb\tc\u0007\rd')).toBe('a\nb\tc\\x07\\rd'));
  test('of a file loses its colors', () => expect(readable('\u001B[1mbold\u001B[0m\u0008\n')).toBe('bold\\x08\n'));
});

describe('width', () => {
  test.each([
    ['abc', 3],
    ['漢字', 4],
    ['é', 1],
    ['✅', 2],
    ['\u001B[31mred\u001B[39m', 3],
  ])('%j takes %i columns', (text, columns) => expect(widthOf(text)).toBe(columns));

  test('cuts with a mark, closes colors, and never cuts through them', () => {
    expect(cut('abcdef', 6)).toBe('abcdef');
    expect(cut('abcdef', 4)).toBe('abc…');
    expect(cut('漢字漢', 4)).toBe('漢…');
    expect(cut('\u001B[31mabcdef\u001B[39m', 3)).toBe('\u001B[31mab…\u001B[0m');
    expect(pad('漢', 4)).toBe('漢  ');
  });
});

describe('tables', () => {
  const columns = [
    { title: 'A', cell: (row: readonly string[]) => row[0] ?? '' },
    { title: 'LONGER', cell: (row: readonly string[]) => row[1] ?? '', paint: (text: string) => `<${text}>` },
    { title: 'LAST', cell: (row: readonly string[]) => row[2] ?? '' },
  ];

  test('align their columns and make cells printable', () => {
    const rows = [
      ['漢', 'x', 'end'],
      ['line\n', '', ''],
    ];
    expect(table(columns, rows, { columns: null, paintTitle: (text) => text })).toBe(
      'A       LONGER  LAST\n漢      <x     >  end\nline\\n  <      >\n',
    );
  });

  test('are cut at the edge of the terminal', () => {
    const text = table(columns, [['a', 'b', 'c'.repeat(99)]], { columns: 20, paintTitle: (title) => title });
    for (const line of text.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(20);
  });
});

describe('the live area', () => {
  test('shrinks and grows in place, with lines above it, wherever the cursor stands', () => {
    const io = new FakeIo({ isTTY: true, columns: 10 });
    const area = new LiveArea(io);
    area.draw(['one', 'two', 'three is too long']);
    io.stdout.write('^C');
    area.draw(['one']);
    area.above('note\nmore');
    area.draw(['1', '2']);
    area.close();
    area.close();
    io.stdout.write('after\n');
    const terminal = new FakeTerminal(10);
    for (const text of io.written) terminal.write(String(text));
    expect(terminal.screen).toBe('note\nmore\n1\n2\nafter');
    expect({ hidden: terminal.cursorHidden, wrapped: terminal.wrapped }).toEqual({ hidden: false, wrapped: 0 });
  });
});

describe('the live view', () => {
  const many = Array.from({ length: 50 }, (_, index): StepView => {
    const status = index === 30 ? 'failed' : index === 40 ? 'working' : index < 40 ? 'succeeded' : 'pending';
    return { ...STEP, id: `s${String(index)}`, name: `s${String(index)}`, status, worker: 'h:1:w', begunAt: 0 };
  });

  test('fits the screen and shows what failed or is under way first', () => {
    const state = {
      view: { ...VIEW, steps: many },
      now: 1_000,
      retryAt: new Map(),
      blocks: new BlockFacts(),
      hints: ['nobody moves runs'],
    };
    expect(liveLines(state, { colors: plain, rows: 7, columns: 80 })).toEqual([
      'loop-1  loop  running  1.0 s',
      '✗ s30  p',
      '● s40  p  worker w, 1.0 s',
      '· s41  p',
      '· s42  p',
      '  and 46 more steps: coord show loop-1',
      '! nobody moves runs',
    ]);
    for (let rows = 1; rows < 60; rows++)
      expect(liveLines(state, { colors: plain, rows, columns: 80 }).length).toBeLessThanOrEqual(rows);
  });
});

describe('hints', () => {
  const queued: RunView = { ...VIEW, steps: [{ ...STEP, status: 'queued', persona: 'qa' }] };
  const worker = { worker: 'w', host: 'h', pid: 1, personas: ['qa'], busy: 0, seenAt: 0 };

  test('name a persona that no live worker serves', () => {
    const hint = ['no live worker serves persona qa: coord worker'];
    expect(waitingFor(queued, { workers: [], owned: true, now: 0, files: null })).toEqual(hint);
    expect(waitingFor(queued, { workers: [worker], owned: true, now: 15_000, files: null })).toEqual([]);
    expect(waitingFor(queued, { workers: [worker], owned: true, now: 15_001, files: null })).toEqual(hint);
    expect(waitingFor(VIEW, { workers: [], owned: true, now: 0, files: null })).toEqual([]);
  });

  test('say that nobody moves runs, and that a run is set aside', () => {
    expect(waitingFor(VIEW, { workers: [], owned: false, now: 0, files: null })).toEqual([
      'nobody moves runs: coord daemon',
    ]);
    expect(waitingFor({ ...VIEW, quarantined: 'torn' }, { workers: [], owned: true, now: 0, files: null })).toEqual([
      `the run is set aside and stands still: torn; coord repair ${VIEW.id}`,
    ]);
  });
});

test('workers are named by the last part of their name', () => {
  expect(workerName('host:12:abc')).toBe('abc');
  expect(workerName('plain')).toBe('plain');
  expect(workerName(null)).toBe('');
  expect(workerName('a\u001Bb')).toBe('a\\x1bb');
});

test.each([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: '1' }, true, false],
  [{ NO_COLOR: '' }, true, true],
  [{ FORCE_COLOR: '1' }, false, true],
  [{ FORCE_COLOR: '0' }, true, false],
])('colors with %j on a terminal %j: %j', (env, isTTY, color) => expect(wantsColor(env, isTTY)).toBe(color));
