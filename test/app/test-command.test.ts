/** `coord test` on a project's files, and a real run recorded and played again. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createApplication } from '../../src/app/application.js';
import { startMemoryEngine } from '../../src/app/memory.js';
import { functionPersona } from '../../src/app/worker.js';
import type { GlobalOptions, Session } from '../../src/cli/application.js';
import { workflowOf } from '../testing/workflow-tests.js';

const WORKFLOW =
  'name: loop\nsteps:\n  - { id: work, persona: engineer }\n  - { id: qa, persona: engineer, dependencies: [work] }\n';

let options: GlobalOptions;
beforeEach(() => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'coord-app-')));
  options = { directory, redis: null, namespace: 'coord' };
  mkdirSync(join(directory, 'workflows/tests'), { recursive: true });
  writeFileSync(join(directory, 'workflows/loop.yml'), WORKFLOW);
});
afterEach(() => rmSync(options.directory, { recursive: true, force: true }));

const request = { files: [], filter: null, seed: null, color: false };

test('runs the test files beside the workflows, and names them as seen from the project', async () => {
  const file = join(options.directory, 'workflows/tests/loop.test.yml');
  writeFileSync(file, 'workflow: loop\ntests: [{ name: ok }, { name: not ok, replies: { qa: fail } }]');
  const told: string[] = [];
  const report = await createApplication().runTests(options, { ...request, tell: ({ name }) => void told.push(name) });
  expect(report.tests.map(({ name, ok, file: named }) => ({ name, ok, named }))).toEqual([
    { name: 'ok', ok: true, named: 'workflows/tests/loop.test.yml' },
    { name: 'not ok', ok: false, named: 'workflows/tests/loop.test.yml' },
  ]);
  expect(told).toEqual(['ok', 'not ok']);
  expect(report.coverage).toMatchObject([{ workflow: 'loop', missed: ['work: never fails'] }]);
});

test('says where it looked when there are none', async () => {
  await expect(createApplication().runTests(options, request)).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(join(options.directory, 'workflows')) as unknown,
  });
});

test('records a run, and plays it on the workflow as it is now', async () => {
  const replies = [{ made: 'cart' }, { passed: 9 }];
  const engineer = functionPersona({
    name: 'engineer',
    run: () => ({ status: 'pass', result: replies.shift() ?? null }),
  });
  const engine = await startMemoryEngine({ personas: [engineer], stateDirectory: join(options.directory, '.coord') });
  try {
    const { client } = engine;
    const { run } = await client.start({ ...workflowOf(WORKFLOW), task: { title: 'Cart' }, workspace: null });
    for await (const fact of client.follow(run, new AbortController().signal)) expect(fact.run).toBe(run);
    const session: Pick<Session, 'client'> = { client };
    const app = createApplication();
    const text = await app.recordTest(session, run);
    expect(text).toContain('workflow: loop');
    expect(text).toContain('made: cart');
    const replay = async (): Promise<readonly boolean[]> =>
      (await app.replayRun(session, options, run)).tests.map(({ ok }) => ok);
    expect(await replay()).toEqual([true]);
    writeFileSync(
      join(options.directory, 'workflows/loop.yml'),
      WORKFLOW.replace('dependencies', `condition: "task.title === 'Shop'", dependencies`),
    );
    expect(await replay()).toEqual([false]);
  } finally {
    await engine.stop();
  }
});
