/** Why a step waits whose persona's endpoint is in trouble. */
import { afterEach, expect, test } from 'vitest';
import { tellCause } from '../../src/cli/render/cause-words.js';
import { step, workflow } from '../harness/definitions.js';
import { codesAt, rootOf, WhyScene } from './why-scene.js';

const CALL = { persona: 'worker', endpoint: 'https://x/v1', worker: 'w1', waitMs: 0 };
const POLICY = { failures: 5, windowMs: 60_000, coolDownMs: 40_000, longestMs: 60_000, probeMs: 15_000 };

let scene: WhyScene;
afterEach(() => scene.hall.close());

test('a step whose endpoint has failed says so, since when, and when it is tried again', async () => {
  scene = new WhyScene();
  const { clock, store } = scene.hall;
  const run = await scene.started(workflow([step('a')]));
  await scene.stepIs(run, 'a', 'queued');
  await scene.announce(0);
  const fail = async (): Promise<void> =>
    void (await store.breakers.told({ ...CALL, probe: false, outcome: 'failed', message: 'down', policy: POLICY }));
  for (let count = 1; count < 5; count++) await fail();
  // Failures that have opened nothing hold up nobody.
  expect(codesAt(await scene.observer.why(run), 'a')).toEqual(['queued']);
  await fail();
  await scene.announce(0);
  const open = await scene.observer.why(run);
  expect(codesAt(open, 'a')).toEqual(['breaker']);
  const cause = rootOf(open);
  if (cause === undefined) throw new Error('no cause');
  expect(cause).toMatchObject({
    persona: 'worker',
    endpoint: 'https://x/v1',
    failures: 5,
    message: 'down',
    probe: null,
  });
  expect(tellCause(cause, open.now)).toEqual({
    text: expect.stringMatching(
      /^step a waits for persona worker: its endpoint https:\/\/x\/v1 has failed 5 times in a row, first .* \(down\); tried again in 40 ?s$/,
    ) as string,
    next: ['coord doctor'],
  });
  clock.advance(40_000);
  await scene.announce(0);
  expect(await store.breakers.enter({ ...CALL, probeMs: 60_000 })).toBe('probe');
  const probing = rootOf(await scene.observer.why(run));
  expect(probing).toMatchObject({ code: 'breaker', retryAt: null, probe: 'w1' });
  await store.breakers.told({ ...CALL, probe: true, outcome: 'ok', message: '', policy: POLICY });
  expect(codesAt(await scene.observer.why(run), 'a')).toEqual(['queued']);
});
