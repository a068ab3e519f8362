/** `npm run simulate`: see `usage`. */
import { parseArgs } from 'node:util';
import { shrink } from './shrink.js';
import { simulate } from './simulation.js';
import { sweep } from './sweep.js';

const USAGE = `npm run simulate -- --seed N [--faults i,j,k] [--trace]   one seed, all of its faults or only these
npm run simulate -- --seeds N [--from N] [--keep-going] [--strict]   many seeds; a failing one is shrunk and named,
    with --bare it is only named; --strict: faults and answers that never came up are a failure;
    --focus power-cut,edit: only seeds that draw one of these faults`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    faults: { type: 'string' },
    trace: { type: 'boolean', default: false },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    'keep-going': { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
    bare: { type: 'boolean', default: false },
    focus: { type: 'string', default: '' },
    build: { type: 'string' },
  },
});

// Every signal that is aborted makes an error; nobody reads where from.
Error.stackTraceLimit = 4;

if (values.build !== undefined) {
  // Another build of the same program, for example one that was broken on purpose.
  const { spawnSync } = await import('node:child_process');
  const args = process.argv.slice(2).filter((arg, index, all) => arg !== '--build' && all[index - 1] !== '--build');
  const ended = spawnSync(process.execPath, [`${values.build}/test/simulation/main.js`, ...args], { stdio: 'inherit' });
  process.exitCode = ended.status ?? 1;
} else if (values.seed !== undefined) process.exitCode = await one(Number(values.seed));
else if (values.seeds !== undefined) process.exitCode = await many(Number(values.seeds));
else {
  console.log(USAGE);
  process.exitCode = 2;
}

async function one(seed: number): Promise<number> {
  const only =
    values.faults === undefined
      ? null
      : new Set(
          values.faults
            .split(',')
            .filter((id) => id !== '')
            .map(Number),
        );
  const result = await simulate(seed, { only, keep: values.trace });
  for (const line of result.lines) console.log(line);
  for (const fault of result.faults) {
    const at = result.fired.get(fault.id);
    console.log(`fault ${JSON.stringify(fault)} ${at === undefined ? 'did not come to pass' : `at ${String(at)} ms`}`);
  }
  for (const { invariant, what } of result.violations) console.log(`${invariant} ${what}`);
  const { virtualMs, steps, transitions, runs, hash } = result;
  console.log(
    `${String(runs)} runs, ${String(transitions)} transitions, ${String(virtualMs)} virtual ms, ${String(steps)} steps, ${hash}`,
  );
  return result.violations.length === 0 ? 0 : 1;
}

async function many(count: number): Promise<number> {
  const from = Number(values.from);
  const focus = values.focus.split(',').filter((kind) => kind !== '');
  const tell = (line: string): void => console.log(line);
  const result = await sweep({ from, count, focus, keepGoing: values['keep-going'], tell });
  for (const { seed, violations } of result.failed) {
    if (values.bare) continue;
    const faults = await shrink(seed);
    for (const { invariant, what } of violations.slice(0, 10)) console.log(`  ${invariant} ${what}`);
    console.log(`  npm run simulate -- --seed ${String(seed)} --faults ${faults.join(',')}`);
  }
  if (!values.bare) console.log(result.table);
  const missing = result.missing.length === 0 ? '' : `, never seen: ${result.missing.join('; ')}`;
  console.log(
    `${String(result.seeds - result.failed.length)} passed, ${String(result.failed.length)} failed; ${result.words}${missing}`,
  );
  const vacuous = values.strict && result.missing.length > 0;
  return result.failed.length === 0 && !vacuous ? 0 : 1;
}
