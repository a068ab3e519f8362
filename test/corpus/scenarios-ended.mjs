/** Runs that have ended, are being undone, or were set aside. See scenarios.mjs. */
import { fail, pass } from './stage.mjs';

const COMMITS = ['1', '2', '3'].map((digit) => digit.repeat(40));
const UNDO = `
steps:
  - id: deploy
    persona: worker
    compensate: { persona: worker, params: { back: "{{ steps.deploy.result.previous }}" } }
  - id: migrate
    persona: worker
    dependencies: [deploy]
    compensate:
      - { id: restore, persona: worker }
      - { id: verify-restored, persona: qa, dependencies: [restore] }
  - { id: verify, persona: qa, dependencies: [migrate] }
`;

export const ENDED = [
  {
    name: 'compensating',
    about: 'a run that failed and is half undone',
    workflows: { undo: UNDO },
    async play(stage) {
      await stage.start('a');
      await stage.coordinate();
      await stage.work('worker', pass({ previous: 'v1' }));
      await stage.work('worker', pass('migrated'));
      await stage.work('qa', fail('it does not start'));
      await stage.work('worker', pass('restored'));
    },
    goOn: { end: { a: { status: 'failed', result: null } } },
  },
  {
    name: 'canceling',
    about: 'a run that was canceled while a worker was at it and is being undone, and one that is canceled whole',
    workflows: { undo: UNDO },
    async play(stage) {
      await stage.coordinate();
      const by = { reason: 'changed our minds', by: 'ana' };
      await stage.start('a');
      await stage.work('worker', pass({ previous: 'v1' }));
      await stage.begin('worker', { worker: 'worker-2' });
      await stage.client.cancel(stage.run('a'), { ...by, idempotencyKey: 'stop-a' });
      await stage.quiet();
      await stage.start('b');
      await stage.client.cancel(stage.run('b'), { ...by, idempotencyKey: 'stop-b' });
      await stage.quiet();
    },
    goOn: {
      workers: 'dead',
      end: { a: { status: 'canceled', result: null }, b: { status: 'canceled', result: null } },
    },
  },
  {
    name: 'completed',
    about:
      'a run on a repository that has come to its end, with artifacts, commits, an event and a step that was skipped',
    workflows: {
      whole: `
description: All that a run can leave behind
input: { type: object, required: [title], properties: { title: { type: string } } }
output: { type: object }
steps:
  - { id: planning, name: "Plan {{ task.title }}", persona: worker }
  - { id: hotfix, persona: other, condition: task.title === 'urgent' }
  - { id: planned, type: emit, event: phase.completed, data: { plan: "{{ steps.planning.result }}" }, dependencies: [planning] }
  - { id: qa, persona: qa, dependencies: [planning], on_error: continue }
result: { plan: "{{ artifacts['plan.md'].sha256 }}", qa: "{{ steps.qa.status }}" }
`,
    },
    async play(stage) {
      const workspace = { repo: '/srv/project', base: COMMITS[0] };
      await stage.start('a', { task: { title: 'cart' }, workspace });
      await stage.coordinate();
      const text = Buffer.from('# The plan\n');
      const sha256 = await stage.store.artifacts.put(0, text);
      const plan = { name: 'plan.md', sha256, size: text.length, type: 'text/markdown' };
      await stage.work('worker', pass('planned', { artifacts: [plan], commit: COMMITS[1] }));
      await stage.work('qa', fail('one test is red', { red: 1 }));
    },
    goOn: { end: { a: null } },
  },
  {
    name: 'failed',
    about: 'a run that failed, with what deals with failures, and one whose task no longer fits',
    workflows: {
      red: `
output: { type: object }
steps:
  - { id: lint, persona: other, on_error: continue }
  - { id: build, persona: worker, dependencies: [lint] }
  - { id: never, persona: worker, dependencies: [build] }
  - { id: clean-up, persona: qa, when: always, dependencies: [build] }
on_failure:
  - { id: tell, type: emit, event: failed, data: { build: "{{ steps.build.status }}" } }
`,
    },
    async play(stage) {
      await stage.coordinate();
      await stage.start('a');
      await stage.work('other', fail('ugly'));
      await stage.work('worker', fail('red', { tests: 3 }));
      await stage.work('qa');
      await stage.start('b');
      for (const persona of ['other', 'worker']) await stage.work(persona);
      await stage.work('worker', pass('no object'));
      await stage.work('qa');
    },
    goOn: { end: { a: null, b: null } },
  },
  {
    name: 'set-aside',
    about:
      'a run that was set aside since it cannot be read, with its messages among the dead letters, beside one that goes on',
    workflows: { plain: 'steps: [{ id: work, persona: worker }]' },
    async play(stage) {
      await stage.start('a');
      await stage.start('b');
      const { partitions, requests } = stage.store;
      const { lease } = await partitions.acquire({ partition: 0, owner: 'coordinator-1:x', leaseMs: 500 });
      const signal = new AbortController().signal;
      const [entry] = await partitions.read({ partition: 0, after: '0', limit: 1, waitMs: 1, signal });
      const reason = 'a coordinator died 3 times while it evaluated this message';
      await partitions.discard(lease, { entry, reason, quarantine: true });
      await partitions.release(lease);
      await stage.coordinate();
      await stage.rest();
      // As anybody could who can write to the stream.
      await stage.redis.xadd('{corpus:0}:requests:qa', '*', 'body', 'no request');
      const { delivery } = await stage.take('qa');
      await requests.refuse(delivery, 'the request is not JSON');
    },
    goOn: { end: { a: null, b: { status: 'completed', result: null } } },
  },
];
