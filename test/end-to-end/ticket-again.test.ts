/**
 * The ticket workflow again from each of its steps, on real processes: `coord restart` takes the run up, `coord fork` starts
 * another one. What ran again is counted by attempts, and by what was written into the ticket.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunView } from '../../src/core/views.js';
import { exampleTask as task, READY, statusesOf, stepOf, TicketTeam } from '../harness/ticket-team.js';

let team: TicketTeam;
beforeAll(async () => {
  team = await TicketTeam.gather();
  team.index();
  await team.work();
});
afterAll(async () => {
  await team.disband();
});

/** Steps of the story in their order, what brackets them, and what is written down of each. */
const CHAIN = [
  ['open'],
  ['lock', 'hold'],
  ['intent', 'keep_intent'],
  ['type', 'keep_type'],
  ['preflight', 'keep_findings'],
  ['review'],
  ['look_at_index', 'look_at_index[1]/index_status'],
  ['context', 'keep_context'],
  ['api_context', 'keep_api_context'],
  ['draft', 'keep_draft'],
  ['questions', 'keep_questions'],
  ['clarify'],
  ['refine'],
  ['finalize'],
  ['unlock'],
];
const starts = CHAIN.map(([step]) => step ?? '');
/** A few of them; with COORD_TEST_EVERY_STEP=1 from each. */
const tried = starts.filter(
  (step) => process.env['COORD_TEST_EVERY_STEP'] !== undefined || ['preflight', 'clarify'].includes(step),
);
const from = (step: string): readonly string[] => CHAIN.slice(starts.indexOf(step)).flat();

/** By step, how often it was tried; blocks and what was skipped are left out. */
const attemptsOf = ({ steps }: RunView): Readonly<Record<string, number>> =>
  Object.fromEntries(
    steps.filter(({ persona, attempt }) => persona !== '' && attempt > 0).map(({ id, attempt }) => [id, attempt]),
  );

describe('restart --from a step of a completed run', () => {
  let before: RunView;
  beforeAll(async () => {
    before = await team.run({ ...task('complete', 'R1'), repository: team.repository });
  }, 60_000);

  test.each(tried)('%s', { timeout: 60_000 }, async (step) => {
    await team.ok('restart', before.id, '--from', step, '--reason', 'once more');
    const after = await team.end(before.id);
    expect(after.status).toBe('completed');
    const again = from(step).filter((id) => id in attemptsOf(before));
    expect(attemptsOf(after)).toEqual({
      ...attemptsOf(before),
      ...Object.fromEntries(again.map((id) => [id, (attemptsOf(before)[id] ?? 0) + 1])),
    });
    const ticket = team.ticket('R1');
    expect(ticket).toMatchObject(READY);
    expect(ticket['acceptanceCriteria']).toEqual((after.result as { acceptanceCriteria: unknown }).acceptanceCriteria);
    before = after;
  });
});

describe('fork --from a step of a completed run', () => {
  let source: RunView;
  beforeAll(async () => {
    source = await team.run({ ...task('complete', 'F1'), repository: team.repository });
  }, 60_000);

  test.each(tried)('%s', { timeout: 60_000 }, async (step) => {
    const run = /run (\S+) from step/.exec(await team.ok('fork', source.id, '--from', step))?.[1] ?? '';
    const forked = await team.end(run);
    expect(forked.status).toBe('completed');
    // What is before it stands there as it was; what comes after it was asked anew.
    const again = from(step).filter((id) => id in attemptsOf(source));
    const asked = Object.keys(attemptsOf(source)).filter(
      (id) => stepOf(forked, id).endedAt !== stepOf(source, id).endedAt,
    );
    expect(asked.toSorted()).toEqual(again.toSorted());
    expect(team.ticket('F1')).toMatchObject(READY);
    // Nothing is written by the last step, which only gives the ticket back.
    expect(team.ticket('F1').generation?.run === run).toBe(step !== 'unlock');
    expect(attemptsOf(await team.view(source.id))).toEqual(attemptsOf(source));
  });
});

test('restart --from a question asks again, and takes the other answer', { timeout: 60_000 }, async () => {
  const { id: run } = await team.run(task('open', 'R2'));
  await team.ok('decide', run, 'ask', 'skip');
  const skipped = await team.end(run);
  expect(statusesOf(skipped)).toMatchObject({ refine: 'skipped' });
  await team.ok('restart', run, '--from', 'ask');
  await team.untilAsked(run, 'ask');
  await team.ok('decide', run, 'ask', 'submit', '--set', 'who=staff');
  const view = await team.end(run);
  expect(statusesOf(view)).toMatchObject({ refine: 'succeeded' });
  expect(attemptsOf(view)).toMatchObject({
    draft: 1,
    questions: 1,
    suspend_for_questions: 1,
    go_on_after_questions: 2,
    finalize: 2,
  });
  expect(team.ticket('R2')).toMatchObject({ ...READY, answers: { who: 'staff' } });
});

test('a fork of a run that holds the ticket fails at its first write, and takes nothing away', {
  timeout: 60_000,
}, async () => {
  const { id: run } = await team.run(task('open', 'F2'));
  const forked = /run (\S+) from step/.exec(await team.ok('fork', run, '--from', 'clarify'))?.[1] ?? '';
  const view = await team.end(forked);
  expect(view).toMatchObject({ status: 'failed', failure: { step: 'suspend_for_questions', class: 'REJECTED' } });
  expect(team.ticket('F2')).toMatchObject({ status: 'suspended-questions', lock: { run } });
});
