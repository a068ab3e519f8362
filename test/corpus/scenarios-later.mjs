/** What came after format 2. See scenarios.mjs. */
import { fail, pass } from './stage.mjs';

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
];
