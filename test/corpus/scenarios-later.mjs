/** What came after format 2. See scenarios.mjs. */
import { error, fail, pass } from './stage.mjs';

export const LATER = [
  {
    name: 'migrated',
    since: 3,
    about: 'a run that has gone on with another definition, while a worker was at it',
    workflows: {
      first: `
name: release
version: 1.0.0
steps:
  - { id: build, persona: worker }
  - { id: check, persona: qa, dependencies: [build], on_error: continue }
  - { id: publish, persona: other, dependencies: [check] }
`,
      second: `
name: release
version: 2.0.0
steps:
  - { id: build, persona: worker }
  - { id: check, persona: qa, dependencies: [build], on_error: continue }
  - { id: approve, type: decision, prompt: "Publish {{ steps.build.result }}?", dependencies: [check] }
  - { id: publish, persona: other, dependencies: [approve] }
`,
    },
    async play(stage) {
      await stage.start('a', { workflow: 'first' });
      await stage.coordinate();
      await stage.work('worker', pass('built'));
      await stage.beat(await stage.begin('qa'), 'looking');
      await stage.migrate('a', 'second');
    },
    goOn: {
      workers: 'alive',
      replies: { check: [fail('a blemish')], publish: [pass('published')] },
      answers: { approve: { choice: 'approve', data: null } },
      end: { a: { status: 'completed', result: 'published' } },
    },
  },
  {
    name: 'late-reply',
    since: 3,
    about: "an answer that came when its attempt was somebody else's, and is kept for people",
    workflows: { plain: 'steps: [{ id: work, persona: worker, timeout: 1h, retries: { count: 1, backoff: [10ms] } }]' },
    async play(stage) {
      await stage.start('a');
      await stage.coordinate();
      const first = await stage.begin('worker', { worker: 'worker-1' });
      await stage.redis.zadd('{corpus:0}:timers', 0, `timeout|${stage.run('a')}|work|1`);
      await stage.begin('worker', { worker: 'worker-2' });
      await stage.store.requests.reply(first, { body: JSON.stringify(pass('too late')) });
    },
    goOn: {
      workers: 'alive',
      replies: { work: [pass('in time')] },
      end: { a: { status: 'completed', result: 'in time' } },
    },
  },
  {
    name: 'paused',
    since: 4,
    about: 'a run that is paused, with a retry that has come due meanwhile',
    workflows: {
      plain:
        'steps: [{ id: work, persona: worker, retries: { count: 1, backoff: [10ms] } }, { id: other, persona: other }]',
    },
    async play(stage) {
      await stage.start('a');
      await stage.coordinate();
      await stage.work('other', pass('done'));
      await stage.steer('a', { kind: 'pause', reason: 'a freeze', by: 'ana' });
      await stage.work('worker', error('overloaded'));
      // Its time comes by itself.
      while ((await stage.redis.zscore('{corpus:0}:timers', `retry|${stage.run('a')}|work|1`)) !== null);
      await stage.quiet();
    },
    goOn: { end: { a: null } },
  },
  {
    name: 'taken-up',
    since: 4,
    about:
      'a run that failed, was tried again, restarted, and goes on without one of its steps, while a worker is at it',
    workflows: {
      plain:
        'steps: [{ id: a, persona: worker }, { id: b, persona: worker, dependencies: [a] }, { id: c, persona: qa, dependencies: [b] }, { id: d, persona: other }]',
    },
    async play(stage) {
      const by = 'ana';
      await stage.start('a');
      await stage.coordinate();
      await stage.work('other', pass('d'));
      await stage.work('worker', pass('a'));
      await stage.work('worker', fail('broken'));
      await stage.steer('a', { kind: 'retry', reason: 'it was the network', by });
      await stage.work('worker', pass('b'));
      await stage.steer('a', { kind: 'restart', step: 'a', reason: 'another plan', by });
      await stage.work('worker', pass('a again'));
      await stage.steer('a', { kind: 'skip', step: 'b', reason: 'not needed', by });
      // The request of before the restart is void.
      await stage.begin('qa').catch(() => undefined);
      await stage.beat(await stage.begin('qa'), 'looking');
    },
    goOn: {
      workers: 'alive',
      replies: { c: [pass('c')] },
      end: { a: { status: 'completed', result: 'd' } },
    },
  },
  {
    name: 'forked',
    since: 4,
    about: 'a run that was forked from one that has failed, while a worker is at it',
    workflows: {
      plain:
        'steps: [{ id: a, persona: worker }, { id: b, persona: worker, dependencies: [a] }, { id: c, persona: qa, dependencies: [b] }]',
    },
    async play(stage) {
      await stage.start('a');
      await stage.coordinate();
      await stage.work('worker', pass('a'));
      await stage.work('worker', fail('broken'));
      await stage.fork('f', 'a', { from: 'b', task: { other: true }, personas: {}, by: 'ana' });
      await stage.beat(await stage.begin('worker'), 'looking');
    },
    goOn: {
      workers: 'alive',
      replies: { b: [pass('b')], c: [pass('c')] },
      end: { a: null, f: { status: 'completed', result: 'c' } },
    },
  },
  {
    name: 'locked',
    since: 5,
    about: 'a run that holds a lock, with a worker at it, and another one that waits for the lock and knows who has it',
    workflows: {
      plain: 'steps: [{ id: take, type: lock, lock: repo }, { id: work, persona: worker, dependencies: [take] }]',
    },
    async play(stage) {
      // Timers come by themselves.
      const until = async (key, step, isSo) => {
        const field = () => stage.redis.hget(`{corpus:0}:run:${stage.run(key)}`, `s:${step}`);
        while (!isSo(JSON.parse((await field()) ?? '{}')));
        await stage.quiet();
      };
      await stage.start('a');
      await stage.coordinate();
      await until('a', 'work', ({ status }) => status === 'queued');
      await stage.beat(await stage.begin('worker'), 'at it');
      await stage.start('b');
      await until('b', 'take', ({ more }) => more?.waitsFor.holder !== undefined);
    },
    goOn: {
      workers: 'alive',
      replies: { work: [pass('done')] },
      end: { a: { status: 'completed', result: 'done' }, b: { status: 'completed' } },
    },
  },
  {
    name: 'asked',
    since: 5,
    about:
      'questions in all their forms: a draft that one of two has edited, times, what a persona needs to know, and a state',
    workflows: {
      plain: `
states: { open: { to: [reviewed] }, reviewed: { requires: [steps.write.result] } }
steps:
  - { id: write, persona: worker }
  - id: review
    type: decision
    dependencies: [write]
    prompt: Good?
    draft: { value: "{{ steps.write.result }}" }
    questions: [{ id: scope, ask: How far?, type: choice, options: [page, site], default: page }]
    quorum: 2
    timeout: 30d
    on_timeout: reject
    remind: [10d]
    escalate: [{ after: 20d, to: [lead] }]
  - { id: dig, persona: qa }
  - { id: publish, persona: other, dependencies: [review, dig], enters: reviewed }
`,
    },
    async play(stage) {
      await stage.start('a');
      await stage.coordinate();
      await stage.work('worker', pass({ title: 'Cart' }));
      const questions = [{ id: 'db', ask: 'Which?', type: 'text' }];
      await stage.work('qa', { ...pass({ found: 2 }), status: 'needs_input', questions, prompt: 'Which of both?' });
      await stage.quiet();
      const answer = { step: 'review', choice: 'approve', data: null, edits: { title: 'Basket' } };
      await stage.client.decide(stage.run('a'), { ...answer, by: 'ann', from: 'corpus' });
      await stage.quiet();
    },
    goOn: {
      replies: { dig: [pass('dug')], publish: [pass('published')] },
      answers: {
        review: { choice: 'approve', data: { scope: 'site' } },
        dig: { choice: 'answer', data: { db: 'pg' } },
      },
      end: { a: { status: 'completed', result: 'published' } },
    },
  },
];
