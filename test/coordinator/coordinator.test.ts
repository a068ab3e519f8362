import { afterEach, describe, expect, test } from 'vitest';
import { Client } from '../../src/coordinator/client.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import { systemClock } from '../../src/core/clock.js';
import type { Fact } from '../../src/core/facts.js';
import { randomIds } from '../../src/core/ids.js';
import { personaRequestSchema, type PersonaReply, type PersonaRequest } from '../../src/core/exchange.js';
import type { Store } from '../../src/core/ports.js';
import { createMemoryStore } from '../../src/memory/store.js';
import { definitionHash } from '../../src/definition/workflow.js';
import { decision, emit, inner, step, wait, workflow } from '../harness/definitions.js';

const PASS: PersonaReply = { status: 'pass', result: null, artifacts: [], error: null, commit: null };

describe('Coordinator', () => {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  function setUp(): { store: Store; client: Client } {
    const store = createMemoryStore({ clock: systemClock, ids: randomIds });
    const coordinator = new Coordinator({
      store,
      partitions: 1,
      clock: systemClock,
      ids: randomIds,
      name: 'test',
      report: () => undefined,
    });
    coordinator.start();
    stops.push(() => coordinator.stop());
    return { store, client: new Client({ store, partitions: 1, clock: systemClock, ids: randomIds }) };
  }

  /** Answers every request with what `answer` says until the test ends. */
  function serve(store: Store, answer: (request: PersonaRequest) => PersonaReply): void {
    const stop = new AbortController();
    const loop = (async () => {
      while (!stop.signal.aborted) {
        const taken = await store.requests.take({
          partition: 0,
          worker: 'w',
          personas: ['worker'],
          limit: 10,
          total: 10,
          recover: false,
          waitMs: 1_000,
          signal: stop.signal,
        });
        for (const { entry, persona, partition, body } of taken) {
          const request = personaRequestSchema.parse(JSON.parse(body));
          const key = {
            partition,
            run: request.run,
            step: request.step,
            attempt: request.attempt,
            token: request.token,
            worker: 'w',
          };
          if (
            (await store.requests.begin(key, { persona, entry, heartbeatMs: 10_000, timeoutMs: request.timeoutMs })) !==
            'go'
          )
            continue;
          await store.requests.reply(key, { body: JSON.stringify(answer(request)) });
        }
      }
    })();
    stops.push(async () => {
      stop.abort();
      await loop;
    });
  }

  async function untilEnded(client: Client, run: string): Promise<Fact[]> {
    const facts: Fact[] = [];
    for await (const fact of client.follow(run, new AbortController().signal)) facts.push(fact);
    return facts;
  }

  test('runs the steps in the order of their dependencies and completes', async () => {
    const { store, client } = setUp();
    const order: string[] = [];
    serve(store, (request) => {
      order.push(request.step);
      return { ...PASS, result: { from: request.step } };
    });
    const definition = workflow([step('a'), step('b', { dependencies: ['a'] }), step('c', { dependencies: ['b'] })]);
    const { run } = await client.start({ definition, task: {}, workspace: null });
    await untilEnded(client, run);
    expect(order).toEqual(['a', 'b', 'c']);
    const view = await client.get(run);
    expect(view.status).toBe('completed');
    expect(view.steps.map(({ status, result }) => ({ status, result }))).toEqual([
      { status: 'succeeded', result: { from: 'a' } },
      { status: 'succeeded', result: { from: 'b' } },
      { status: 'succeeded', result: { from: 'c' } },
    ]);
    const history = await client.history(run);
    expect(history.map((fact) => fact.type)).toEqual([
      'run.started',
      'step.queued',
      'step.working',
      'step.succeeded',
      'step.queued',
      'step.working',
      'step.succeeded',
      'step.queued',
      'step.working',
      'step.succeeded',
      'run.completed',
    ]);
  });

  test('what a task cannot fill, or is too large, is refused before there is a run', async () => {
    const { client } = setUp();
    const definition = { ...workflow([step('a')]), variables: { project: '{{task.project}}' } };
    await expect(client.start({ definition, task: {}, workspace: null })).rejects.toMatchObject({
      code: 'EXPRESSION_FAILED',
      message: expect.stringContaining('project'),
    });
    const task = { project: 'x'.repeat(300_000) };
    await expect(client.start({ definition, task, workspace: null })).rejects.toMatchObject({ code: 'TASK_INVALID' });
    expect(await client.list()).toEqual([]);
  });

  test('one idempotency key starts one run of each workflow', async () => {
    const { client } = setUp();
    const start = (name: string): ReturnType<Client['start']> =>
      client.start({ definition: { ...workflow([step('a')]), name }, task: {}, workspace: null, idempotencyKey: 'k' });
    const [one, two, again] = [await start('one'), await start('two'), await start('one')];
    expect([one.created, two.created, again]).toEqual([true, true, { run: one.run, created: false }]);
  });

  test('a fail verdict fails the run there and skips what depends on it', async () => {
    const { store, client } = setUp();
    serve(store, (request) =>
      request.step === 'qa'
        ? { ...PASS, status: 'fail', error: { class: 'REJECTED', message: '2 tests failed' } }
        : PASS,
    );
    const definition = workflow([
      step('build'),
      step('qa', { dependencies: ['build'] }),
      step('review', { dependencies: ['qa'], condition: "context.state.get('qa_status') === 'pass'" }),
    ]);
    const { run } = await client.start({ definition, task: {}, workspace: null });
    await untilEnded(client, run);
    const view = await client.get(run);
    expect(view.status).toBe('failed');
    expect(view.failure).toEqual({ step: 'qa', class: 'REJECTED', message: '2 tests failed' });
    expect(view.steps.map((row) => row.status)).toEqual(['succeeded', 'failed', 'skipped']);
  });

  async function untilFact(client: Client, run: string, type: Fact['type']): Promise<Fact | undefined> {
    for await (const fact of client.follow(run, new AbortController().signal)) if (fact.type === type) return fact;
    return undefined;
  }

  test('a run inside a run: its own history, its result comes up, and its tree shares the partition', async () => {
    const { store, client } = setUp();
    serve(store, (request) => ({ ...PASS, result: `${request.workflow}/${request.step}` }));
    const small = { ...workflow([step('one')]), name: 'small' };
    const definition = workflow([
      inner('deploy', 'small', { definition: definitionHash(small), task: { env: '{{ task.env }}' } }),
    ]);
    const started = await client.start({ definition, inner: [small], task: { env: 'prod' }, workspace: null });
    await untilEnded(client, started.run);
    const view = await client.get(started.run);
    expect(view).toMatchObject({ status: 'completed', result: 'small/one' });
    const within = view.steps[0]?.run ?? '';
    expect(await client.get(within)).toMatchObject({
      status: 'completed',
      task: { env: 'prod' },
      parent: { run: started.run, step: 'deploy' },
    });
    expect((await client.history(within)).map(({ type }) => type)).toContain('run.completed');
  });

  test('cancel goes down to the runs inside', async () => {
    const { client } = setUp();
    const small = { ...workflow([step('one')]), name: 'small' };
    const definition = workflow([inner('deploy', 'small', { definition: definitionHash(small) })]);
    const { run } = await client.start({ definition, inner: [small], task: {}, workspace: null });
    await untilFact(client, run, 'step.opened');
    await client.cancel(run, { reason: 'enough', by: 'ada' });
    await untilEnded(client, run);
    const within = (await client.get(run)).steps[0]?.run ?? '';
    await untilEnded(client, within);
    expect(await client.get(within)).toMatchObject({ status: 'canceled', canceled: { by: `run ${run}` } });
  });

  test('a run inside that could not be loaded is refused before there is a run', async () => {
    const { client } = setUp();
    const definition = workflow([inner('deploy', 'small', { definition: 'f'.repeat(64) })]);
    await expect(client.start({ definition, task: {}, workspace: null })).rejects.toMatchObject({
      code: 'DEFINITION_MISSING',
      message: expect.stringContaining('step "deploy"'),
    });
    expect(await client.list()).toEqual([]);
  });

  test('runs with one key take turns, in the order they came, also when one is canceled before its turn', async () => {
    const { store, client } = setUp();
    const concurrency = { key: 'repo-{{ task.repo }}', limit: 1 };
    const definition = workflow([wait('hold', { signal: 'go' }), step('work', { dependencies: ['hold'] })], {
      concurrency,
    });
    const start = async (repo: string): Promise<string> =>
      (await client.start({ definition, task: { repo }, workspace: null })).run;
    const [first, second, third, other] = [await start('x'), await start('x'), await start('x'), await start('y')];
    await untilFact(client, first, 'step.waiting');
    await untilFact(client, other, 'step.waiting');
    expect(await client.get(second)).toMatchObject({ status: 'pending', slot: { key: 'repo-x', limit: 1 } });
    await client.cancel(second, { reason: 'no', by: 'ada' });
    await untilEnded(client, second);
    serve(store, () => PASS);
    await client.signal(first, { name: 'go', by: 'ada' });
    await untilEnded(client, first);
    await untilFact(client, third, 'step.waiting');
    expect((await client.get(third)).status).toBe('waiting');
    await client.signal(third, { name: 'go', by: 'ada' });
    await untilEnded(client, third);
    expect((await client.get(third)).status).toBe('completed');
  });

  test('an answer is checked before it is sent, counts once, and stands in the history with who gave it', async () => {
    const { client } = setUp();
    const { run } = await client.start({ definition: workflow([decision('ok')]), task: {}, workspace: null });
    await untilFact(client, run, 'step.waiting');
    await expect(client.decide(run, { step: 'ok', choice: 'aprove', by: 'ada' })).rejects.toMatchObject({
      code: 'DECISION_REFUSED',
      message: expect.stringContaining('Did you mean "approve"?'),
    });
    const answer = { step: 'ok', choice: 'approve', data: { note: 'fine' }, by: 'ada', idempotencyKey: 'k' };
    await client.decide(run, answer);
    const facts = await untilEnded(client, run);
    await client.decide(run, answer);
    expect(facts).toContainEqual(
      expect.objectContaining({ type: 'decision.answered', choice: 'approve', data: { note: 'fine' }, by: 'ada' }),
    );
    await expect(client.decide(run, { step: 'ok', choice: 'reject', by: 'bob' })).rejects.toMatchObject({
      code: 'DECISION_REFUSED',
      message: expect.stringMatching(/answered already.*; ada answered "approve" at 20\d\d-/),
    });
  });

  test('a signal that no record should hold is refused', async () => {
    const { client } = setUp();
    const { run } = await client.start({
      definition: workflow([wait('w', { signal: 'go' })]),
      task: {},
      workspace: null,
    });
    const data = 'x'.repeat(70_000);
    await expect(client.signal(run, { name: 'go', data, by: 'ada' })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('more than 65536'),
    });
  });

  test('a task that does not fit the input schema is refused with every reason', async () => {
    const { client } = setUp();
    const input = { type: 'object', required: ['title'], properties: { title: { type: 'string' } } };
    const definition = workflow([step('a')], { input });
    await expect(client.start({ definition, task: { title: 3 }, workspace: null })).rejects.toMatchObject({
      code: 'TASK_INVALID',
      message: expect.stringContaining('title'),
    });
  });

  test('events of all runs are told from now on, by name when one is wanted', async () => {
    const { client } = setUp();
    const stop = new AbortController();
    const events = client.events(stop.signal, 'phase.completed');
    const told = events.next();
    const definition = workflow([
      emit('other', 'else'),
      emit('told', 'phase.completed', { data: { phase: '{{ task.phase }}' } }),
    ]);
    const { run } = await client.start({ definition, task: { phase: 'planning' }, workspace: null });
    expect((await told).value).toMatchObject({
      run,
      step: 'told',
      event: 'phase.completed',
      data: { phase: 'planning' },
    });
    const end = events.next();
    stop.abort();
    expect((await end).done).toBe(true);
  });
});
