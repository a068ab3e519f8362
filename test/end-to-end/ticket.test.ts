/**
 * Test cases 1 to 4 and 6 to 8 of the ticket workflow, on real processes: a daemon, two workers, the personas' programs,
 * terminals, and a redis-server. What came of it is said by the run (`coord show`), and by the ticket, which the application
 * keeps. Cases 5, 9 and 10 are in ticket-trouble.test.ts.
 */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/core/json.js';
import type { RunView } from '../../src/core/views.js';
import { until } from '../harness/redis-instance.js';
import { exampleTask as task, IMPATIENT, READY, statusesOf, stepOf, TicketTeam } from '../harness/ticket-team.js';

/** The eleven steps of the story. */
const ELEVEN = 'intent type preflight review context api_context draft questions clarify refine finalize'.split(' ');
const seconds = ({ startedAt, endedAt }: RunView): number => ((endedAt ?? 0) - (startedAt ?? 0)) / 1000;
const figures: Record<string, string>[] = [];
const figure = (what: string, value: string): void => void figures.push({ what, value });
afterAll(() => {
  console.table(figures);
});

/** Lets what has come in be dealt with. */
const nextTurn = (): Promise<null> =>
  new Promise((resolve) => {
    setImmediate(resolve, null);
  });

let team: TicketTeam;

describe('with every service there', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    team = await TicketTeam.gather();
    await team.work();
  });
  afterAll(async () => {
    await team.disband();
  });

  test('case 1: happy path, no repository', async () => {
    const view = await team.run(task('complete', 'C1'));
    expect(view.status).toBe('completed');
    const skipped = ['look_at_index', 'context', 'api_context', 'refine', 'mark_failed'];
    const wanted = [...ELEVEN, 'open', 'lock', 'hold', 'unlock', ...skipped];
    expect(statusesOf(view)).toMatchObject(
      Object.fromEntries(wanted.map((id) => [id, skipped.includes(id) ? 'skipped' : 'succeeded'])),
    );
    expect(Math.max(...view.steps.map(({ attempt }) => attempt))).toBe(1);
    const ticket = team.ticket('C1');
    expect(ticket).toMatchObject({ ...READY, type: 'bug', repositoryPaths: [], questions: [], answers: null });
    expect(ticket['findings']).toMatchObject([{ code: 'no_repository', severity: 'low' }]);
    expect(ticket['acceptanceCriteria']).toContain('A gift coupon gives a discount of the subtotal at most.');
    expect(seconds(view)).toBeLessThan(60);
    figure('happy path without a repository', `${seconds(view).toFixed(1)} s`);
  });

  test('case 2: happy path, with repository', async () => {
    team.index();
    const api = join(team.folder, 'api.json');
    const paths = { '/coupons/{code}': { get: { summary: 'A coupon' } }, '/stock': { get: { summary: 'Shelves' } } };
    writeFileSync(api, JSON.stringify({ openapi: '3.1.0', paths }));
    const view = await team.run({ ...task('complete', 'C2'), repository: team.repository, api });
    expect(view.status).toBe('completed');
    expect(statusesOf(view)).toMatchObject(
      Object.fromEntries(ELEVEN.map((id) => [id, id === 'refine' ? 'skipped' : 'succeeded'])),
    );
    expect(stepOf(view, 'preflight').result).toMatchObject({ filesRead: 11, findings: [] });
    const ticket = team.ticket('C2');
    expect(ticket).toMatchObject({ ...READY, repositoryContext: { source: 'index' } });
    const files = (ticket['repositoryPaths'] as readonly { path: string }[]).map(({ path }) => path);
    expect(files).toEqual(expect.arrayContaining(['src/coupons.js', 'test/coupons.test.js']));
    expect(ticket['apiContext']).toMatchObject({ endpoints: [{ method: 'GET', path: '/coupons/{code}' }] });
    expect(seconds(view)).toBeLessThan(60);
    figure('happy path with a repository and an API', `${seconds(view).toFixed(1)} s`);
  });

  describe('case 3: suspension, critical findings', () => {
    async function suspended(id: string): Promise<string> {
      const view = await team.run({ ...task('critical', id), repository: team.repository });
      expect(view.status).toBe('waiting');
      expect(stepOf(view, 'review_findings').waitsFor).toMatchObject({ kind: 'decision' });
      const ticket = team.ticket(id);
      expect(ticket).toMatchObject({ status: 'suspended-findings', lock: { run: view.id } });
      expect(ticket).toMatchObject({ generation: { state: 'suspended', currentStep: 4 } });
      expect(ticket['findings']).toMatchObject([{ code: 'data_loss' }, { code: 'not_there_src_admin_orders_js' }]);
      return view.id;
    }

    test('proceed: goes on', async () => {
      const run = await suspended('C3p');
      await team.ok('decide', run, 'review_findings', 'proceed');
      expect((await team.end(run)).status).toBe('completed');
      expect(team.ticket('C3p')).toMatchObject(READY);
      expect(team.ticket('C3p')['assumptions']).toContain(
        'Known, and accepted: The request speaks of src/admin/orders.js, and nothing in the repository does.',
      );
    });

    test('edit: the run is canceled, and the ticket is a draft that its author can change and start again', async () => {
      const run = await suspended('C3e');
      await team.ok('decide', run, 'review_findings', 'edit');
      expect((await team.end(run)).status).toBe('canceled');
      expect(team.ticket('C3e')).toMatchObject({ status: 'draft', lock: null, generation: { state: 'canceled' } });
      const edited = team.tickets(
        'edit',
        'C3e',
        'description=Staff should have a list of orders by year, 20 on a page.',
      );
      expect(edited).toMatchObject({ code: 0 });
      const again = await team.run({ ...task('critical', 'C3e'), repository: team.repository });
      expect(stepOf(again, 'preflight').result).toMatchObject({ critical: 0 });
      expect(statusesOf(again)['review_findings']).toBe('skipped');
    });

    test('cancel: the ticket is deleted', async () => {
      const run = await suspended('C3c');
      await team.ok('decide', run, 'review_findings', 'cancel');
      expect((await team.end(run)).status).toBe('canceled');
      expect(team.tickets('show', 'C3c')).toMatchObject({ code: 1, stderr: 'tickets: there is no ticket C3c\n' });
      expect(team.tickets('list').stdout).not.toContain('C3c');
    });
  });

  describe('case 4: suspension, questions', () => {
    async function suspended(id: string): Promise<string> {
      const view = await team.run(task('open', id));
      expect(view.status).toBe('waiting');
      expect(stepOf(view, 'ask').waitsFor).toMatchObject({ kind: 'decision' });
      const ticket = team.ticket(id);
      expect(ticket).toMatchObject({ status: 'suspended-questions', lock: { run: view.id } });
      expect((ticket['questions'] as readonly { id: string }[]).map((question) => question.id)).toEqual([
        'done_when',
        'not_measurable',
        'who',
      ]);
      return view.id;
    }
    const criteria = (id: string): unknown => team.ticket(id)['acceptanceCriteria'];

    test('submit: the answers become criteria, and the draft is as its author has edited it', async () => {
      const run = await suspended('C4s');
      const question = stepOf(await team.view(run), 'ask').waitsFor;
      expect(question).toMatchObject({
        question: { asked: [{ id: 'done_when', type: 'text' }, {}, { options: ['everybody', 'customers', 'staff'] }] },
      });
      const answers = ['--set', 'not_measurable=under 2 seconds', '--set', 'who=customers'];
      const wrong = await team.coord('decide', run, 'ask', 'submit', '--set', 'who=nobody').ended;
      expect(wrong.code).toBe(2);
      const edits = JSON.stringify({ acceptanceCriteria: ['The checkout is one page.'] });
      await team.ok('decide', run, 'ask', 'submit', ...answers, '--edits', edits);
      const view = await team.end(run);
      expect(view.status).toBe('completed');
      expect(statusesOf(view)).toMatchObject({ ask: 'succeeded', refine: 'succeeded' });
      expect(team.ticket('C4s')).toMatchObject({ ...READY, answers: { who: 'customers' } });
      expect(criteria('C4s')).toEqual([
        'The checkout is one page.',
        'What does "faster" mean here, as a number: Under 2 seconds.',
        'Who is it for: Customers.',
      ]);
      expect(team.ticket('C4s')['assumptions']).toContain('Not answered: How will you see that it is done?');
    });

    test('skip: goes on without answers, and refines nothing', async () => {
      const run = await suspended('C4k');
      await team.ok('decide', run, 'ask', 'skip');
      const view = await team.end(run);
      expect(statusesOf(view)).toMatchObject({ ask: 'succeeded', refine: 'skipped', finalize: 'succeeded' });
      expect(criteria('C4k')).toEqual(['Add faster checkout. It works as described.']);
    });
  });

  describe('case 6: indexing in progress', () => {
    /** What the index of the team's repository says from now on. */
    function setIndex(status: string): void {
      const folder = join(team.data, 'index');
      team.index();
      for (const name of readdirSync(folder)) {
        const index = JSON.parse(readFileSync(join(folder, name), 'utf8')) as JsonObject;
        writeFileSync(join(folder, name), JSON.stringify({ ...index, status, done: 3 }));
      }
    }

    test('is said, and waited for', async () => {
      setIndex('indexing');
      const run = await team.begin({ ...task('complete', 'C6w'), repository: team.repository }, ...IMPATIENT);
      await until('the ticket says so', () => {
        const found = team.tickets('show', 'C6w');
        return found.code === 0 && found.stdout.includes('indexing in progress: 3 of 11 files');
      });
      expect(await team.ok('logs', run)).toContain('indexing in progress: 3 of 11 files');
      setIndex('ready');
      const view = await team.end(run);
      expect(view.status).toBe('completed');
      expect(team.ticket('C6w')).toMatchObject({ ...READY, repositoryContext: { source: 'index' } });
    });

    test('is not waited for without end', async () => {
      setIndex('indexing');
      const view = await team.run({ ...task('complete', 'C6d'), repository: team.repository }, ...IMPATIENT);
      expect(view.status).toBe('completed');
      expect(stepOf(view, 'look_at_index')).toMatchObject({
        status: 'failed',
        tolerated: true,
        error: { class: 'LIMIT' },
      });
      expect(statusesOf(view)).toMatchObject({ context: 'skipped', draft: 'succeeded' });
      expect(team.ticket('C6d')).toMatchObject({ ...READY, repositoryContext: null, repositoryPaths: [] });
    });

    test('an index that is missing holds nothing up', async () => {
      rmSync(join(team.data, 'index'), { recursive: true });
      const view = await team.run({ ...task('complete', 'C6m'), repository: team.repository });
      expect(statusesOf(view)).toMatchObject({ look_at_index: 'succeeded', context: 'skipped', finalize: 'succeeded' });
    });
  });

  describe('case 7: race, user edit during the workflow', () => {
    test('an edit of a suspended ticket is refused, and one after it is not', async () => {
      const { id: run } = await team.run(task('open', 'C7'));
      const refused = `tickets: C7 is being generated by run ${run}; wait for it, or cancel it: coord cancel ${run}\n`;
      expect(team.tickets('edit', 'C7', 'title=Mine')).toEqual({ code: 1, stdout: '', stderr: refused });
      await team.ok('decide', run, 'ask', 'skip');
      await team.end(run);
      expect(team.tickets('edit', 'C7', 'title=Mine').code).toBe(0);
      expect(team.ticket('C7')).toMatchObject({ ...READY, title: 'Mine' });
    });

    test('edits all through a run change nothing that it writes', async () => {
      const run = await team.begin(task('complete', 'C7r'));
      let refused = 0;
      const over = team.end(run).then((view) => ({ view }));
      const edit = ['edit', 'C7r', 'acceptanceCriteria=mine', 'description=mine'] as const;
      while ((await Promise.race([over, nextTurn()])) === null)
        if (team.tickets(...edit).stderr.includes('is being generated')) refused++;
      expect((await over).view.status).toBe('completed');
      expect(refused).toBeGreaterThan(0);
      // Whatever was written between the lock and the unlock was written by the run.
      const versions = readdirSync(join(team.data, 'tickets/C7r')).filter((name) => name.endsWith('.json'));
      const written = versions
        .toSorted()
        .map((name) => JSON.parse(readFileSync(join(team.data, 'tickets/C7r', name), 'utf8')));
      const held = written.filter(({ lock }) => lock !== null);
      expect(new Set(held.map(({ description }) => description)).size).toBe(1);
      const saved = held.find(({ status }) => status === 'ready');
      expect(saved.acceptanceCriteria).toContain('A gift coupon gives a discount of the subtotal at most.');
      figure('edits refused during one run', String(refused));
    });

    test('a second run on the same ticket fails, and leaves it to the first', async () => {
      const { id: run } = await team.run(task('open', 'C7s'));
      const second = await team.run(task('open', 'C7s'), '--new');
      expect(second).toMatchObject({ status: 'failed', failure: { step: 'lock', class: 'REJECTED' } });
      expect(stepOf(second, 'lock').error?.message).toContain(`is being generated by run ${run}`);
      expect(team.ticket('C7s')).toMatchObject({ status: 'suspended-questions', lock: { run } });
    });

    test('a run that is canceled leaves the ticket free, and marked', async () => {
      const { id: run } = await team.run(task('open', 'C7c'));
      await team.ok('cancel', run, '--reason', 'no longer wanted');
      expect(team.ticket('C7c')).toMatchObject({ status: 'draft', lock: null, generation: { run, state: 'canceled' } });
    });
  });

  test('what each step came to is told as it comes, by the run and by the ticket: progress', async () => {
    const run = await team.begin(task('open', 'P1'));
    const told = await team.follow(run, 'ask');
    const steps = told.flatMap(({ fact }) => (fact.type === 'step.succeeded' ? [fact.step] : []));
    expect(steps).toEqual(expect.arrayContaining(['intent', 'type', 'preflight', 'draft', 'questions']));
    // Those of the past are told at once when somebody begins to look; the others are those that came meanwhile.
    const late = told.slice(-20).map((one) => one.late);
    const median = late.toSorted((a, b) => a - b)[late.length / 2] ?? 0;
    expect(median).toBeLessThan(500);
    figure('from a fact to who follows the run, median', `${String(median)} ms`);
    expect(await team.ok('show', run)).toMatch(/ask +\(decision\) +waiting/);
    expect(await team.ok('inbox')).toContain('Questions about P1: Add faster checkout');
    expect(await team.ok('eta', run)).toContain('suspended-questions');
    expect(team.tickets('history', 'P1').stdout.trim().split('\n').at(-1)).toMatch(
      /P1 v\d+ suspended-questions step 9 of 11 "Add faster checkout": waits for answers/,
    );
    const view = await team.view(run);
    const kept = view.steps.filter(({ id }) => id.startsWith('keep_'));
    const took = kept.map(({ begunAt, endedAt }) => (endedAt ?? 0) - (begunAt ?? 0)).toSorted((a, b) => a - b);
    expect(took[Math.floor(took.length / 2)]).toBeLessThan(1000);
    figure('writing a step into the ticket, median', `${String(took[Math.floor(took.length / 2)])} ms`);
  });

  test('case 8: data, persistence verification', async () => {
    const before = await team.run({ ...task('open', 'C8'), repository: team.repository });
    const run = before.id;
    await team.ok('decide', run, 'ask', 'submit', '--set', 'who=staff');
    const view = await team.end(run);
    // The engine has every output and the answers, the ticket has what came of them, and they are the same.
    const ticket = team.ticket('C8');
    const result = (id: string): JsonObject => stepOf(view, id).result as JsonObject;
    expect(ticket).toMatchObject({
      intent: result('intent'),
      type: result('type')['type'],
      findings: result('preflight')['findings'],
      questions: result('questions')['questions'],
      answers: { who: 'staff' },
      acceptanceCriteria: result('refine')['acceptanceCriteria'],
      assumptions: result('refine')['assumptions'],
      repositoryPaths: result('refine')['repositoryPaths'],
    });
    expect(stepOf(view, 'ask').result).toMatchObject({ choice: 'submit', data: { who: 'staff' } });
    // The ticket was told of each step, in order.
    const folder = join(team.data, 'tickets/C8');
    const versions = readdirSync(folder)
      .toSorted()
      .map((name) => ({ name, ...JSON.parse(readFileSync(join(folder, name), 'utf8')) }));
    const told = versions.flatMap(({ generation }) => generation?.currentStep ?? []);
    expect(told).toEqual(told.toSorted((a: number, b: number) => a - b));
    expect([...new Set(told)]).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9, 11]);
    // How long after the step: the file is there when the step that writes it has not even reported yet.
    const written = (at: number): number =>
      statSync(join(folder, versions.find(({ generation }) => generation?.currentStep === at).name)).mtimeMs;
    const late = ['intent', 'type', 'preflight'].map(
      (id, index) => written(index + 1) - (stepOf(view, id).endedAt ?? 0),
    );
    expect(Math.max(...late)).toBeLessThan(2000);
    figure('from the end of a step to the ticket, at most', `${Math.max(...late).toFixed(0)} ms`);

    await team.ok('verify', run);
    expect(await team.ok('stats', '--workflow', 'ticket')).toMatch(/^ticket-preflight +\d/m);
    const shown = await team.view(run);
    await team.killAll();
    await team.server.kill();
    await team.server.start();
    await team.work();
    expect(await team.view(run)).toEqual(shown);
    expect(team.ticket('C8')).toEqual(ticket);
  });
});
