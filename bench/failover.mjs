/**
 * Masters killed under load: behind sentinels with and without confirmed mode, the first time with a replication that has
 * fallen silent, and in a cluster, where a slot is moved as well. It is the test of the gate with more rounds, so a bench
 * that breaks a promise fails. See README.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, flagsOf, publish, spread } from './report.mjs';

const flags = flagsOf({ failovers: 5 }, { failovers: 2 });
const top = fileURLToPath(new URL('..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'coord-failover-'));
const figures = join(scratch, 'figures');
try {
  const { status } = spawnSync(
    join(top, 'node_modules/.bin/vitest'),
    ['run', 'test/end-to-end/failover.test.ts', '--reporter=dot'],
    {
      cwd: top,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, COORD_FAILOVERS: String(flags.failovers), COORD_FAILOVER_FIGURES: figures },
    },
  );
  const blows = readFileSync(figures, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  console.table(Object.fromEntries(Object.entries(groupBy(blows)).map(([name, group]) => [name, row(group)])));
  expect(status === 0, 'a test failed');
  publish('failover', flags, { blows });
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function nameOf({ shape, what }) {
  return `${shape}: ${what}`;
}

function groupBy(blows) {
  const groups = {};
  for (const blow of blows) (groups[nameOf(blow)] ??= []).push(blow);
  return groups;
}

function row(group) {
  const sum = (name) => group.reduce((all, blow) => all + blow[name], 0);
  const { p50, max } = spread(group.map(({ firstCommitMs }) => firstCommitMs));
  const unnoticed = group.filter(({ lost, incidents }) => lost > 0 && incidents === 0).length;
  return {
    times: group.length,
    'starts acknowledged': sum('acknowledged'),
    'of them lost': sum('lost'),
    'losses not detected': unnoticed,
    'steps worked on twice': sum('workDoneTwice'),
    'first commit after, ms (p50)': p50,
    'ms (max)': max,
  };
}
