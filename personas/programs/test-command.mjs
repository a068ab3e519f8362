/** Finds a project's test command by the files it has, and runs it: an argument list, never a shell. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** Most characters of output that are kept; the oldest lines go first, since summaries come last. */
const OUTPUT_LIMIT = 8 * 1024 * 1024;

/** An argv array, or null when the current folder shows no test command. */
export function findTestCommand() {
  const script = readJson('package.json')?.scripts?.test;
  if (typeof script === 'string' && script !== '' && !script.includes('no test specified'))
    return ['npm', 'test', '--silent'];
  if (usesPytest()) return ['python3', '-m', 'pytest'];
  if (existsSync('Cargo.toml')) return ['cargo', 'test'];
  if (existsSync('go.mod')) return ['go', 'test', '-v', './...'];
  if (['Makefile', 'makefile', 'GNUmakefile'].some((name) => /^test\s*:/m.test(read(name)))) return ['make', 'test'];
  return null;
}

/**
 * Runs `command` in the current folder with nothing on its stdin; calls `onLine` for each line of output.
 * `{ exitCode, signal, output, durationMs, omittedLines }`; rejects when it cannot be started.
 * The child stays in this process's group, so whoever ends the persona ends the tests with it.
 */
export async function runTests(command, onLine = () => {}) {
  const began = performance.now();
  const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], env: testEnvironment() });
  const lines = [];
  let size = 0;
  let omittedLines = 0;
  const take = (line) => {
    lines.push(line);
    size += line.length + 1;
    for (; size > OUTPUT_LIMIT; omittedLines += 1) size -= lines.shift().length + 1;
    onLine(line);
  };
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream, crlfDelay: Infinity }).on('line', take);
  const ended = await new Promise((resolve, reject) => {
    child.on('error', (error) =>
      reject(new Error(`the test command "${command.join(' ')}" could not be started: ${error.message}`)),
    );
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  return { ...ended, output: lines.join('\n'), durationMs: Math.round(performance.now() - began), omittedLines };
}

/** Plain output, no watch mode, no log files of npm, and no sign that another test runner is around this one. */
function testEnvironment() {
  const { NODE_TEST_CONTEXT: _context, FORCE_COLOR: _color, ...rest } = process.env;
  return { ...rest, CI: '1', NO_COLOR: '1', npm_config_logs_max: '0', npm_config_update_notifier: 'false' };
}

function usesPytest() {
  if (['pytest.ini', 'conftest.py'].some((name) => existsSync(name))) return true;
  if (/^\[tool\.pytest/m.test(read('pyproject.toml')) || /^\[tool:pytest\]/m.test(read('setup.cfg'))) return true;
  return ['tests', 'test', '.'].some(
    (folder) => existsSync(folder) && readdirSync(folder).some((name) => /^test_.*\.py$/.test(name)),
  );
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function readJson(path) {
  try {
    return JSON.parse(read(path));
  } catch {
    return null;
  }
}
