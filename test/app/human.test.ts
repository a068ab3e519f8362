/** A person as a persona, from the question to the end of the run. */
import { afterEach, expect, test } from 'vitest';
import { startMemoryEngine, type MemoryEngine } from '../../src/app/memory.js';
import type { HumanPersona } from '../../src/personas/persona.js';
import { step, workflow } from '../harness/definitions.js';
import { aFolder } from '../personas/requests.js';

let engine: MemoryEngine;
afterEach(() => engine.stop());

const LEAD: HumanPersona = {
  kind: 'human',
  name: 'worker',
  description: '',
  prompt: 'Look at the changes.',
  file: null,
  concurrency: 1,
  tools: [],
  model: null,
  questions: [{ id: 'version', ask: 'Which version?' }],
  verdict: true,
};

/** Starts a run of one step that asks, and answers as soon as there is a question. */
async function answered(data: {
  readonly verdict: string;
  readonly version: string;
  readonly reason: string;
}): ReturnType<MemoryEngine['client']['get']> {
  engine = await startMemoryEngine({ personas: [LEAD], stateDirectory: aFolder() });
  const { client } = engine;
  const { run } = await client.start({ definition: workflow([step('ask')]), task: {}, workspace: null, inner: [] });
  const over = new AbortController();
  for await (const fact of client.follow(run, over.signal)) {
    if (fact.type === 'step.waiting') await client.decide(run, { step: 'ask', choice: 'answer', data, by: 'ada' });
    if (fact.type.startsWith('run.') && fact.type !== 'run.started') over.abort();
  }
  return await client.get(run);
}

test('whose answers are the result of the step', async () => {
  const view = await answered({ verdict: 'pass', version: '2.0', reason: 'fine' });
  expect(view).toMatchObject({ status: 'completed' });
  expect(view.steps[0]).toMatchObject({ result: { answers: { verdict: 'pass', version: '2.0', reason: 'fine' } } });
});

test('whose no fails the step', async () => {
  const view = await answered({ verdict: 'fail', version: '2.0', reason: 'no test' });
  expect(view).toMatchObject({ status: 'failed' });
  expect(view.steps[0]).toMatchObject({ error: { class: 'REJECTED', message: 'no test' } });
});
