/** What the benches print: tables, and with `--json FILE` one document that says where and when it was measured. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** Flags with their defaults, and those with `--quick`; `--json FILE` comes with every bench. */
export function flagsOf(defaults, quick) {
  const options = { json: { type: 'string' }, quick: { type: 'boolean' } };
  for (const name of Object.keys(defaults)) options[name] = { type: 'string' };
  const { values } = parseArgs({ options });
  const flags = { ...defaults, ...(values.quick === true && quick), ...values };
  for (const [name, value] of Object.entries(defaults)) {
    if (typeof value !== 'number') continue;
    flags[name] = Number(flags[name]);
    if (!(flags[name] > 0)) throw new Error(`--${name} takes a number above 0`);
  }
  return flags;
}

/** What must hold whatever the figures are: the bench goes on, and fails. */
export function expect(holds, what) {
  if (holds) return;
  console.error(`BROKEN: ${what}`);
  process.exitCode = 1;
}

export function machine() {
  return {
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    load: Number(loadavg()[0].toFixed(2)),
    node: process.version,
    redis: /v=([\d.]+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))[1],
  };
}

/** Writes the document when `--json` was given. `results` is whatever the bench found out. */
export function publish(bench, { json, ...settings }, results) {
  const document = { bench, date: new Date().toISOString(), commit: commit(), machine: machine(), settings, results };
  const { cpu, cores, node, redis, load } = document.machine;
  console.log(`\n${cores} cores (${cpu}), Node ${node}, Redis ${redis}, commit ${document.commit}, load ${load}`);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(document, null, 2)}\n`);
}

function commit() {
  const folder = fileURLToPath(new URL('..', import.meta.url));
  const git = (...args) => execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8' }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', 'src') === '' ? '' : ' with changes';
    return `${git('rev-parse', '--short', 'HEAD')}${changed}`;
  } catch {
    return 'unknown';
  }
}

/** p50, p99 and maximum of a list of milliseconds. */
export function spread(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? null;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? null };
}

export function median(values) {
  return spread(values).p50;
}
