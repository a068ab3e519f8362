/**
 * The runs that are recorded: together every type of step, every status, and every place where something can lie that
 * is not applied yet. `play` goes up to the moment that is recorded; `goOn` says how the run comes to its end from there:
 *
 * - `workers`: `alive` ones answer what they hold, `dead` ones never do
 * - `due`: kinds of timers whose time has come; all others are as far away as they were when it was recorded
 * - `replies`, by path of the step: one per attempt from then on, the last one for all that follow; else a pass
 * - `answers` by path of the step, `signals` by name
 * - `since`: the first format that knows what it is about
 * - `end`, by the names that the scenario gave its runs: status and result; null for a run that stays as it is
 */
import { BLOCKS } from './scenarios-blocks.mjs';
import { ENDED } from './scenarios-ended.mjs';
import { LATER } from './scenarios-later.mjs';
import { USE } from './scenarios-use.mjs';
import { error, fail, pass } from './stage.mjs';

const REVIEW = `
version: 1.2.0
variables: { tone: "{{ task.tone ?? 'plain' }}" }
steps:
  - { id: planning, persona: worker, params: { tone: "{{ variables.tone }}" }, timeout: 1h }
  - { id: docs, persona: other, queue_timeout: 2h }
  - { id: qa, persona: qa, dependencies: [planning, docs], params: { plan: "{{ steps.planning.result.title }}" } }
result: { qa: "{{ steps.qa.result }}", plan: "{{ steps.planning.result }}" }
`;
const PLANNED = { title: 'Ünïcode & "quotes"', parts: [1, 2] };

export const SCENARIOS = [
  {
    name: 'begun',
    about: 'one step in the hands of a worker that tells of its progress, one that nobody was sent yet, one to come',
    workflows: { review: REVIEW },
    async play(stage) {
      await stage.start('a', { task: { tone: 'friendly', list: [null, true, 1.5] } });
      await stage.coordinate();
      await stage.beat(await stage.begin('worker'), 'reading the code');
    },
    goOn: {
      workers: 'alive',
      replies: { planning: [pass(PLANNED)], qa: [pass('good')] },
      end: { a: { status: 'completed', result: { qa: 'good', plan: PLANNED } } },
    },
  },
  {
    name: 'worker-lost',
    about: 'a worker that will never be heard of again, for the second time',
    workflows: { review: REVIEW },
    async play(stage) {
      await stage.start('a');
      await stage.coordinate();
      await stage.work('other', pass('documented'));
      const lost = { ...error('worker worker-1 died while it worked').error, class: 'WORKER_LOST' };
      await stage.work('worker', { ...error(''), error: lost });
      await stage.begin('worker', { worker: 'worker-2' });
    },
    goOn: {
      workers: 'dead',
      due: ['heartbeat'],
      replies: { planning: [pass(PLANNED)], qa: [pass('good')] },
      end: { a: { status: 'completed', result: { qa: 'good', plan: PLANNED } } },
    },
  },
  {
    name: 'delivered',
    about: 'requests that a worker was sent and has not begun, one of them too late for its time in the queue',
    workflows: { review: REVIEW },
    async play(stage) {
      await stage.start('a');
      await stage.coordinate();
      await stage.take('worker', { worker: 'worker-2' });
      await stage.take('other', { worker: 'worker-3' });
    },
    goOn: { workers: 'dead', due: ['queue'], end: { a: { status: 'failed', result: null } } },
  },
  {
    name: 'inbox',
    about: 'messages of every kind that no coordinator has applied, since the one that holds the partition died of it',
    workflows: {
      all: `
steps:
  - { id: work, persona: worker }
  - { id: go, type: wait, signal: go }
  - { id: approve, type: decision, prompt: "Go on?" }
  - { id: pause, type: wait, duration: 200ms }
  - { id: inside, type: workflow, workflow: one }
`,
      one: 'steps: [{ id: only, persona: qa }]',
    },
    async play(stage) {
      await stage.start('a');
      await stage.start('b');
      await stage.coordinate();
      const replies = [];
      for (const persona of ['worker', 'qa', 'worker', 'qa']) replies.push(await stage.begin(persona));
      await stage.name('a-inside', 'a', 'inside');
      await stage.name('b-inside', 'b', 'inside');
      await stage.rest();
      for (const key of replies) await stage.reply(key, pass(key.step));
      await stage.client.signal(stage.run('a'), { name: 'go', data: { n: 1 }, by: 'ana', idempotencyKey: 'go' });
      await stage.client.decide(stage.run('a'), {
        step: 'approve',
        choice: 'approve',
        by: 'ana',
        idempotencyKey: 'yes',
      });
      await stage.client.cancel(stage.run('b'), { reason: 'not needed', by: 'bo', idempotencyKey: 'no' });
      await stage.start('c');
      const { lease } = await stage.store.partitions.acquire({ partition: 0, owner: 'coordinator-2:x', leaseMs: 500 });
      for (let fired = 0; fired < 2; ) fired += (await stage.store.partitions.fire(lease, 10)).fired;
      const signal = new AbortController().signal;
      const entries = await stage.store.partitions.read({ partition: 0, after: '0', limit: 3, waitMs: 1, signal });
      await stage.store.partitions.suspect(
        lease,
        entries.map(({ id }) => id),
      );
    },
    goOn: {
      workers: 'dead',
      answers: { approve: { choice: 'approve', data: null } },
      signals: { go: { n: 3 } },
      due: ['wait'],
      end: {
        a: { status: 'completed', result: 'only' },
        b: { status: 'canceled', result: null },
        'a-inside': { status: 'completed', result: 'only' },
        'b-inside': { status: 'completed', result: 'only' },
        c: { status: 'completed', result: null },
      },
    },
  },
  {
    name: 'waiting',
    about: 'a run that only time and signals can move, with a signal that nobody has waited for yet',
    workflows: {
      patience: `
timeout: 30d
steps:
  - { id: cool-down, type: wait, duration: 1h }
  - { id: later, type: wait, until: "2999-01-01T00:00:00Z" }
  - { id: released, type: wait, signal: released, timeout: 7d }
  - { id: last, type: wait, signal: spare, dependencies: [cool-down, later, released] }
`,
    },
    async play(stage) {
      await stage.start('a');
      await stage.coordinate();
      const spare = { name: 'spare', data: [1, { two: 'deep' }], by: 'ana', idempotencyKey: 's1' };
      await stage.client.signal(stage.run('a'), spare);
      await stage.client.signal(stage.run('a'), { ...spare, name: 'never', data: null, idempotencyKey: 's2' });
      await stage.quiet();
    },
    goOn: {
      due: ['wait'],
      signals: { released: 'v1' },
      end: { a: { status: 'completed', result: [1, { two: 'deep' }] } },
    },
  },
  {
    name: 'deciding',
    about: 'questions of all three sorts that people are asked',
    workflows: {
      ask: `
steps:
  - id: approve
    type: decision
    prompt: "Deploy {{ task.version }}?"
    choices: { approve: Deploy it, later: Not today, reject: Never }
    reject: [later, reject]
    form: { type: object, required: [note], properties: { note: { type: string } } }
    context: { version: "{{ task.version }}" }
    assignees: [ana]
    timeout: 1d
  - { id: build, persona: worker, on_error: ask, retries: 0 }
  - id: fix
    type: loop
    max_rounds: 1
    until: steps.check.status === 'pass'
    on_limit: ask
    steps: [{ id: check, persona: qa, on_error: continue }]
result: { note: "{{ steps.approve.result.data.note }}", fix: "{{ steps.fix.result }}" }
`,
    },
    async play(stage) {
      await stage.start('a', { task: { version: '2.0' } });
      await stage.coordinate();
      await stage.work('worker', fail('it is red'));
      await stage.work('qa', fail('two faults'));
    },
    goOn: {
      answers: {
        approve: { choice: 'approve', data: { note: 'tested' } },
        build: { choice: 'retry', data: null },
        fix: { choice: 'more', data: null },
      },
      replies: { 'fix[2]/check': [pass('clean')] },
      end: { a: { status: 'completed', result: { note: 'tested', fix: 'clean' } } },
    },
  },
  {
    name: 'retrying',
    about: 'an attempt that is due again later, and one that was handed to the next persona',
    workflows: {
      again: `
steps:
  - { id: work, persona: worker, retries: { count: 2, backoff: [1h], retry_on: [PERSONA_ERROR] } }
  - { id: check, persona: qa, fallback: [other], retries: 0 }
  - { id: slow, persona: worker, timeout: 10m, retries: { count: 1, backoff: [10ms] }, dependencies: [check] }
`,
    },
    async play(stage) {
      await stage.start('a');
      await stage.coordinate();
      await stage.work('worker', error('out of ideas'));
      await stage.work('qa', error('no key'));
      await stage.work('other', pass('seen by another'));
      await stage.begin('worker');
    },
    goOn: {
      workers: 'dead',
      due: ['retry', 'timeout'],
      replies: { slow: [pass('fast now')] },
      end: { a: { status: 'completed', result: 'fast now' } },
    },
  },
  {
    name: 'deadline',
    about: 'a run whose own time is up, with all its work still to do; its places are limited',
    workflows: {
      late: `
timeout: 1h
max_concurrent_steps: 1
steps:
  - { id: one, persona: worker }
  - { id: two, persona: qa }
  - { id: tell, type: emit, event: late, when: on_failure }
`,
    },
    async play(stage) {
      await stage.start('a');
      await stage.coordinate();
    },
    goOn: { due: ['deadline'], end: { a: { status: 'failed', result: null } } },
  },
  {
    name: 'slots',
    about: 'three runs that may only run one at a time, in two partitions with a fourth that is of no concern to them',
    partitions: 2,
    workflows: {
      turn: 'concurrency: { key: "deploy {{ task.to }}", limit: 1 }\nsteps: [{ id: work, persona: worker }]',
      free: 'steps: [{ id: work, persona: qa }]',
    },
    async play(stage) {
      const task = { to: 'production' };
      for (const key of ['a', 'b', 'c']) await stage.start(key, { task });
      await stage.start('free', { workflow: 'free' });
      await stage.coordinate();
    },
    goOn: {
      end: Object.fromEntries(['a', 'b', 'c', 'free'].map((key) => [key, { status: 'completed', result: null }])),
    },
  },
  ...BLOCKS,
  ...ENDED,
  ...LATER,
  ...USE,
];
