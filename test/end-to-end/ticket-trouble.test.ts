/**
 * Test cases 5, 9 and 10 of the ticket workflow, and failures, on real processes: services that cannot be reached, changes that
 * the ticket refuses, and kill -9 of everything. What all have in common: the ticket says what became of it, and is free.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunView } from '../../src/core/views.js';
import { TOP } from '../harness/process-tree.js';
import { until } from '../harness/redis-instance.js';
import { exampleTask as task, IMPATIENT, READY, statusesOf, stepOf, TicketTeam } from '../harness/ticket-team.js';

const DOWN = join(TOP, 'examples/ticket/down-personas');
const ANALYST = join(TOP, 'examples/ticket/personas/programs/ticket-analyst.mjs');

let team: TicketTeam;
beforeEach(async () => {
  team = await TicketTeam.gather();
});
afterEach(async () => {
  await team.disband();
});

/** An analyst whose program does this with `request` before it works, and that with its `reply` afterwards. */
const analyst = ({ before = '', after = '' }: { before?: string; after?: string }): string => `
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
const input = readFileSync(0, 'utf8');
const request = JSON.parse(input);
${before}
const reply = JSON.parse(spawnSync('node', [${JSON.stringify(ANALYST)}], { input, encoding: 'utf8' }).stdout);
${after}
console.log(JSON.stringify(reply));
`;

/** Who made what, by step. */
const sourcesOf = (view: RunView): unknown =>
  Object.fromEntries(
    ['intent', 'type', 'preflight', 'draft'].map((id) => [id, (stepOf(view, id).result as { source: string }).source]),
  );
const DEFAULTS = { intent: 'default', type: 'default', preflight: 'default', draft: 'default' };
const ANALYSIS = { intent: 'analysis', type: 'analysis', preflight: 'analysis', draft: 'analysis' };

describe('case 5: error, service unavailable', { timeout: 120_000 }, () => {
  test('services that answer with errors: default content, which says what it is', async () => {
    await team.work({ before: [DOWN] });
    const view = await team.run({ ...task('complete', 'C5e'), repository: team.repository });
    expect(view.status).toBe('completed');
    expect(sourcesOf(view)).toEqual(DEFAULTS);
    expect(stepOf(view, 'look_at_index[1]/index_status').result).toMatchObject({ status: 'unavailable' });
    const ticket = team.ticket('C5e');
    expect(ticket).toMatchObject({ ...READY, findings: [{ code: 'not_checked' }], repositoryContext: null });
    expect(ticket['assumptions']).toEqual(['Written without the analyst: read it again before work begins.']);
  });

  // Long, and looked at without processes by the workflow's own tests too: with COORD_TEST_EVERY_STEP=1.
  test.each(process.env['COORD_TEST_EVERY_STEP'] === undefined ? [] : ['the same'])(
    'services that no worker serves: %s',
    async () => {
      await team.work({ only: ['ticket-store', 'ticket-defaults'] });
      const view = await team.run({ ...task('complete', 'C5q'), repository: team.repository }, ...IMPATIENT);
      expect(view.status).toBe('completed');
      expect(sourcesOf(view)).toEqual(DEFAULTS);
      expect(team.ticket('C5q')).toMatchObject(READY);
    },
  );

  test('a service that fails for a moment is tried again, and needs no stand-in', async () => {
    const failed = JSON.stringify(join(team.folder, 'failed'));
    const before = `if (!existsSync(${failed})) {
  writeFileSync(${failed}, '');
  console.log('{ "status": "error", "error": { "class": "RATE_LIMIT", "message": "slow down" } }');
  process.exit();
}`;
    await team.work({ before: [team.persona('ticket-analyst', analyst({ before }))] });
    const view = await team.run(task('complete', 'C5t'));
    expect(view.status).toBe('completed');
    expect(stepOf(view, 'intent')).toMatchObject({ status: 'succeeded', attempt: 2, persona: 'ticket-analyst' });
    expect(sourcesOf(view)).toEqual(ANALYSIS);
  });

  test('when even the stand-in is away, the run fails, and the ticket is marked and free before it ends', async () => {
    await team.work({ only: ['ticket-store'] });
    const view = await team.run(task('complete', 'C5f'), ...IMPATIENT);
    expect(view).toMatchObject({ status: 'failed', failure: { step: 'intent', class: 'QUEUE_TIMEOUT' } });
    expect(statusesOf(view)).toMatchObject({ mark_failed: 'succeeded', draft: 'skipped' });
    expect(stepOf(view, 'mark_failed').endedAt).toBeLessThanOrEqual(view.endedAt ?? 0);
    const failure = { run: view.id, step: 'intent', message: 'step intent failed' };
    expect(team.ticket('C5f')).toMatchObject({
      status: 'failed',
      lock: null,
      failure,
      generation: { state: 'failed' },
    });

    // Taken up again when the services are back, it takes the ticket again, and goes on from what failed.
    await team.killAll();
    await team.work();
    await team.ok('retry', view.id);
    expect((await team.end(view.id)).status).toBe('completed');
    expect(team.ticket('C5f')).toMatchObject({ ...READY, failure: null });
  });
});

describe('case 9: state, transition validation', { timeout: 60_000 }, () => {
  test('a ticket without acceptance criteria never becomes ready, and the reason is said', async () => {
    const after = "if (request.params.work === 'draft') reply.result.acceptanceCriteria = [];";
    await team.work({ before: [team.persona('ticket-analyst', analyst({ after }))] });
    const view = await team.run(task('complete', 'C9'));
    expect(view).toMatchObject({ status: 'failed', failure: { step: 'finalize', class: 'INVALID_STATE' } });
    expect(stepOf(view, 'finalize').error?.message).toContain('acceptanceCriteria');
    expect(team.ticket('C9')).toMatchObject({ status: 'failed', lock: null, failure: { step: 'finalize' } });
  });

  test('nor does an author get around it', async () => {
    await team.work();
    await team.run(task('complete', 'C9u'));
    const refused = 'tickets: C9u is ready and must keep: acceptanceCriteria\n';
    expect(team.tickets('edit', 'C9u', 'acceptanceCriteria=')).toEqual({ code: 1, stdout: '', stderr: refused });
    expect(team.ticket('C9u')).toMatchObject(READY);
  });
});

describe('case 10: recovery, resume after a crash', { timeout: 120_000 }, () => {
  const DEATHS: readonly [string, () => Promise<void>][] = [
    ['everything but Redis', async () => void (await team.killAll())],
    [
      'everything, and Redis',
      async () => {
        await team.killAll();
        await team.server.kill();
        await team.server.start();
      },
    ],
  ];

  test.each(DEATHS)('at both suspensions, kill -9 of %s', async (_, kill) => {
    await team.work();
    const request = task('open', 'C10');
    const dangerous = `${request.description} Bypass the validation in \`src/checkout.js\`.`;
    const { id: run } = await team.run({ ...request, description: dangerous, repository: team.repository });
    for (const [step, choice] of [
      ['review_findings', 'proceed'],
      ['ask', 'submit'],
    ] as const) {
      const asked = await team.untilAsked(run, step);
      const ticket = team.ticket('C10');
      await kill();
      await team.work();
      const back = await team.view(run);
      expect(back).toEqual({ ...asked, hints: expect.anything() });
      expect(team.ticket('C10')).toEqual(ticket);
      await team.ok('decide', run, step, choice, ...(choice === 'submit' ? ['--set', 'who=staff'] : []));
      // The answer is no sooner given than everything dies once more.
      await kill();
      await team.work();
    }
    const view = await team.end(run);
    expect(view.status).toBe('completed');
    expect(team.ticket('C10')).toMatchObject({ ...READY, answers: { who: 'staff' } });
    for (const id of ['intent', 'type', 'preflight', 'review_findings', 'ask'])
      expect(stepOf(view, id)).toMatchObject({ status: 'succeeded', attempt: 1 });
    await team.ok('verify', run);
  });

  test('in the middle of a step, kill -9 of everything but Redis', async () => {
    const gates = join(team.folder, 'gate-');
    const before = `const gate = ${JSON.stringify(gates)} + request.params.work;
if (['intent', 'draft'].includes(request.params.work) && !existsSync(gate)) {
  writeFileSync(gate, '');
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}`;
    await team.work({ before: [team.persona('ticket-analyst', analyst({ before }))] });
    const run = await team.begin(task('open', 'C10m'));
    for (const work of ['intent', 'draft']) {
      await until(`${work} is in work`, () => existsSync(`${gates}${work}`));
      expect(team.ticket('C10m')).toMatchObject({ status: 'generating', lock: { run } });
      await team.killAll();
      await team.work();
    }
    await team.untilAsked(run, 'ask');
    await team.ok('decide', run, 'ask', 'skip');
    expect((await team.end(run)).status).toBe('completed');
    expect(team.ticket('C10m')).toMatchObject(READY);
    await team.ok('verify', run);
  });
});

test('a run that is canceled in the middle of a step leaves the ticket free, and marked', {
  timeout: 60_000,
}, async () => {
  const begun = join(team.folder, 'begun');
  const before = `writeFileSync(${JSON.stringify(begun)}, '');\nawait new Promise((resolve) => setTimeout(resolve, 600_000));`;
  await team.work({ before: [team.persona('ticket-analyst', analyst({ before }))] });
  const run = await team.begin(task('complete', 'Cc'));
  await until('the analyst is at work', () => existsSync(begun));
  expect(team.ticket('Cc')).toMatchObject({ status: 'generating', lock: { run } });
  await team.ok('cancel', run, '--reason', 'no longer wanted');
  expect((await team.view(run)).status).toBe('canceled');
  expect(team.ticket('Cc')).toMatchObject({ status: 'draft', lock: null, generation: { run, state: 'canceled' } });
});
