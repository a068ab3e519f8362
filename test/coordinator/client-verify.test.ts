import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Operator } from '../../src/coordinator/client-operator.js';
import { type Problem, refold, type RunVerdict } from '../../src/coordinator/client-verify.js';
import { Plans } from '../../src/coordinator/plans.js';
import { ManualClock, systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { countedIds, randomIds } from '../../src/core/ids.js';
import { canonicalJson, type JsonObject, sha256 } from '../../src/core/json.js';
import type { HistoryEntry, Store } from '../../src/core/ports.js';
import { createMemoryStore } from '../../src/memory/store.js';
import { openRedisStore } from '../../src/redis/store.js';
import { forEach, step } from '../harness/definitions.js';
import { anySteps } from '../harness/random-runs.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';
import { type StoredGame, StoredRuns } from '../harness/stored-run.js';

async function verdicts(store: Store): Promise<readonly RunVerdict[]> {
  const operator = new Operator({ store, partitions: 1, clock: systemClock, ids: randomIds });
  const found: RunVerdict[] = [];
  for await (const verdict of operator.verify(await operator.runs())) found.push(verdict);
  return found;
}

const problemsOf = async (store: Store): Promise<readonly Problem[]> =>
  (await verdicts(store)).flatMap(({ problems }) => problems);

const game: fc.Arbitrary<StoredGame & { migrate: readonly number[] }> = fc.record({
  steps: anySteps(20),
  choices: fc.array(fc.nat(5_000), { maxLength: 80, size: 'max' }),
  limit: fc.nat(3),
  migrate: fc.array(fc.nat(40), { maxLength: 3 }),
});
const RUNS = Number(process.env['RUNS'] ?? 40);

describe('random runs', () => {
  test('verify clean at any moment, whoever took over meanwhile, and also when migrated', {
    timeout: 600_000,
  }, async () => {
    let migrated = 0;
    await fc.assert(
      fc.asyncProperty(game, async ({ steps, choices, limit, migrate }) => {
        const clock = new ManualClock();
        const store = createMemoryStore({ clock, ids: countedIds() });
        await store.namespace.open(1);
        const runs = new StoredRuns({ store, clock, pass: async (ms) => clock.advance(ms) });
        const definition = StoredRuns.definitionOf(steps, { max_concurrent_steps: limit === 0 ? null : limit });
        const run = await runs.start(definition);
        const between: Problem[] = [];
        for (const [turn, choice] of choices.entries()) {
          if (migrate.includes(turn)) {
            const next = { ...definition, steps: [...definition.steps, step(`more-${String(turn)}`)] };
            const json = canonicalJson(next as unknown as JsonObject);
            await store.namespace.putDefinition(sha256(json), json);
            const body = JSON.stringify({ definition: sha256(json), by: 'ada' });
            const admission = {
              partition: 0,
              run,
              idempotencyKey: `m${String(turn)}`,
              requestHash: body,
              body,
            } as const;
            await store.admission.admit({ kind: 'migrate', ...admission });
          }
          await runs.event(run, choice);
          if (turn % 10 === 0) between.push(...(await problemsOf(store)));
        }
        expect(between).toEqual([]);
        await runs.finish(run);
        const found = await verdicts(store);
        expect(found.flatMap(({ problems, warnings, unchecked }) => [...problems, ...warnings, ...unchecked])).toEqual(
          [],
        );
        const facts = await runs.client.history(run);
        if (facts.some(({ type }) => type === 'run.migrated')) migrated++;
        const history = await store.runs.history({ partition: 0, run, after: '0', limit: 100_000 });
        const stored = await store.runs.load(0, run);
        const folded = await refold(new Plans(store.namespace), { definition: '', input: '', ...stored, history });
        expect(folded).toMatchObject({ version: stored?.version, chain: stored?.chain, broken: null });
        expect(folded?.steps.size).toBe(stored?.steps.size);
      }),
      { numRuns: RUNS },
    );
    expect(migrated).toBeGreaterThan(0);
  });
});

describe('on a real server', () => {
  let server: TestServer;
  let count = 0;
  const stores: Store[] = [];
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(async () => {
    for (const store of stores) await store.close();
    await server.stop();
  });

  interface Scene {
    readonly store: Store;
    readonly run: string;
    readonly tag: string;
    readonly entries: readonly HistoryEntry[];
    readonly cli: (...args: string[]) => string;
    /** Writes the history anew, with these entries. */
    readonly rewrite: (change: (fields: string[][]) => string[][]) => void;
  }

  /** A run of some steps that has ended, or of which the last step is asked. */
  async function scene({ open = false }: { open?: boolean } = {}): Promise<Scene> {
    const namespace = `v${String(++count)}`;
    const address = { socket: server.server.socket };
    const store = await openRedisStore({
      address,
      namespace,
      clock: systemClock,
      ids: randomIds,
      failpoints: noFailpoints,
    });
    stores.push(store);
    await store.namespace.open(1);
    const runs = new StoredRuns({ store, clock: systemClock, pass: async () => undefined });
    const steps = [step('a'), forEach('each', [step('q')], { dependencies: ['a'], items: [1, 2], concurrency: 1 })];
    const run = await runs.start(StoredRuns.definitionOf([...steps, step('z', { dependencies: ['each'] })]));
    // A first read on a connection may come too late for its own short wait, so it is asked for what is to be there.
    const there = async (): Promise<boolean> => {
      const { status, steps: all } = await runs.client.get(run);
      return open ? all.some(({ id, status: its }) => id === 'each[1]/q' && its === 'queued') : status === 'completed';
    };
    while (!(await there())) {
      await runs.turn(10);
      if (!(await there())) await runs.answer(0);
    }
    const tag = `{${namespace}:0}`;
    const entries = await store.runs.history({ partition: 0, run, after: '0', limit: 100 });
    const cli = (...args: string[]): string => server.cli(...args);
    const rewrite = (change: (fields: string[][]) => string[][]): void => {
      const raw = JSON.parse(server.cli('--json', 'XRANGE', `${tag}:history:${run}`, '-', '+')) as [string, unknown][];
      const fields = raw.map(([, given]) =>
        Array.isArray(given)
          ? (given as string[])
          : Object.entries(given as object)
              .flat()
              .map(String),
      );
      server.cli('DEL', `${tag}:history:${run}`);
      for (const entry of change(fields)) server.cli('XADD', `${tag}:history:${run}`, '*', ...entry);
    };
    expect(await problemsOf(store)).toEqual([]);
    return { store, run, tag, entries, cli, rewrite };
  }

  const flipped = (text: string, at: number): string => {
    const code = text.codePointAt(at) ?? 0;
    // Digits stay digits and letters letters, so that the text stays one that can be read.
    const other = /\d/.test(text[at] ?? '') ? (code === 57 ? 48 : code + 1) : code ^ 1;
    return text.slice(0, at) + String.fromCodePoint(other) + text.slice(at + 1);
  };
  const replaced = (fields: readonly string[], name: string, change: (text: string) => string): string[] =>
    fields.map((text, at) => (fields[at - 1] === name && at % 2 === 1 ? change(text) : text));

  test('a byte of the record', async () => {
    const { store, run, tag, cli } = await scene();
    const key = `${tag}:run:${run}`;
    const record = cli('HGET', key, 'record');
    cli('HSET', key, 'record', flipped(record, record.indexOf('"settled":') + 10));
    expect(await problemsOf(store)).toMatchObject([
      { entry: null, version: 5, field: 'record.settled', expected: '5', found: '6' },
    ]);
    cli('HSET', key, 'record', record.replace('{', '{ '));
    expect(await problemsOf(store)).toMatchObject([{ field: 'record' }]);
  });

  test('any byte of any record, message or fact is noticed', { timeout: 120_000 }, async () => {
    const { store, run, tag, cli } = await scene();
    const key = `${tag}:run:${run}`;
    for (const field of ['record', 's:each', 's:each[1]/q', 'input', 'definition', 'chain', 'status', 'version']) {
      const text = cli('HGET', key, field);
      for (let at = 0; at < text.length; at += Math.max(1, Math.floor(text.length / 12))) {
        cli('HSET', key, field, flipped(text, at));
        const found = await problemsOf(store);
        expect(found.length, `${field} ${String(at)}`).toBeGreaterThan(0);
        const named = field === 'input' || field === 'definition' ? 'genesis' : field;
        expect(
          found.some((problem) => problem.field.startsWith(named)),
          `${field}: ${JSON.stringify(found)}`,
        ).toBe(true);
      }
      cli('HSET', key, field, text);
    }
    expect(await problemsOf(store)).toEqual([]);
  });

  test.each(['messages', 'facts', 'hash'] as const)('a byte of the %s of an entry', async (name) => {
    for (const nth of [0, 2, 4]) {
      const { store, rewrite, entries } = await scene();
      rewrite((all) =>
        all.map((one, at) => (at === nth ? replaced(one, name, (text) => flipped(text, text.length - 5)) : one)),
      );
      const [problem, ...others] = await problemsOf(store);
      expect(problem).toMatchObject({ version: entries[nth]?.version });
      expect(problem?.field.replace(/[[.].*/, '')).toBe(name);
      expect(problem?.entry).toMatch(/^\d+-\d+$/);
      expect(others).toEqual([]);
    }
  });

  test('the record that the run began with', async () => {
    const { store, rewrite } = await scene();
    rewrite((all) =>
      all.map((one) => replaced(one, 'genesis', (text) => text.replace('"createdAt":1', '"createdAt":2'))),
    );
    expect(await problemsOf(store)).toMatchObject([{ version: 1, field: 'genesis' }, { field: 'record.createdAt' }]);
  });

  test('an entry that is gone, the last one too', async () => {
    const { store, rewrite } = await scene();
    rewrite((all) => all.filter((_one, at) => at !== 2));
    expect(await problemsOf(store)).toMatchObject([{ version: 4, field: 'version', expected: '3', found: '4' }]);
    const cut = await scene();
    cut.rewrite((all) => all.slice(0, -1));
    expect(await problemsOf(cut.store)).toMatchObject([
      { entry: null, field: 'version', expected: '4', found: '5' },
      { entry: null, field: 'chain' },
    ]);
  });

  test('an entry that was put in, in the middle and at the end', async () => {
    const { store, rewrite } = await scene();
    rewrite((all) => [...all.slice(0, 3), all[1] ?? [], ...all.slice(3)]);
    expect(await problemsOf(store)).toMatchObject([{ version: 2, field: 'version', expected: '4', found: '2' }]);
    const forged = await scene();
    forged.rewrite((all) => [...all, replaced(all.at(-1) ?? [], 'version', () => '6')]);
    expect(await problemsOf(forged.store)).toMatchObject([{ version: 6, field: 'messages' }, { field: 'version' }]);
  });

  test('two entries that were swapped', async () => {
    const { store, rewrite } = await scene();
    rewrite((all) => all.map((one, at) => (at === 1 ? (all[2] ?? one) : at === 2 ? (all[1] ?? one) : one)));
    expect(await problemsOf(store)).toMatchObject([
      { version: 3, field: 'version', expected: '2', found: '3' },
      { version: 2, field: 'version', expected: '4', found: '2' },
    ]);
  });

  test('a history that was forged from some entry on, with hashes that fit', async () => {
    const { store, run, tag, cli, rewrite } = await scene();
    const { genesisHash, chainHash } = await import('../../src/core/journal.js');
    const key = `${tag}:run:${run}`;
    const field = (one: readonly string[], name: string): string => one[one.indexOf(name) + 1] ?? '';
    rewrite((all) => {
      let chain = genesisHash({
        definition: cli('HGET', key, 'definition'),
        input: cli('HGET', key, 'input'),
        record: field(all[0] ?? [], 'genesis'),
      });
      return all.map((one, at) => {
        const facts =
          at === 1 ? field(one, 'facts').replace('"verdict":"pass"', '"verdict":"fail"') : field(one, 'facts');
        chain = chainHash(chain, { version: at + 1, messages: field(one, 'messages'), facts });
        return replaced(
          replaced(one, 'facts', () => facts),
          'hash',
          () => chain,
        );
      });
    });
    const problems = await problemsOf(store);
    expect(problems).toMatchObject([
      { version: 2, field: 'facts[1].verdict', expected: '"pass"', found: '"fail"' },
      { field: 'chain' },
    ]);
  });

  test('status, listing, tokens, claims', async () => {
    const { store, run, tag, cli } = await scene({ open: true });
    const key = `${tag}:run:${run}`;
    cli('HSET', key, 'status', 'failed');
    expect(await problemsOf(store)).toMatchObject([{ field: 'status', expected: 'running', found: 'failed' }]);
    cli('HSET', key, 'status', 'running');
    cli('ZADD', `${tag}:runs:completed`, '1', run);
    expect(await problemsOf(store)).toMatchObject([
      { field: 'listing', expected: 'running', found: 'running and completed' },
    ]);
    cli('ZREM', `${tag}:runs:completed`, run);
    cli('ZREM', `${tag}:runs:running`, run);
    expect(await problemsOf(store)).toMatchObject([{ field: 'listing', expected: 'running', found: 'none' }]);
    cli('ZADD', `${tag}:runs:running`, '1', run);
    const asked =
      cli('HKEYS', key)
        .split('\n')
        .find((name) => name.startsWith('t:')) ?? '';
    const token = cli('HGET', key, asked);
    cli('HSET', key, asked, 'forged');
    expect(await problemsOf(store)).toMatchObject([{ field: asked, expected: token, found: 'forged' }]);
    cli('HDEL', key, asked);
    expect(await problemsOf(store)).toMatchObject([{ field: asked, expected: token, found: 'none' }]);
    cli('HSET', key, asked, token, 't:a', 'x', 'c:a', '{}');
    expect(await problemsOf(store)).toMatchObject([{ field: 't:a', expected: 'none', found: 'x' }]);
    cli('HDEL', key, 't:a');
    expect(await problemsOf(store)).toMatchObject([{ field: 'c:a' }]);
  });

  test('a run that is gone and left its history, or its place in a listing', async () => {
    const { store, run, tag, cli } = await scene();
    cli('DEL', `${tag}:run:${run}`);
    expect(await problemsOf(store)).toMatchObject([{ field: 'run', found: 'none, but 5 entries of history' }]);
    cli('DEL', `${tag}:history:${run}`);
    expect(await problemsOf(store)).toMatchObject([{ field: 'run', found: 'none, but listed as completed' }]);
  });

  test('what only should be known: runs from before format 3, runs that are set aside, timers nobody needs', async () => {
    const { store, run, tag, cli, rewrite } = await scene();
    cli('HSET', `${tag}:run:${run}`, 'quarantined', 'because');
    cli('ZADD', `${tag}:timers`, '1', `retry|${run}|a|1`);
    cli('XADD', `${tag}:inbox`, '*', 'run', 'nobody', 'kind', 'start', 'head', '', 'body', '{}');
    const operator = new Operator({ store, partitions: 1, clock: systemClock, ids: randomIds });
    expect(await operator.leftovers()).toEqual([
      `the timer "retry|${run}|a|1" is of run ${run}, which is completed`,
      '1 message waits for run "nobody", which is not there',
    ]);
    rewrite((all) => [['fact', '{"type":"run.started"}'], ...all.slice(1)]);
    expect(await verdicts(store)).toMatchObject([
      { problems: [], warnings: ['it is set aside: because'], unchecked: [expect.stringContaining('before format 3')] },
    ]);
    cli('HSET', `${tag}:run:${run}`, 'format', '99');
    expect(await verdicts(store)).toMatchObject([{ problems: [], unchecked: [expect.stringContaining('format 99')] }]);
  });
});
