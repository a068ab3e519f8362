/** Runs as earlier versions left them in Redis are read, continued and brought to their end: for ever, see record.mjs. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Operator } from '../../src/coordinator/client-operator.js';
import { partitionOf } from '../../src/core/ids.js';
import { sha256 } from '../../src/core/json.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';
import { factsOf, hashOf, type Recorded, recordedRuns, restore } from './load.js';
import { Revival } from './revival.js';

let server: TestServer;
let redis: Redis;
beforeAll(async () => {
  server = await startTestServer();
  redis = new Redis(server.server.socket);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

async function revive(recorded: Recorded, body: (revival: Revival) => Promise<void>): Promise<void> {
  await restore(redis, recorded);
  const revival = await Revival.open(server.server.socket, recorded);
  try {
    await body(revival);
  } finally {
    await revival.stop();
  }
}

async function expectAsRecorded({ client }: Revival, recorded: Recorded): Promise<void> {
  for (const { run, view } of Object.values(recorded.runs)) {
    // What a view says of a run may become more, never other.
    expect(await client.get(run)).toMatchObject(view);
    expect(await client.history(run)).toEqual(factsOf(recorded, run));
  }
}

const all = recordedRuns();

test('what is recorded together has every status of a run, and of a step, that format 2 knows', () => {
  const views = all.filter(({ format }) => format === 2).flatMap(({ runs }) => Object.values(runs));
  const runs = new Set(views.map(({ view }) => (view.quarantined === null ? view.status : 'set aside')));
  const ended = ['completed', 'failed', 'canceled'];
  expect([...runs].toSorted()).toEqual(
    ['compensating', 'pending', 'running', 'set aside', 'waiting', ...ended].toSorted(),
  );
  const steps = new Set(views.flatMap(({ view }) => view.steps).map(({ status }) => status));
  expect([...steps].toSorted()).toEqual(
    ['pending', 'queued', 'working', 'waiting', 'retrying', 'succeeded', 'failed', 'skipped', 'canceled'].toSorted(),
  );
});

/** What `coord verify` finds wrong: the histories are folded once more. */
async function problemsIn(operator: Operator): Promise<readonly unknown[]> {
  const found = [];
  for await (const { problems } of operator.verify(await operator.runs())) found.push(...problems);
  return [...found, ...(await operator.leftovers())];
}

describe.each(all)('format $format, $scenario: $about', (recorded) => {
  const { namespace, partitions, goOn } = recorded;

  test('is shown as it was then', async () => {
    await revive(recorded, async (revival) => {
      await expectAsRecorded(revival, recorded);
      const listed = (await revival.client.list({ limit: 100 })).map(({ id }) => id);
      expect(listed).toEqual(expect.arrayContaining(Object.values(recorded.runs).map(({ run }) => run)));
    });
  });

  test('is started once, also by a key of then', async () => {
    await revive(recorded, async ({ store }) => {
      for (const { run, view } of Object.values(recorded.runs)) {
        if (view.parent !== null) continue;
        const partition = partitionOf(run, partitions);
        const { definition = '', input = '' } = hashOf(recorded, `{${namespace}:${String(partition)}}:run:${run}`);
        // What it was started with; it may have gone on with another one since.
        const [first] = factsOf(recorded, run) as readonly { readonly definition?: string }[];
        const begun = first?.definition ?? definition;
        const key = { idempotencyKey: `start:${run}`, requestHash: sha256(`${begun}\n${input}`) };
        const start = { kind: 'start', partition, run, definition: begun, input, record: '{}', slot: null } as const;
        expect(await store.admission.admit({ ...start, ...key })).toEqual({ outcome: 'repeated' });
        const forgotten = { ...start, ...key, definition, idempotencyKey: 'another' };
        expect(await store.admission.admit(forgotten)).toEqual({ outcome: 'repeated' });
      }
    });
  });

  test('goes on and comes to its end', async () => {
    await revive(recorded, async (revival) => {
      const { client, operator } = revival;
      expect(await problemsIn(operator)).toEqual([]);
      // What then's workers hold is theirs still, and is taken from them.
      const held = goOn.workers === 'alive' ? await revival.answerHeld() : ['ok'];
      expect(new Set(held)).toEqual(new Set(['ok']));
      revival.start();
      const named = Object.entries(goOn.end).flatMap(([name, end]) => {
        const of = recorded.runs[name];
        return of === undefined ? [] : [{ ...of, end }];
      });
      await Promise.all(
        named.map(async ({ run, end }) => {
          if (end === null) return;
          const facts = await revival.end(run);
          expect(await client.get(run)).toMatchObject(end);
          const before = factsOf(recorded, run);
          expect(facts.slice(0, before.length)).toEqual(before);
          expect((await client.history(run)).slice(0, before.length)).toEqual(before);
        }),
      );
      const untouched = named.filter(({ end }) => end === null);
      const views = await Promise.all(untouched.map(({ run }) => client.get(run)));
      expect(views).toMatchObject(untouched.map(({ view }) => view));
      expect(await problemsIn(operator)).toEqual([]);
      expect(revival.events.filter(({ type }) => type === 'message.discarded')).toEqual([]);
      expect(revival.workerEvents.filter(({ type }) => type === 'refused')).toEqual([]);
    });
  });
});
