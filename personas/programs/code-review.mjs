/**
 * Reviews the change of a run as a careful colleague's first look does: is there a change at all, does it parse,
 * was anything left behind in it, and were tests weakened. Reads `git diff <base>...<commit>` and nothing else.
 */
import { spawnSync } from 'node:child_process';
import { isCode, isTest, readDiff } from './diff.mjs';
import { fileAt } from './git.mjs';
import { answer, count, progress, workspaceOf } from './persona.mjs';
import { reviewReply, scanAdded } from './review.mjs';

const LARGE_BYTES = 512 * 1024;
const LARGE_LINES = 1000;

const anywhere = () => true;
const inTests = (path) => isTest(path) && isCode(path);
const inProduct = (path) => isCode(path) && !isTest(path);

// Each pattern begins at the start of the statement, so that a string or comment that mentions the word is not found.
const LINE_RULES = [
  {
    rule: 'conflict-marker',
    severity: 'critical',
    where: anywhere,
    pattern: /^(<{7}|>{7})( |$)/,
    message: 'a merge conflict was left unresolved',
  },
  {
    rule: 'debugger',
    severity: 'high',
    where: isCode,
    pattern: /^\s*(debugger\s*;?\s*$|(breakpoint|pdb\.set_trace)\(\))/,
    message: 'a debugger statement was left in',
  },
  {
    rule: 'console-log',
    severity: 'medium',
    where: inProduct,
    pattern: /^\s*console\.(log|debug|trace)\(/,
    message: 'console output was left in',
  },
  {
    rule: 'focused-test',
    severity: 'high',
    where: inTests,
    pattern: /^\s*((describe|context|suite|it|test)\.only\(|f(it|describe)\(|.*\{\s*only:\s*true)/,
    message: 'only this test runs: all others are left out',
  },
  {
    rule: 'skipped-test',
    severity: 'high',
    where: inTests,
    pattern:
      /^\s*((describe|context|suite|it|test)\.skip\(|x(it|test|describe)\(|.*\{\s*skip:\s*true|@pytest\.mark\.skip|t\.Skip\(|#\[ignore)/,
    message: 'a test was switched off',
  },
  {
    rule: 'todo',
    severity: 'low',
    where: isCode,
    pattern: /(\/\/|\/\*|\*|#).*\b(TODO|FIXME|XXX)\b/,
    message: 'work was left for later',
  },
];

const TEST_CASE = /^\s*(await\s+)?((it|test)(\.\w+)*\(|(async\s+)?def test_|func Test|#\[test\])/;

await answer((request) => {
  const { base, commit } = workspaceOf(request);
  progress(`reading the diff ${base.slice(0, 8)}...${commit.slice(0, 8)}`);
  const diff = readDiff({ base, commit });
  progress(`reviewing ${count(diff.files.length, 'file')}`);
  const findings = diff.files.flatMap((file) => [
    ...scanAdded(file, LINE_RULES),
    ...reviewFile(file, { base, commit }),
  ]);
  if (diff.files.length === 0) {
    findings.push({
      severity: 'high',
      file: null,
      line: null,
      rule: 'empty-diff',
      message: 'the run has changed nothing',
    });
  }
  return reviewReply({ diff, findings });
});

/** Findings about a file as a whole. */
function reviewFile(file, { base, commit }) {
  const found = [];
  const add = (severity, rule, message, line = null) => found.push({ severity, file: file.path, line, rule, message });
  if (file.status === 'D') {
    if (inTests(file.path)) add('high', 'deleted-test', 'a test file was deleted');
    return found;
  }
  if (file.size > LARGE_BYTES) add('medium', 'large-file', `the file has ${Math.round(file.size / 1024)} KiB`);
  if (file.added.length > LARGE_LINES)
    add('medium', 'large-change', `${file.added.length} lines were added to one file`);
  if (file.binary) add('low', 'binary-file', 'a binary file cannot be reviewed by reading');
  if (inTests(file.path)) {
    const cases = (lines) => lines.filter((line) => TEST_CASE.test(line.text)).length;
    const fewer = cases(file.removed) - cases(file.added);
    if (fewer > 0) add('medium', 'fewer-tests', `${count(fewer, 'test case')} fewer than before`);
  }
  const broken = file.mode === '120000' ? null : syntaxError(file.path, fileAt(commit, file.path));
  if (broken !== null) {
    const brokenBefore = file.status !== 'A' && syntaxError(file.oldPath, fileAt(base, file.oldPath)) !== null;
    if (brokenBefore) add('low', 'syntax', `node cannot parse it, nor could it before: ${broken.message}`, broken.line);
    else add('critical', 'syntax', `the file does not parse: ${broken.message}`, broken.line);
  }
  return found;
}

/** What `node --check` says against a JavaScript file; null when it parses, or is not one. */
function syntaxError(path, text) {
  const kind = /\.([cm]?js)$/.exec(path)?.[1];
  if (kind === undefined || text === null) return null;
  // What `.js` means depends on the package around it: it is broken when it parses neither way.
  const types = { mjs: ['module'], cjs: ['commonjs'], js: ['module', 'commonjs'] }[kind];
  let first = null;
  for (const type of types) {
    const done = spawnSync(process.execPath, ['--check', `--input-type=${type}`, '-'], {
      input: text,
      encoding: 'utf8',
    });
    if (done.status === 0) return null;
    first ??= {
      line: Number(/^\[stdin\]:(\d+)/m.exec(done.stderr)?.[1] ?? 0) || null,
      message: /^\w*Error: .*/m.exec(done.stderr)?.[0] ?? 'node --check failed',
    };
  }
  return /<\/[\w.]*>|\/>/.test(text) ? null : first; // JSX is not node's to judge
}
