/**
 * Runs the project's own tests and says what they say: pass only when the command ends with exit code 0
 * and at least one test ran. Changes nothing itself, and names the files that the tests left behind.
 */
import { existsSync } from 'node:fs';
import { isAbsolute, relative } from 'node:path';
import { tryGit } from './git.mjs';
import { answer, count, progress } from './persona.mjs';
import { findTestCommand, runTests } from './test-command.mjs';
import { readTestOutput } from './test-output.mjs';

/** Most characters of output in the artifact. */
const LOG_LIMIT = 512 * 1024;
const NAME_LIMIT = 300;
const TEST_LINE = /^\s*((not )?ok \d|[✔✖✓×]|PASS\b|FAIL\b|--- (PASS|FAIL)|test \S+ \.\.\. )/;
/** The result when nothing could be run. */
const NOTHING = { command: null, exitCode: null, signal: null, passed: 0, failed: 0, skipped: 0, failing: [] };

await answer(async (request) => {
  const command = testCommand(request.params ?? {});
  if (command === null) {
    const error =
      'no test command found: add scripts.test to package.json, have pytest, Cargo.toml, go.mod or a Makefile with a test target, or give params.command';
    return { status: 'fail', result: { ...NOTHING, summary: error }, error };
  }
  const before = new Set(uncommitted());
  progress(`running ${command.join(' ')}`);
  const run = await runTests(command, (line) => {
    if (TEST_LINE.test(line)) progress(line.trim());
  });
  const tests = readTestOutput(run.output);
  const failing = tests.failing.map(({ name, file, line }) => ({
    name: name.slice(0, NAME_LIMIT),
    file: file && inFolder(file),
    line,
  }));
  const ran = tests.passed + tests.failed;
  const summary = `${tests.passed} passed, ${tests.failed} failed, ${tests.skipped} skipped: ${command.join(' ')}`;
  progress(summary);
  const result = {
    summary,
    command,
    exitCode: run.exitCode,
    signal: run.signal,
    durationMs: run.durationMs,
    passed: tests.passed,
    failed: tests.failed,
    skipped: tests.skipped,
    failing: failing.slice(0, 100),
    leftBehind: uncommitted()
      .filter((path) => !before.has(path))
      .slice(0, 100),
  };
  const artifacts = [{ name: 'qa.log', type: 'text/plain', content: logOf(command, run) }];
  const error = problem({ run, tests, ran, failing });
  return error === null ? { status: 'pass', result, artifacts } : { status: 'fail', result, artifacts, error };
});

function testCommand({ command }) {
  if (command === undefined || command === null) return findTestCommand();
  if (Array.isArray(command) && command.length > 0 && command.every((word) => typeof word === 'string')) return command;
  throw new Error('params.command must be a list of words, for example ["npm", "run", "test:unit"]');
}

/** Why the tests do not pass, in a sentence; null when they do. */
function problem({ run, tests, ran, failing }) {
  if (tests.failed > 0) {
    const names = failing.slice(0, 5).map((test) => `"${test.name}"`);
    const more = failing.length > names.length ? `, and ${failing.length - names.length} more` : '';
    return `${tests.failed} of ${count(ran, 'test')} failed${names.length > 0 ? `: ${names.join(', ')}${more}` : ''}`;
  }
  if (run.exitCode !== 0) {
    const how = run.signal === null ? `exit code ${run.exitCode}` : `signal ${run.signal}`;
    const hint =
      existsSync('package.json') && !existsSync('node_modules') && ran === 0 ? '; there is no node_modules here' : '';
    return `the test command ended with ${how} after ${count(ran, 'test')}${hint}`;
  }
  return ran === 0 ? 'the test command ended well, but no test ran' : null;
}

/** Paths inside the current folder become relative to it. */
function inFolder(path) {
  const inside = isAbsolute(path) ? relative(process.cwd(), path) : path;
  return inside.startsWith('..') ? path : inside;
}

function logOf(command, run) {
  const cut = Math.max(0, run.output.length - LOG_LIMIT);
  const left = cut > 0 || run.omittedLines > 0 ? '[the beginning is left out]\n' : '';
  const end = run.signal === null ? `exit code ${run.exitCode}` : `signal ${run.signal}`;
  return `$ ${command.join(' ')}\n${left}${run.output.slice(cut)}\n[${end}, ${run.durationMs} ms]\n`;
}

/** Paths with uncommitted changes; none where there is no repository. */
function uncommitted() {
  const status = tryGit(['status', '--porcelain', '--no-renames', '-z']);
  return status.stdout
    .split('\0')
    .filter(Boolean)
    .map((entry) => entry.slice(3));
}
