/** What format 6 has brought: what attempts use, budgets, parked steps, what was tried before, evidence. See scenarios.mjs. */
import { error, pass } from './stage.mjs';

const HOUR = 3_600_000;
const using = (inputTokens, reply) => ({
  ...reply,
  usage: { model: 'm-1', inputTokens, outputTokens: 10, costUsd: 0.25, turns: 2 },
});
const enough = (reply) => ({
  ...reply,
  error: { class: 'QUOTA', message: 'the window is used up' },
  resumeInMs: 2 * HOUR,
});

export const USE = [
  {
    name: 'used',
    since: 6,
    about:
      'a step whose third attempt, of another persona, is in hand, with a ceiling; and one that is parked for two hours',
    workflows: {
      plain: `
budget: { tokens: 10000, cost_usd: 5, soft: 0.01 }
steps:
  - { id: work, persona: worker, fallback: [other], retries: { count: 1, backoff: [0] }, budget: { tokens: 3000 } }
  - { id: check, persona: qa }
`,
    },
    async play(stage) {
      await stage.start('a');
      await stage.coordinate();
      await stage.work('qa', using(50, enough(error('no'))));
      await stage.work('worker', { ...using(100, error('half')), session: 's-1', result: { half: true } });
      await stage.work('worker', using(200, error('again')));
      await stage.beat(await stage.begin('other'), 'goes on');
    },
    goOn: {
      workers: 'alive',
      due: ['retry'],
      replies: { work: [pass('done')], check: [pass('good')] },
      end: { a: { status: 'completed', result: 'good' } },
    },
  },
  {
    name: 'spent',
    since: 6,
    about: 'a run that has used up its budget: one step asks people for more, another one waits with it',
    workflows: {
      plain: `
budget: { tokens: 100 }
steps:
  - { id: first, persona: worker }
  - { id: second, persona: qa, fallback: [other], dependencies: [first] }
  - { id: third, persona: other, dependencies: [first] }
`,
    },
    async play(stage) {
      await stage.start('a');
      await stage.coordinate();
      await stage.work('worker', using(100, pass('much')));
      await stage.quiet();
    },
    goOn: {
      answers: { second: { choice: 'raise', data: { tokens: 500 } } },
      replies: { second: [pass('two')], third: [pass('three')] },
      end: { a: { status: 'completed', result: 'three' } },
    },
  },
  {
    name: 'proven',
    since: 6,
    about: 'a run that has verified what it ends with, but for its last step, which changes no file',
    workflows: {
      plain: `
evidence: required
steps:
  - { id: work, persona: worker }
  - { id: proof, type: verify, run: [[npm, test]], expect: { tests: { min: 1 } }, protect: ["test/**"], dependencies: [work] }
  - { id: note, persona: qa, dependencies: [proof] }
`,
    },
    async play(stage) {
      const [commit, tree] = ['a', 'b'].map((digit) => digit.repeat(40));
      await stage.start('a');
      await stage.coordinate();
      await stage.work('worker', pass('done', { commit, tree }));
      await stage.work('verify', pass({ commit, tree, commands: [] }, { commit, tree }));
      await stage.beat(await stage.begin('qa'), 'writes');
    },
    goOn: {
      workers: 'alive',
      replies: { note: [pass('noted')] },
      end: { a: { status: 'completed', result: 'noted' } },
    },
  },
];
