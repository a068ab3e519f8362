/** Steps that hold steps, recorded half way. See scenarios.mjs. */
import { fail, pass } from './stage.mjs';

export const BLOCKS = [
  {
    name: 'each',
    about: 'a for_each of loops: the first item in its second round, the second in its first, the third not begun',
    workflows: {
      each: `
steps:
  - id: files
    type: for_each
    items: "{{ task.files }}"
    concurrency: 2
    steps:
      - id: fix
        type: loop
        max_rounds: 3
        until: steps.check.status === 'pass'
        steps:
          - { id: repair, persona: worker, params: { file: "{{ loop.previous?.check.result ?? 'first' }}" } }
          - { id: check, persona: qa, dependencies: [repair], on_error: continue }
`,
    },
    async play(stage) {
      await stage.start('a', { task: { files: ['x.ts', { path: 'y.ts' }, 3] } });
      await stage.coordinate();
      await stage.work('worker', pass('repaired'));
      await stage.work('qa', fail('a fault is left', { line: 7 }));
      await stage.begin('worker');
    },
    goOn: {
      workers: 'alive',
      replies: { 'files[0]/fix[2]/check': [pass('x')], 'files[1]/fix[1]/check': [pass('y')] },
      end: { a: { status: 'completed', result: ['x', 'y', null] } },
    },
  },
  {
    name: 'branches',
    about: 'a branch that was taken, and two attempts of which the first one that succeeds ends the other',
    workflows: {
      branches: `
steps:
  - id: kind
    type: conditional
    condition: task.urgent === true
    then_steps: [{ id: repair, persona: other }]
    else_steps:
      - { id: design, persona: worker }
      - { id: build, persona: worker, dependencies: [design] }
  - id: attempts
    type: parallel
    wait_for: any
    timeout: 1h
    dependencies: [kind]
    steps:
      - { id: fast, persona: worker }
      - { id: slow, persona: qa }
      - { id: cleanup, persona: other, when: always }
`,
    },
    async play(stage) {
      await stage.start('a', { task: { urgent: false } });
      await stage.coordinate();
      await stage.work('worker', pass('designed'));
      await stage.work('worker', pass('built'));
      await stage.begin('worker');
    },
    goOn: {
      workers: 'dead',
      replies: { slow: [pass('slow but sure')] },
      end: { a: { status: 'completed', result: { slow: 'slow but sure' } } },
    },
  },
  {
    name: 'planned',
    about: 'steps that a persona planned, the first of them done',
    workflows: {
      planned: `
steps:
  - id: tasks
    type: plan
    persona: worker
    allow: { types: [persona-request, parallel], personas: [worker, qa] }
  - { id: report, persona: other, dependencies: [tasks], params: { done: "{{ steps.tasks.result }}" } }
`,
    },
    async play(stage) {
      await stage.start('a');
      await stage.coordinate();
      const steps = [
        { id: 'write', persona: 'worker', params: { what: 'a test' } },
        { id: 'both', type: 'parallel', dependencies: ['write'], steps: [{ id: 'look', persona: 'qa' }] },
      ];
      await stage.work('worker', pass({ steps }));
      await stage.work('worker', pass('written'));
    },
    goOn: {
      replies: { 'tasks[1]/look': [pass('seen')], report: [pass('all told')] },
      end: { a: { status: 'completed', result: 'all told' } },
    },
  },
  {
    name: 'inner-runs',
    about: 'runs inside a run: one that waits for people, one that works, one that has failed and is tried again',
    workflows: {
      outer: `
steps:
  - { id: ask, type: workflow, workflow: asking, task: { title: "{{ task.title }}" } }
  - { id: work, type: workflow, workflow: working, retries: { count: 1, backoff: [1h] }, timeout: 4h }
  - { id: qa, persona: qa, dependencies: [ask, work] }
`,
      asking: 'steps: [{ id: approve, type: decision, prompt: "Is {{ task.title }} good?" }]',
      working: 'steps: [{ id: do, persona: worker }, { id: check, persona: other, dependencies: [do] }]',
    },
    async play(stage) {
      await stage.start('outer', { task: { title: 'it' } });
      await stage.coordinate();
      await stage.name('ask', 'outer', 'ask');
      await stage.name('first', 'outer', 'work');
      await stage.work('worker', fail('cannot be done'));
    },
    goOn: {
      due: ['retry'],
      answers: { approve: { choice: 'approve', data: null } },
      replies: { qa: [pass(3)] },
      end: {
        outer: { status: 'completed', result: 3 },
        ask: { status: 'completed', result: { choice: 'approve', data: null, by: 'corpus' } },
        first: { status: 'failed', result: null },
      },
    },
  },
  {
    name: 'inner-waits',
    about: 'a run that waits since the run inside it waits, and nothing else can move',
    workflows: {
      outer: 'steps: [{ id: ask, type: workflow, workflow: asking, timeout: 4h }]',
      asking: 'steps: [{ id: approve, type: decision, prompt: "Go on?" }]',
    },
    async play(stage) {
      await stage.start('outer');
      await stage.coordinate();
      await stage.name('inner', 'outer', 'ask');
    },
    goOn: {
      answers: { approve: { choice: 'reject', data: null } },
      end: { outer: { status: 'failed', result: null }, inner: { status: 'failed', result: null } },
    },
  },
  {
    name: 'git',
    about: 'git operations, one done and one asked for',
    workflows: {
      git: `
steps:
  - { id: branch, type: git-operation, operation: branch, branch: "feat/{{ task.slug }}" }
  - { id: commit, type: git-operation, operation: commit, message: "Add {{ task.slug }}", dependencies: [branch] }
  - { id: push, type: git-operation, operation: push, remote: origin, queue_timeout: 1h, dependencies: [commit] }
`,
    },
    async play(stage) {
      await stage.start('a', { task: { slug: 'cart' } });
      await stage.coordinate();
      await stage.work('git', pass({ branch: 'feat/cart' }));
    },
    goOn: {
      replies: { push: [pass({ pushed: true })] },
      end: { a: { status: 'completed', result: { pushed: true } } },
    },
  },
];
