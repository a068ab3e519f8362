/**
 * Whether a step costs the same in a workflow of ten and of ten thousand: the coordinator's CPU per step for a for_each
 * of growing size, and how long reading and checking such files takes. See README.md.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseWorkflow } from '../dist/definition/parse.js';
import { compilePlan } from '../dist/definition/plan.js';
import { forEach, request, startBench, withEngine, workflow } from './engine.mjs';

const SIZES = [10, 100, 1_000, 10_000];
/** Steps measured per size, and items under way at the same time, whatever the size. */
const STEPS = Number(process.argv[2] ?? 20_000);
const WIDTH = 100;
const ROUNDS = 3;

const bench = await startBench();
try {
  const micros = new Map(SIZES.map((size) => [size, []]));
  for (let round = 1; round <= ROUNDS; round++)
    for (const size of SIZES) micros.get(size).push(await measure(size, round));
  const medians = SIZES.map((size) => micros.get(size).toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)]);
  console.table(
    SIZES.map((size, index) => ({
      items: size,
      'coordinator CPU, us/step': medians[index].toFixed(0),
      'ratio to 10 items': (medians[index] / medians[0]).toFixed(2),
      ...reading(size),
    })),
  );
  console.log(`\nlargest ratio to 10 items: ${Math.max(...medians.map((us) => us / medians[0])).toFixed(2)}`);
} finally {
  bench.stop();
}

/** CPU of this process, which is the coordinator, per step. */
function measure(size, round) {
  const runs = Math.ceil(STEPS / size);
  const width = Math.min(size, WIDTH);
  const atOnce = Math.ceil(WIDTH / width);
  const items = Array.from({ length: size }, (_, index) => index);
  const steps = [request('check', { params: { item: '{{ loop.item }}' } })];
  const definition = workflow(`each-${size}`, [forEach('each', { items, steps, concurrency: width })]);
  return withEngine(bench, async ({ client, ended }) => {
    const from = process.cpuUsage();
    for (let run = 0; run < runs; run++) {
      await client.start({ definition, task: {}, workspace: null, idempotencyKey: `g-${size}-${round}-${run}` });
      while (run + 1 - ended() >= atOnce) await sleep(1);
    }
    while (ended() < runs) await sleep(1);
    const { user, system } = process.cpuUsage(from);
    return (user + system) / (runs * size);
  });
}

/** Milliseconds to read and check a file with a for_each of that size, and one with as many steps as a file may have. */
function reading(size) {
  const items = Array.from({ length: size }, (_, index) => `item-${index}`);
  const each = `name: each\nsteps:\n  - id: each\n    type: for_each\n    items: ${JSON.stringify(items)}\n    steps:\n      - id: check\n        persona: worker\n`;
  const count = Math.min(size, 2_000);
  const chain = `name: chain\nsteps:\n${items
    .slice(0, count)
    .map(
      (_, index) =>
        `  - id: s${index}\n    persona: worker\n${index === 0 ? '' : `    dependencies: [s${index - 1}]\n`}`,
    )
    .join('')}`;
  return { 'for_each file, ms': timed(each), [`chain file (to 2,000 steps), ms`]: timed(chain) };
}

function timed(text) {
  const from = performance.now();
  const parsed = parseWorkflow(text, { file: 'bench.yml', personas: null });
  if (!parsed.ok) throw new Error(parsed.problems[0].message);
  compilePlan(parsed.definition, 'hash');
  return (performance.now() - from).toFixed(0);
}
