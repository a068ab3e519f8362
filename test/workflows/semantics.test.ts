/** Sentences of `docs/workflow-yaml.md` that no example shows, each held against the engine. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { definitionOf } from '../definition/workflow-text.js';
import { TOP } from '../harness/process-tree.js';
import { differences } from './simulated.js';

interface Said {
  /** As it stands on the page, but for line breaks. */
  readonly sentence: string;
  readonly steps: string;
  /** Keys of the workflow beside its steps. */
  readonly top?: string;
  readonly scenario: object;
}

const SAID: readonly Said[] = [
  {
    sentence: 'A false one skips the step; what depends on it goes on.',
    steps: '- { id: a, persona: p, condition: task.x === 1 }\n- { id: b, persona: p, dependencies: [a] }',
    scenario: { expect: { path: ['b'], steps: { a: 'skipped' } } },
  },
  {
    sentence: 'A condition or template that cannot be evaluated fails the step with `EXPRESSION`',
    steps: '- { id: a, persona: p, params: { x: "{{ task.missing }}" } }',
    scenario: { expect: { error: { class: 'EXPRESSION', step: 'a', message: 'missing' } } },
  },
  {
    sentence: 'One branch may be left out.',
    steps: '- { id: a, type: conditional, condition: task.x === 1, then_steps: [{ id: b, persona: p }] }',
    scenario: { expect: { path: [], result: null } },
  },
  {
    sentence: 'it fails when too few are left that could',
    steps: `- id: a
  type: parallel
  wait_for: 2
  steps: [{ id: x, persona: p }, { id: y, persona: p }, { id: z, persona: p }]`,
    scenario: { replies: { x: 'fail', y: 'fail' }, expect: { error: { class: 'REJECTED', step: 'y' } } },
  },
  {
    sentence: 'false ends the loop, before the first one without a round',
    steps: `- id: a
  type: loop
  while: "(task.x ?? 0) + loop.round < 2 && steps.b.status !== 'fail'"
  max_rounds: 9
  steps: [{ id: b, persona: p }]`,
    scenario: { task: { x: 5 }, expect: { path: [], steps: { a: 'succeeded' }, result: null } },
  },
  {
    sentence: 'Rounds that are used up are never a pass: the loop fails with `LIMIT`',
    steps: '- { id: a, type: loop, until: steps.b.result?.ok === true, max_rounds: 2, steps: [{ id: b, persona: p }] }',
    scenario: { expect: { error: { class: 'LIMIT', step: 'a' }, requests: { b: { count: 2 } } } },
  },
  {
    sentence: 'No items: it succeeds with `[]`.',
    steps: '- { id: a, type: for_each, items: "{{ task.files }}", steps: [{ id: b, persona: p }] }',
    scenario: { task: { files: [] }, expect: { path: [], result: [] } },
  },
  {
    sentence: 'A failed item fails the `for_each`: requests under way finish, others are not begun.',
    steps: '- { id: a, type: for_each, items: [1, 2, 3, 4], concurrency: 2, steps: [{ id: b, persona: p }] }',
    scenario: {
      replies: { 'a[0]/b': 'fail', 'a[1]/b': { after: '5m' } },
      expect: { error: { step: 'a[0]/b' }, path: ['a[0]/b', 'a[1]/b'], steps: { 'a[1]/b': 'succeeded' } },
    },
  },
  {
    sentence: 'a choice that rejects may leave it out',
    steps: '- { id: a, type: decision, prompt: Go?, form: { type: object, required: [why] } }',
    scenario: { decisions: { a: 'reject' }, expect: { error: { class: 'REJECTED', step: 'a' } } },
  },
  {
    sentence: 'with one the step fails with `TIMEOUT` unless `on_timeout` says what holds then',
    steps: '- { id: a, type: decision, prompt: Go?, timeout: 1h }',
    scenario: {
      decisions: {},
      expect: { error: { class: 'TIMEOUT', step: 'a' }, elapsed: { at_least: '1h', at_most: '1h' } },
    },
  },
  {
    sentence: 'A signal that comes before a step waits for it is kept',
    steps: '- { id: a, persona: p }\n- { id: b, type: wait, signal: go, timeout: 1h, dependencies: [a] }',
    scenario: {
      replies: { a: { after: '30m' } },
      signals: [{ name: 'go', data: 7, at: '1m' }],
      expect: { result: 7, elapsed: { at_most: '30m' } },
    },
  },
  {
    sentence: 'A signal that does not come within `timeout` fails the step with `TIMEOUT`.',
    steps: '- { id: a, type: wait, signal: go, timeout: 1h }',
    scenario: { expect: { error: { class: 'TIMEOUT', step: 'a' } } },
  },
  {
    sentence: 'one that is over is not waited for',
    steps: '- { id: a, type: wait, until: "2020-01-01T00:00:00Z" }',
    scenario: { expect: { elapsed: { at_most: '0s' } } },
  },
  {
    sentence: 'one that is not valid is an `INVALID_REPLY`, which `retries` try again',
    steps: '- { id: a, type: plan, persona: p, retries: 1 }',
    scenario: {
      replies: { a: { result: { steps: [{ id: 'x', type: 'workflow', workflow: 'w' }] } } },
      expect: { error: { class: 'INVALID_REPLY', step: 'a', message: 'workflow' }, requests: { a: { count: 2 } } },
    },
  },
  {
    sentence: 'one of its dependencies, or of what those wait for, has failed or was canceled; else it is skipped',
    steps: `- { id: a, persona: p }
- { id: b, persona: p, dependencies: [a] }
- { id: other, persona: p, on_error: continue }
- { id: after-b, persona: p, when: on_failure, dependencies: [b] }
- { id: after-other, persona: p, when: on_failure, dependencies: [other] }`,
    scenario: {
      replies: { a: 'fail' },
      expect: { status: 'failed', steps: { 'after-b': 'succeeded', 'after-other': 'skipped' } },
    },
  },
  {
    sentence: 'They repair nothing: the run still fails.',
    steps: '- { id: a, persona: p }',
    top: 'on_failure: [{ id: b, persona: p }]',
    scenario: { replies: { a: 'fail' }, expect: { error: { step: 'a' }, path: ['a', 'b'] } },
  },
  {
    sentence: 'A canceled run starts no further steps, not even these; only [`compensate`](#compensate) follows.',
    steps: `- { id: a, persona: p, compensate: { id: undo, persona: p } }
- { id: b, persona: p, dependencies: [a] }
- { id: c, persona: p, when: always, dependencies: [b] }`,
    top: 'on_failure: [{ id: d, persona: p }]',
    scenario: {
      replies: { b: { after: '1h' } },
      cancel: { at: '5m' },
      expect: { status: 'canceled', path: ['a', 'b', 'undo'] },
    },
  },
  {
    sentence: 'the run fails: what is under way is canceled; steps that deal with failures still run',
    steps: '- { id: a, persona: p }\n- { id: b, persona: p, when: always }\n- { id: c, persona: p, when: on_failure }',
    top: 'timeout: 1h',
    scenario: {
      replies: { a: 'hang' },
      expect: { error: { class: 'TIMEOUT' }, steps: { a: 'canceled', b: 'succeeded', c: 'succeeded' } },
    },
  },
  {
    sentence: 'it fails, and all that is open inside is canceled',
    steps: '- { id: a, type: parallel, timeout: 5m, steps: [{ id: b, persona: p }, { id: c, persona: p }] }',
    scenario: {
      replies: { c: 'hang' },
      expect: { error: { class: 'TIMEOUT', step: 'a' }, steps: { b: 'succeeded', c: 'canceled' } },
    },
  },
  {
    sentence: 'the worker died; up to five times this costs no retry and no pause',
    steps: '- { id: a, persona: p }',
    scenario: {
      replies: { a: ['lose_worker', 'lose_worker', 'lose_worker', 'lose_worker', 'lose_worker', 'pass'] },
      expect: { requests: { a: { count: 6 } } },
    },
  },
  {
    sentence: 'or the class is not in `retry_on`, the next of `fallback` is asked, with as many retries as the first',
    steps:
      '- { id: a, persona: p, fallback: q, retries: { count: 1, backoff: [1s], retry_on: [TIMEOUT] }, timeout: 1m }',
    scenario: {
      replies: { '@p': 'error', '@q': ['hang', 'pass'] },
      expect: { requests: { a: { persona: 'q', count: 3 } }, elapsed: { at_least: '61s', at_most: '61s' } },
    },
  },
  {
    sentence: 'a no stays a no',
    steps: '- { id: a, persona: p, fallback: q, retries: 3 }',
    scenario: { replies: { '@p': 'fail' }, expect: { error: { class: 'REJECTED' }, requests: { a: { count: 1 } } } },
  },
  {
    sentence: 'In a list that fails nothing new starts, and nothing is tried again.',
    steps: `- { id: a, persona: p }
- { id: b, persona: p, retries: 5 }
- { id: c, persona: p, dependencies: [b] }`,
    scenario: {
      replies: { a: { fail: 'no', after: '1m' }, b: { error: 'broken', after: '2m' } },
      expect: { error: { step: 'a' }, requests: { b: { count: 1 } }, steps: { b: 'failed', c: 'skipped' } },
    },
  },
  {
    sentence: 'finished and recorded, since it is paid for; waiting steps and inner runs are canceled',
    steps: `- { id: a, persona: p }
- { id: b, persona: p }
- { id: c, type: wait, duration: 1d }`,
    scenario: {
      replies: { a: { fail: 'no', after: '1m' }, b: { after: '5m' } },
      expect: { error: { step: 'a' }, steps: { b: 'succeeded', c: 'canceled' }, elapsed: { at_most: '5m' } },
    },
  },
  {
    sentence: 'one step after the other, the last that succeeded first',
    steps: `- { id: a, persona: p, compensate: { id: undo-a, persona: p } }
- { id: b, persona: p, compensate: { id: undo-b, persona: p }, dependencies: [a] }
- { id: c, persona: p, compensate: { id: undo-c, persona: p }, dependencies: [b] }`,
    scenario: {
      replies: { c: 'fail', 'undo-b': 'fail' },
      expect: { error: { step: 'c' }, path: ['a', 'b', 'c', 'undo-b', 'undo-a'] },
    },
  },
  {
    sentence: 'in a loop or `for_each` every round and item that succeeded is undone',
    steps: `- id: each
  type: for_each
  items: [x, y]
  steps: [{ id: a, persona: p, compensate: { persona: p, params: { item: "{{ loop.item }}" } } }]
- { id: b, persona: p, dependencies: [each] }`,
    scenario: {
      replies: { b: 'fail' },
      expect: {
        status: 'failed',
        path_includes: ['each[1]/a[compensate]/a-undo', 'each[0]/a[compensate]/a-undo'],
        requests: { 'a-undo': { params: { item: 'x' } } },
      },
    },
  },
  {
    sentence: 'what has waited longest comes first',
    steps: `- { id: a, persona: p }
- { id: b, persona: p }
- { id: c, persona: p }
- { id: d, persona: p, dependencies: [a] }`,
    top: 'max_concurrent_steps: 1',
    scenario: { expect: { path: ['a', 'b', 'c', 'd'] } },
  },
  {
    sentence: 'of two with one name that of the nearest',
    steps: `- { id: a, persona: p }
- { id: b, persona: p, dependencies: [a] }
- { id: c, persona: p, dependencies: [b], params: { from: "{{ artifacts['r.md'].step }}" } }`,
    scenario: {
      replies: { a: { artifacts: { 'r.md': '1' } }, b: { artifacts: { 'r.md': '2' } } },
      expect: { requests: { c: { params: { from: 'b' } } } },
    },
  },
  {
    sentence: "What a hole yields is never looked at again: braces in a task or in a persona's result stay braces.",
    steps: '- { id: a, persona: p, params: { x: "{{ task.x }}" } }',
    scenario: { task: { x: '{{ task.y }}' }, expect: { requests: { a: { params: { x: '{{ task.y }}' } } } } },
  },
];

const page = readFileSync(join(TOP, 'docs/workflow-yaml.md'), 'utf8').replaceAll(/\s+/g, ' ');

it.each(SAID)('$sentence', async ({ sentence, steps, top = '', scenario }) => {
  expect(page.includes(sentence) ? sentence : 'is not on the page any more').toBe(sentence);
  const text = `name: example\n${top}\nsteps:\n${steps.replaceAll(/^/gm, '  ')}\n`;
  expect(await differences({ definition: definitionOf(text), inner: [] }, scenario)).toEqual([]);
});
