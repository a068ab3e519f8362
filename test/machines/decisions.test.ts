import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Asked } from '../../src/core/asked.js';
import type { Question } from '../../src/core/facts.js';
import type { PersonaReply } from '../../src/core/exchange.js';
import { decision, parallel, step } from '../harness/definitions.js';
import { Bench, PASS, passing } from '../harness/fold-bench.js';

const DAY = 86_400_000;
const CHOICES = [
  { id: 'proceed', label: 'Proceed' },
  { id: 'edit', label: 'Edit' },
  { id: 'cancel', label: 'Cancel' },
];

function questionAt(run: Bench, path: string): Question {
  const { waitsFor } = run.step(path).more;
  if (waitsFor?.kind !== 'decision') throw new Error(`${path} asks nothing`);
  return waitsFor.question;
}

const lastIgnored = (run: Bench): string => {
  const fact = run.facts.at(-1);
  return fact?.type === 'message.ignored' ? fact.reason : '';
};

describe('questions asked one by one', () => {
  const QUESTIONS: Asked[] = [
    { id: 'scope', ask: 'How far?', reason: 'it costs', type: 'choice', options: ['page', 'site'], required: true },
    { id: 'name', ask: 'Which name?', type: 'text', default: 'none' },
    { id: 'areas', ask: 'Which areas?', type: 'list' },
  ];
  const bench = (): Bench =>
    new Bench([
      step('think'),
      decision('ask', { dependencies: ['think'], questions: '{{ steps.think.result.questions }}' }),
    ])
      .start()
      .reply('think', passing({ questions: QUESTIONS as never }));

  test('are made at run time, and what nobody answers is as it is usual', () => {
    const run = bench();
    expect(questionAt(run, 'ask').asked).toEqual(QUESTIONS);
    run.decide('ask', 'approve', { scope: 'site', areas: ['api'] }, { from: 'coord on host-3' });
    expect(run.state.record.result).toEqual({
      choice: 'approve',
      data: { name: 'none', scope: 'site', areas: ['api'] },
      by: 'ada',
    });
    expect(run.facts).toContainEqual(
      expect.objectContaining({ type: 'decision.answered', by: 'ada', from: 'coord on host-3' }),
    );
  });

  test.each([
    [{ scope: 'page', extra: 1 }, 'extra'],
    [{ scope: 'galaxy' }, 'scope'],
    [{}, 'scope'],
    [null, 'scope'],
    [{ scope: 'page', areas: 'api' }, 'areas'],
    ['page', 'data'],
  ])('refuse %j and change nothing', (data, named) => {
    const run = bench();
    const before = JSON.stringify([...run.state.steps]);
    run.decide('ask', 'approve', data);
    expect(lastIgnored(run)).toMatch(named);
    expect(JSON.stringify([...run.state.steps])).toBe(before);
    expect(run.decide('ask', 'approve', { scope: 'page' }).status).toBe('completed');
  });

  test('who rejects answers none', () => {
    expect(bench().decide('ask', 'reject').state.record.failure).toMatchObject({ class: 'REJECTED' });
  });

  test('that cannot be asked fail the step, and say what is wrong with them', () => {
    const run = new Bench([
      step('think'),
      decision('ask', { dependencies: ['think'], questions: '{{ steps.think.result }}' }),
    ])
      .start()
      .reply('think', passing([{ id: 'a', ask: 'x', type: 'choice' }]));
    expect(run.state.record.failure).toMatchObject({
      class: 'EXPRESSION',
      message: 'step "ask", questions: they cannot be asked: [0].options is needed for a choice',
    });
  });
});

describe('a draft', () => {
  const schema = { type: 'object', required: ['title'], properties: { title: { type: 'string', minLength: 3 } } };
  const bench = (): Bench =>
    new Bench([
      step('write'),
      decision('review', { dependencies: ['write'], draft: { value: '{{ steps.write.result }}', schema } }),
    ])
      .start()
      .reply('write', passing({ title: 'Cart', points: ['a', 'b'] }));

  test('is shown, and goes on as it was', () => {
    const run = bench();
    expect(questionAt(run, 'review').draft).toEqual({ title: 'Cart', points: ['a', 'b'] });
    expect(run.decide('review', 'approve').state.record.result).toMatchObject({
      draft: { title: 'Cart', points: ['a', 'b'] },
      edited: false,
    });
  });

  test('is edited by the answer, as far as its schema allows', () => {
    const run = bench();
    run.decide('review', 'approve', null, { edits: { title: 'x' } });
    expect(lastIgnored(run)).toMatch(/the edited draft of step review is not as it must be: .*title/);
    run.decide('review', 'reject', null, { edits: { title: 'Basket' } });
    expect(lastIgnored(run)).toMatch('it edits nothing');
    run.decide('review', 'approve', null, { edits: { title: 'Basket', points: null } });
    expect(run.state.record.result).toEqual({
      choice: 'approve',
      data: null,
      by: 'ada',
      draft: { title: 'Basket' },
      edited: true,
    });
  });

  test('that there is none of cannot be edited', () => {
    const run = new Bench([decision('ok')]).start().decide('ok', 'approve', null, { edits: { a: 1 } });
    expect(lastIgnored(run)).toMatch('shows no draft');
    expect(run.status).toBe('waiting');
  });
});

describe('time', () => {
  test('people are told again, others are asked too, and what is said for the end of the time holds', () => {
    const run = new Bench([
      decision('ok', {
        choices: CHOICES,
        reject: [],
        assignees: ['ann'],
        timeout: 3 * 86_400,
        on_timeout: 'proceed',
        remind: [3_600, 86_400],
        escalate: [{ after: '12h', to: ['lead', 'ann'] }],
      }),
    ]).start();
    const began = run.step('ok').begunAt ?? 0;
    expect(questionAt(run, 'ok')).toMatchObject({
      due: began + 3 * DAY,
      otherwise: 'proceed',
      nudges: [{ at: began + 3_600_000 }, { at: began + 43_200_000, to: ['lead', 'ann'] }, { at: began + DAY }],
    });
    expect(run.last?.arm).toContainEqual({ id: 'nudge|test-1|ok|1', afterMs: 3_600_000, at: began + 3_600_000 });
    run.timer('nudge', 'ok').timer('nudge', 'ok');
    expect(questionAt(run, 'ok').assignees).toEqual(['ann', 'lead']);
    expect(run.facts.filter(({ type }) => type === 'decision.reminded')).toMatchObject([
      { assignees: ['ann'] },
      { assignees: ['ann', 'lead'], to: ['lead', 'ann'] },
    ]);
    run.timer('timeout', 'ok');
    expect(run.last?.disarm).toContain('nudge|test-1|ok|1');
    expect(run.state.record).toMatchObject({
      status: 'completed',
      result: { choice: 'proceed', data: null, by: 'timeout' },
    });
    expect(run.facts).toContainEqual(expect.objectContaining({ type: 'decision.expired', choice: 'proceed' }));
    // Too late.
    expect(lastIgnored(run.timer('nudge', 'ok', 1))).not.toBe('');
  });

  test('without a word for it nobody has decided, which is no yes', () => {
    const run = new Bench([decision('ok', { timeout: 60, on_timeout: 'fail' })]).start().timer('timeout', 'ok');
    expect(run.state.record.failure).toMatchObject({
      class: 'TIMEOUT',
      message: expect.stringMatching('nobody decided'),
    });
    expect(run.facts).toContainEqual(expect.objectContaining({ type: 'decision.expired', choice: null }));
  });

  test('a choice that rejects may hold then too', () => {
    const run = new Bench([decision('ok', { timeout: 60, on_timeout: 'reject' })]).start().timer('timeout', 'ok');
    expect(run.state.record.failure).toMatchObject({
      class: 'REJECTED',
      message: expect.stringMatching(/nobody decided within .*, so "reject" holds/),
    });
  });

  test('definitions of before fold as they did', () => {
    const run = new Bench([decision('ok', { timeout: 60 })]).start();
    expect(Object.keys(questionAt(run, 'ok')).toSorted()).toEqual([
      'about',
      'assignees',
      'choices',
      'context',
      'prompt',
      'token',
    ]);
    run.timer('timeout', 'ok');
    expect(run.facts.map(({ type }) => type)).not.toContain('decision.expired');
  });
});

describe('a quorum', () => {
  const bench = (change: object = {}): Bench =>
    new Bench([decision('ok', { choices: CHOICES, reject: ['cancel'], quorum: 2, ...change })]).start();

  test('several must choose the same, each counted once', () => {
    const run = bench().decide('ok', 'proceed').decide('ok', 'proceed');
    expect(lastIgnored(run)).toMatch(/ada has answered step ok already with "proceed" at /);
    run.decide('ok', 'edit', null, { by: 'ben' });
    expect(run.status).toBe('waiting');
    expect(run.facts.at(-1)).toMatchObject({ type: 'decision.voted', by: 'ben', votes: 1, quorum: 2 });
    run.reload().decide('ok', 'proceed', null, { by: 'cy' });
    expect(run.state.record.result).toMatchObject({
      choice: 'proceed',
      by: 'cy',
      votes: [
        { by: 'ada', choice: 'proceed' },
        { by: 'ben', choice: 'edit' },
        { by: 'cy', choice: 'proceed' },
      ],
    });
  });

  test('one who rejects is enough', () => {
    const run = bench().decide('ok', 'proceed').decide('ok', 'cancel', null, { by: 'ben' });
    expect(run.state.record.failure).toMatchObject({ class: 'REJECTED', message: 'ben chose "cancel"' });
  });

  test('only who is asked counts, and when all have answered without agreeing it is over', () => {
    const run = bench({ assignees: ['ada', 'ben'] }).decide('ok', 'proceed', null, { by: 'eve' });
    expect(lastIgnored(run)).toBe('step ok is decided by ada, ben, and eve is none of them');
    run.decide('ok', 'proceed').decide('ok', 'edit', null, { by: 'ben' });
    expect(run.state.record.failure).toMatchObject({
      class: 'REJECTED',
      message: 'all have answered, and no choice has the 2 answers that it needs: proceed 1, edit 1, cancel 0',
    });
  });

  test('who edits the draft is the first to agree with it', () => {
    const run = bench({ draft: { value: { a: 1 }, schema: null } })
      .decide('ok', 'proceed')
      .decide('ok', 'proceed', null, { by: 'ben', edits: { a: 2 } });
    expect(run.status).toBe('waiting');
    expect(questionAt(run, 'ok')).toMatchObject({ draft: { a: 2 }, edited: true, votes: [{ by: 'ben' }] });
    expect(run.decide('ok', 'proceed').state.record.result).toMatchObject({ draft: { a: 2 }, edited: true });
  });
});

describe('a persona that needs to know something', () => {
  const ASKS: PersonaReply = {
    ...PASS,
    status: 'needs_input',
    result: { found: 2 },
    prompt: 'Which of both?',
    questions: [{ id: 'which', ask: 'Which?', type: 'choice', options: ['a', 'b'], required: true }],
  };
  const bench = (): Bench => new Bench([step('dig', { retries: 1 }), step('end', { dependencies: ['dig'] })]).start();

  test('waits for people, and is asked again with their answers; that counts as no failure', () => {
    const run = bench().reply('dig', ASKS);
    expect(run.status).toBe('waiting');
    expect(questionAt(run, 'dig')).toMatchObject({
      about: 'input',
      prompt: 'Which of both?',
      context: { result: { found: 2 } },
      asked: ASKS.questions,
    });
    run.decide('dig', 'answer', { which: 'z' });
    expect(lastIgnored(run)).toMatch('which');
    run.reload().decide('dig', 'answer', { which: 'b' });
    expect(run.requests.at(-1)).toMatchObject({
      step: 'dig',
      attempt: 2,
      answers: [{ id: 'which', ask: 'Which?', answer: 'b' }],
    });
    expect(run.step('dig').failures).toBe(0);
    run.reply('dig').reply('end');
    expect(run.status).toBe('completed');
    expect(run.requests.map(({ step: path }) => path)).toEqual(['dig', 'dig', 'end']);
    expect(run.requests[0]).not.toHaveProperty('answers');
  });

  test('goes on without answers, or is let fail', () => {
    const run = bench().reply('dig', ASKS).decide('dig', 'skip');
    expect(run.requests.at(-1)?.answers).toEqual([{ id: 'which', ask: 'Which?', answer: null }]);
    const failed = bench().reply('dig', ASKS).decide('dig', 'fail');
    expect(failed.state.record.failure).toMatchObject({ class: 'REJECTED', step: 'dig' });
  });

  test('may not ask for ever', () => {
    const run = bench();
    for (let round = 0; round < 10; round++) run.reply('dig', ASKS).decide('dig', 'skip');
    run.reply('dig', ASKS);
    expect(run.step('dig')).toMatchObject({ status: 'retrying', error: { class: 'PERSONA_ERROR' } });
  });

  test('asks nobody in a list that fails', () => {
    const run = new Bench([step('a'), step('b')])
      .start()
      .reply('a', { ...PASS, status: 'fail', error: { class: 'REJECTED', message: 'no' } });
    run.reply('b', ASKS);
    expect(run.statuses).toEqual({ a: 'failed', b: 'failed' });
    expect(run.status).toBe('failed');
  });
});

/** What happens to one branch, in its order. */
type Happening = (run: Bench) => unknown;

describe('parallel branches with decisions', () => {
  const CHOICE_SETS = ['approve', 'expire', 'asks', 'votes'] as const;

  /** A branch that works, asks people, and works on. */
  function branch(name: string): ReturnType<typeof step | typeof decision>[] {
    const timed = {
      timeout: 60,
      on_timeout: 'approve',
      remind: [10],
      draft: { value: `{{ steps.${name}w.result }}`, schema: null },
    };
    return [
      step(`${name}w`),
      decision(`${name}d`, { dependencies: [`${name}w`], quorum: 2, ...timed }),
      step(`${name}e`, {
        dependencies: [`${name}d`],
        params: { by: `{{ steps.${name}d.result.choice }}`, n: `{{ steps.${name}d.result.draft.n }}` },
      }),
    ];
  }

  function happenings(name: string, way: (typeof CHOICE_SETS)[number]): Happening[] {
    const work = `${name}w`;
    const asks: PersonaReply = { ...PASS, status: 'needs_input', questions: [{ id: 'q', ask: 'q?', type: 'text' }] };
    const begin: Happening[] =
      way === 'asks' ? [(run) => run.reply(work, asks), (run) => run.decide(work, 'answer', { q: name })] : [];
    const end: Happening[] =
      way === 'expire'
        ? [(run) => run.timer('nudge', `${name}d`), (run) => run.timer('timeout', `${name}d`)]
        : [
            (run) => run.decide(`${name}d`, 'approve', null, { by: 'ann', edits: { n: 7 } }),
            (run) => run.decide(`${name}d`, 'approve', null, { by: 'ann' }),
            (run) => run.decide(`${name}d`, 'approve', null, { by: 'bob' }),
          ];
    return [
      ...begin,
      (run) => run.reply(work, passing({ n: name.length, name })),
      ...end,
      (run) => run.reply(`${name}e`, passing({ done: name })),
    ];
  }

  /** The value of the whole, without times. */
  function outcome(run: Bench): string {
    const { status, result } = run.state.record;
    return JSON.stringify([
      status,
      result,
      Object.entries(run.statuses).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      run.requests.map(({ step: path, params, answers }) => JSON.stringify([path, params, answers])).toSorted(),
    ]).replace(/"at":\d+/g, '"at":0');
  }

  test('come to the same, in whatever order they finish, suspend, are answered and expire', () => {
    const names = ['a', 'bb', 'ccc'];
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...CHOICE_SETS), { minLength: 3, maxLength: 3 }),
        fc.array(fc.nat({ max: 1_000 }), { minLength: 30, maxLength: 30 }),
        fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
        (ways, draws, reloads) => {
          const result = Object.fromEntries(names.map((name) => [name, `{{ steps.${name}d.result.draft }}`]));
          const play = (
            next: (open: readonly number[], at: number) => number,
            reload: (at: number) => boolean,
          ): string => {
            const run = new Bench([parallel('all', names.flatMap(branch))], { result }).start();
            const queues = names.map((name, at) => happenings(name, ways[at] ?? 'approve'));
            for (let at = 0; queues.some(({ length }) => length > 0); at++) {
              const open = queues.flatMap(({ length }, index) => (length > 0 ? [index] : []));
              queues[next(open, at)]?.shift()?.(run);
              if (reload(at)) run.reload();
            }
            return outcome(run);
          };
          const inTurn = play(
            ([first = 0]) => first,
            () => false,
          );
          const mixed = play(
            (open, at) => open[(draws[at % 30] ?? 0) % open.length] ?? 0,
            (at) => reloads[at % 30] ?? false,
          );
          expect(mixed).toBe(inTurn);
          expect(mixed).toContain('"completed"');
        },
      ),
      { numRuns: 300 },
    );
  });
});
