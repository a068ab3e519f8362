/** Runs that stand still for long: nobody is there for a week, and nothing of what was done before is done again. */
import { expect, test } from 'vitest';
import { Operator } from '../../src/coordinator/client-operator.js';
import { randomIds } from '../../src/core/ids.js';
import type { RunStatus } from '../../src/core/statuses.js';
import { decision, step, wait, workflow } from '../harness/definitions.js';
import { Hall } from './hall.js';

const DAY_MS = 86_400_000;
const RUNS = 50;
const PASS = '{"status":"pass"}';

/** The run's own time allows five days, and one step waits for three. */
const DEFINITION = workflow(
  [
    step('before'),
    decision('ok', { dependencies: ['before'] }),
    wait('cooling', { dependencies: ['before'], duration: '3d' }),
    step('after', { dependencies: ['ok', 'cooling'] }),
  ],
  { timeout: '5d' },
);

test('a pause of a week, of which nothing lived, costs a run neither time nor work', async () => {
  const hall = new Hall();
  const first = hall.coordinator('first');
  const operator = new Operator({ store: hall.store, partitions: 1, clock: hall.clock, ids: randomIds });
  const asked: string[] = [];
  const work = async (name: string): Promise<void> => {
    for (let index = 0; index < RUNS; index++) {
      const taken = await hall.take('worker');
      expect(taken.request.step).toBe(name);
      expect(await taken.begin()).toBe('go');
      expect(await hall.store.requests.reply(taken.key, { body: PASS })).toBe('ok');
      asked.push(`${taken.request.run} ${name}`);
    }
  };
  const all = async (status: RunStatus): Promise<boolean> =>
    (await hall.client.list({ statuses: [status], limit: RUNS })).length === RUNS;

  const starts = Array.from({ length: RUNS }, () =>
    hall.client.start({ definition: DEFINITION, task: {}, workspace: null }),
  );
  const runs = (await hall.during(Promise.all(starts))).map(({ run }) => run);
  await work('before');
  await hall.until('all wait', () => all('waiting'));
  for (const run of runs) await operator.steer(run, { kind: 'pause', reason: 'a freeze', by: 'ada' });
  await hall.until('all are paused', () => all('paused'));
  first.kill();

  hall.clock.advance(7 * DAY_MS);
  hall.coordinator('second');
  for (const run of runs) await hall.client.decide(run, { step: 'ok', choice: 'approve', by: 'ada' });
  await hall.until('all have heard it', async () => {
    const heard = await Promise.all(runs.map((run) => hall.facts(run, 'decision.answered')));
    return heard.every((facts) => facts.length === 1);
  });
  expect(await all('paused')).toBe(true);
  for (const run of runs) await operator.steer(run, { kind: 'resume', by: 'ada' });
  await work('after');
  await hall.until('all are completed', () => all('completed'));
  expect(new Set(asked).size).toBe(2 * RUNS);
  for await (const { problems } of operator.verify(await operator.runs())) expect(problems).toEqual([]);
  await hall.close();
});
