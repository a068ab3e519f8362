/** Answering on a terminal: one question at a time, in place while a run is followed, and many at once. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { StepDefinition } from '../../../src/definition/steps.js';
import { decision, step, workflow } from '../../harness/definitions.js';
import { type Ended, PASS, World } from '../world.js';

let world: World;
beforeEach(() => {
  world = new World();
});

type Answers = readonly (string | readonly string[] | null)[];

/** A run of these steps that waits for people. */
async function asking(...steps: readonly StepDefinition[]): Promise<string> {
  world.workflows.set('w', workflow(steps, { name: 'w' }));
  const { io } = world.begin(['run', 'w', '--new', '--until-waiting']);
  await world.until(() => /asks/.test(io.out) && !io.listening);
  return /Started run (\S+)/.exec(io.out)?.[1] ?? '';
}

/** A command with somebody at the terminal. */
async function attended(args: readonly string[], answers: Answers, isTTY = false): Promise<Ended> {
  const command = world.begin(args, { answers, answer: true, isTTY, env: { USER: 'ann' } });
  let done = false;
  void command.ended.then(() => {
    done = true;
  });
  await world.until(() => done);
  return command.ended;
}

const result = async (run: string, id: string): Promise<unknown> =>
  (await world.client.get(run)).steps.find((one) => one.id === id)?.result;

const REVIEW = decision('review', {
  prompt: 'Good?',
  context: { severity: 'high' },
  dependencies: ['write'],
  draft: { value: '{{ steps.write.result }}', schema: { type: 'object', required: ['title'] } },
  questions: [
    { id: 'scope', ask: 'How far?', reason: 'it costs', type: 'choice', options: ['page', 'site'], required: true },
    { id: 'count', ask: 'How many?', type: 'number', default: 3 },
    { id: 'tags', ask: 'Which tags?', type: 'list' },
    { id: 'soon', ask: 'Soon?', type: 'yes_no' },
    { id: 'note', ask: 'A note?' },
  ],
});

describe('coord decide on a terminal', () => {
  beforeEach(() => {
    world.answer = () => ({ ...PASS, result: { title: 'Cart' } });
  });

  test('shows what to judge by and the draft, then asks one question at a time, and skips what may be skipped', async () => {
    const run = await asking(step('write'), REVIEW);
    const edited = '{ "title": "Basket" }';
    const { code, out, io } = await attended(
      ['decide', run],
      ['approve', 'edit', edited, 'site', 'many', '', 'a, b', 'no', ''],
    );
    expect({ code, out }).toEqual({
      code: 0,
      out: `Step review of run ${run} is answered with approve: coord watch ${run}\n`,
    });
    expect(io.questions).toEqual([
      '= review asks: Good?: severity: high',
      'Your answer? [Approve (approve) | Reject (reject)]',
      '= Draft: {\n  "title": "Cart"\n}',
      'The draft? [Take it as it is | Edit it]',
      'edit {\n  "title": "Cart"\n}',
      'editor',
      '1/5 How far? (it costs) [page | site]',
      '2/5 How many?',
      '! This is no number.',
      '2/5 How many?',
      '3/5 Which tags? (several with a comma between)',
      '4/5 Soon? [yes | no | skip]',
      '5/5 A note?',
    ]);
    expect(await result(run, 'review')).toEqual({
      choice: 'approve',
      data: { count: 3, scope: 'site', tags: ['a', 'b'], soon: false },
      by: 'ann',
      draft: { title: 'Basket' },
      edited: true,
    });
    const { out: history } = await world.coord('history', run);
    expect(history).toContain('answered approve by ann (coord on host-1), edited {"title":"Basket"}');
  });

  test('answers nothing when the person leaves, wherever that is', async () => {
    const run = await asking(step('write'), REVIEW);
    for (const answers of [[null], ['approve', null], ['approve', 'keep', null], ['approve', 'keep', 'page', null]]) {
      expect(await attended(['decide', run, 'review'], answers)).toMatchObject({ code: 130, out: '' });
    }
    expect((await world.client.get(run)).status).toBe('waiting');
  });

  test('asks nothing more of who rejects', async () => {
    const run = await asking(step('write'), REVIEW);
    const { io } = await attended(['decide', run], ['reject']);
    expect(io.questions.filter((question) => !question.startsWith('='))).toHaveLength(1);
    expect(await result(run, 'review')).toMatchObject({ choice: 'reject', data: null, draft: { title: 'Cart' } });
  });

  test('asks the fields of a form like questions', async () => {
    const form = {
      type: 'object',
      required: ['note'],
      properties: { note: { type: 'string', title: 'Why?' }, deep: { type: 'boolean', description: 'All?' } },
    };
    const run = await asking(decision('ok', { form }));
    const { io } = await attended(['decide', run], ['approve', 'since', 'yes']);
    expect(io.questions.slice(2)).toEqual(['1/2 Why?', '2/2 All? [yes | no | skip]']);
    expect(await result(run, 'ok')).toMatchObject({ data: { note: 'since', deep: true } });
  });

  test('says what can be chosen where nobody can be asked, and which steps ask when there are several', async () => {
    const run = await asking(decision('ok'));
    expect(await world.coord('decide', run)).toMatchObject({
      code: 2,
      err: `error USAGE: nobody can be asked here, since this is no terminal; say what you choose: coord decide ${run} ok approve; coord decide ${run} ok reject\n`,
    });
    const two = await asking(decision('a'), decision('b'));
    expect((await world.coord('decide', two)).err).toBe(
      `error DECISION_REFUSED: run ${two}: several steps ask; name one of them: a, b\n`,
    );
  });

  test('tells who comes too late who was first, with what and when', async () => {
    const run = await asking(decision('ok'), decision('other'));
    await world.coord('decide', run, 'ok', 'approve');
    const { code, err } = await attended(['decide', run, 'ok', 'reject'], []);
    expect(code).toBe(2);
    expect(err).toMatch(
      /the question of step ok is answered already: the step is succeeded; \S+ answered "approve" at 2023/,
    );
  });
});

describe('what a persona needs to know', () => {
  test('is asked like anything else, and it goes on with the answers', async () => {
    const seen: unknown[] = [];
    world.answer = ({ answers }) => {
      seen.push(answers);
      return answers === undefined
        ? {
            ...PASS,
            status: 'needs_input',
            questions: [{ id: 'db', ask: 'Which database?', type: 'choice', options: ['pg', 'my'] }],
          }
        : PASS;
    };
    const run = await asking(step('dig'));
    const shown = await world.coord('show', run);
    expect(shown.out).toContain('db: Which database?');
    expect(shown.out).toContain(`coord decide ${run} dig answer`);
    await attended(['decide', run], ['answer', 'pg']);
    await world.until(() => seen.length === 2);
    expect(seen).toEqual([undefined, [{ id: 'db', ask: 'Which database?', answer: 'pg' }]]);
  });
});

describe('coord run on a terminal', () => {
  test('asks in place, and goes on with the answer to its end', async () => {
    world.workflows.set('w', workflow([decision('ok'), step('end', { dependencies: ['ok'] })], { name: 'w' }));
    const { code, io } = await attended(['run', 'w'], ['approve'], true);
    expect(code).toBe(0);
    expect(io.questions).toEqual(['= ok asks: Go on?: ', 'Your answer? [Approve (approve) | Reject (reject)]']);
  });

  test('goes on watching when the person leaves the question, and somebody else answers', async () => {
    world.workflows.set('w', workflow([decision('ok')], { name: 'w' }));
    const { io, ended } = world.begin(['run', 'w'], { answers: [null], answer: true, isTTY: true });
    await world.until(() => io.questions.length === 2);
    const [row] = await world.client.list();
    await world.client.decide(row?.id ?? '', { step: 'ok', choice: 'approve', by: 'ben' });
    let done = false;
    void ended.then(() => {
      done = true;
    });
    await world.until(() => done);
    expect((await ended).code).toBe(0);
  });
});

describe('coord inbox --answer', () => {
  test('answers all that is listed and has that choice, after asking whether to', async () => {
    const ship = {
      prompt: 'Ship?',
      choices: [
        { id: 'ship', label: 'Ship' },
        { id: 'no', label: 'No' },
      ],
      reject: [],
    };
    const runs = [await asking(decision('a', ship)), await asking(decision('a', ship)), await asking(decision('b'))];
    const refused = await world.coord('inbox', '--answer', 'ship');
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.err).toContain('2 questions would be answered with ship; say --yes to do so without being asked');
    const { code, out, err, io } = await attended(['inbox', '--answer', 'ship'], []);
    expect(code).toBe(0);
    expect(err).toContain('1 of them cannot be answered with ship, and are left alone.');
    expect(io.questions).toEqual([`Answer 2 questions with ship? (${String(runs[0])} a, ${String(runs[1])} a)`]);
    expect(out).toBe(
      `Step a of run ${String(runs[0])} is answered with ship\nStep a of run ${String(runs[1])} is answered with ship\n`,
    );
    expect((await world.coord('inbox', '--step', 'a', '--answer', 'ship', '--yes')).out).toBe(
      'Nothing is asked that can be answered with ship.\n',
    );
    expect((await world.client.get(runs[2] ?? '')).status).toBe('waiting');
  });

  test('leaves the others alone when one is refused', async () => {
    const form = { type: 'object', required: ['note'], properties: { note: { type: 'string' } } };
    const strict = await asking(decision('a', { form }));
    const plain = await asking(decision('a'));
    const { code, err } = await world.coord('inbox', '--answer', 'approve', '--yes');
    expect(code).toBe(1);
    expect(err).toContain(`run ${strict}: the answer does not fit the form of step a`);
    expect((await world.client.get(plain)).status).toBe('completed');
    expect((await world.coord('inbox', '--answer', 'approve', '--yes', '--set', 'note=x')).code).toBe(0);
    expect((await world.coord('inbox', '--yes')).err).toContain('--data, --set and --yes go with --answer <choice>');
  });
});
