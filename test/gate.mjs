/**
 * The one gate, `npm run check`: every check, always all of them, one line each, the output of those that failed,
 * and as its last line `N passed, N failed` (checks and tests together). A check that cannot run has failed.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'coord-gate-'));
const report = join(scratch, 'tests.json');

/**
 * Limits are in seconds, far above what is needed: a check that hangs is one that failed. `tells`:
 * the last line of its output is what it found out.
 */
const CHECKS = [
  { name: 'format', command: ['biome', 'format', '.'], limit: 30 },
  { name: 'types', command: ['tsc', '-p', 'tsconfig.json'], limit: 120 },
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'], limit: 120 },
  { name: 'unused', command: ['knip'], limit: 60 },
  { name: 'build', command: ['tsc', '-p', 'tsconfig.build.json'], limit: 120 },
  { name: 'package', command: ['publint', '--strict', '--pack', 'false'], limit: 30 },
];
const CHAOS = [
  { name: 'rebuild', command: ['node', 'test/chaos/build.mjs'], limit: 120 },
  { name: 'chaos', command: ['node', 'build/test/chaos/ci.js'], limit: 400, tells: true },
];
const TESTS = {
  name: 'tests',
  command: ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
  limit: 960,
};

/** Runs a tool of node_modules; resolves with how it ended, never rejects. */
function run({ command, limit }) {
  const [name, ...args] = command;
  const tool = name === 'node' ? process.execPath : join(top, 'node_modules', '.bin', name);
  return new Promise((resolve) => {
    const from = performance.now();
    let output = '';
    let late = false;
    const child = spawn(tool, args, {
      cwd: top,
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // its own process group, so that a hanging check goes with its children
    });
    const stop = () => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It ended in this moment.
      }
    };
    const timer = setTimeout(() => {
      late = true;
      stop();
    }, limit * 1000);
    const end = (code, note) => {
      clearTimeout(timer);
      process.off('exit', stop);
      resolve({ ok: code === 0 && !late, output: output + note, seconds: (performance.now() - from) / 1000 });
    };
    process.on('exit', stop);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', (error) => end(1, `${tool} could not be run: ${error.message}\n`));
    child.on('exit', () => {
      // A grandchild that was left behind may hold the pipes open: it shall not hold the gate.
      setTimeout(() => [child.stdout, child.stderr].forEach((stream) => stream.destroy()), 2_000).unref();
    });
    child.on('close', (code, signal) => {
      const why = late ? `took longer than ${limit} s` : `ended by ${signal}`;
      end(code, signal === null && !late ? '' : `${tool} ${why}\n`);
    });
  });
}

/** What vitest counted. A file that did not load, or an error outside every test, counts as one that failed. */
function countTests(result) {
  let counted;
  try {
    counted = JSON.parse(readFileSync(report, 'utf8'));
  } catch (error) {
    return { passed: 0, failed: 1, note: `vitest left no result: ${error.message}` };
  }
  const broken = counted.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  const passed = counted.numPassedTests;
  const failed = counted.numFailedTests + broken.length;
  const skipped = counted.numTotalTests - passed - counted.numFailedTests;
  const note = skipped === 0 ? '' : `${skipped} skipped`;
  if (passed + failed === 0) return { passed, failed: 1, note: 'no test was run' };
  if (failed === 0 && !result.ok) return { passed, failed: 1, note: 'vitest failed outside the tests' };
  return { passed, failed, note };
}

function lastLine(output) {
  return output.trimEnd().split('\n').at(-1) ?? '';
}

function print(name, result, counts) {
  const mark = counts.failed === 0 ? 'ok  ' : 'FAIL';
  const tests = name === TESTS.name ? `  ${counts.passed} passed, ${counts.failed} failed` : '';
  const note = counts.note === '' ? '' : `  (${counts.note})`;
  console.log(`${mark}  ${name.padEnd(8)}${`${result.seconds.toFixed(1)} s`.padStart(8)}${tests}${note}`);
  if (counts.failed > 0) console.log(`\n${result.output.trimEnd()}\n`);
}

const total = { passed: 0, failed: 0 };
const failed = [];
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

for (const check of [...CHECKS, ...CHAOS, TESTS]) {
  const result = await run(check);
  const counts =
    check === TESTS
      ? countTests(result)
      : { passed: Number(result.ok), failed: Number(!result.ok), note: check.tells ? lastLine(result.output) : '' };
  print(check.name, result, counts);
  total.passed += counts.passed;
  total.failed += counts.failed;
  if (counts.failed > 0) failed.push(`${check.name}${counts.note === '' ? '' : ` (${counts.note})`}`);
}
// Once more, for whoever sees only the end of a long output.
if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`);
process.exitCode = total.failed === 0 ? 0 : 1;
console.log(`${total.passed} passed, ${total.failed} failed`);
