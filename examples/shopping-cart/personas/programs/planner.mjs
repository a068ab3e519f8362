/**
 * Plans a change without a model: runs the project's tests, searches the repository for what the task speaks of,
 * follows the imports of the failing tests, and writes down what it found. Changes no file.
 */
import { relative } from 'node:path';
import { isCode, isTest } from '../../../../personas/programs/diff.mjs';
import { answer, count, progress, workspaceOf } from '../../../../personas/programs/persona.mjs';
import { findTestCommand, runTests } from '../../../../personas/programs/test-command.mjs';
import { readTestOutput } from '../../../../personas/programs/test-output.mjs';
import { filesAbout, importersOf, readRepository } from './repository.mjs';

await answer(async (request) => {
  workspaceOf(request);
  const task = readTask(request.task);
  const files = readRepository();
  progress(`read ${count(files.length, 'file')}; running the tests`);
  const test = await failingTests();
  progress(`${test.passed} passed, ${test.failed} failed; searching for "${task.title}"`);
  const criteria = task.criteria.map((criterion) => ({ criterion, files: targetsOf(criterion, { files, test }) }));
  const keyFiles = findKeyFiles({ criteria, files, test });
  const plan = {
    goal: task.title,
    test,
    keyFiles,
    steps: stepsOf({ criteria, test }),
    acceptanceCriteria: task.criteria,
    risks: risksOf({ keyFiles, files, test }),
  };
  progress(`planned ${count(plan.steps.length, 'step')} in ${count(keyFiles.length, 'file')}`);
  return {
    status: 'pass',
    result: plan,
    artifacts: [{ name: 'plan.md', type: 'text/markdown', content: render(plan) }],
  };
});

function readTask(task) {
  const criteria = task.acceptance_criteria;
  if (typeof task.title !== 'string') throw new Error('the task has no title');
  if (!Array.isArray(criteria) || criteria.length === 0)
    throw new Error('the task has no acceptance_criteria: a plan needs to know when the work is done');
  return { title: task.title, criteria: criteria.map(String) };
}

async function failingTests() {
  const command = findTestCommand();
  if (command === null) return { command: null, passed: 0, failed: 0, failing: [] };
  const { passed, failed, failing } = readTestOutput((await runTests(command)).output);
  const inFolder = (file) => (file === null ? null : relative(process.cwd(), file));
  return {
    command: command.join(' '),
    passed,
    failed,
    failing: failing.map((one) => ({ ...one, file: inFolder(one.file) })),
  };
}

/** Where a criterion is to be met: the file that says most about it; code counts double when a failing test imports it. */
function targetsOf(criterion, { files, test }) {
  const underTest = new Set(
    failingTestFiles(test).flatMap((path) => files.find((file) => file.path === path)?.imports ?? []),
  );
  return filesAbout(
    criterion,
    files.filter((file) => !isTest(file.path)),
  )
    .map((found) => (underTest.has(found.path) ? { ...found, score: found.score * 2 } : found))
    .toSorted((a, b) => b.score - a.score)
    .slice(0, 1);
}

function findKeyFiles({ criteria, files, test }) {
  const reasons = new Map();
  const add = (path, reason) => reasons.set(path, [...(reasons.get(path) ?? []), reason]);
  for (const { criterion, files: targets } of criteria) {
    for (const { path, score, matched } of targets)
      add(path, `says most about "${criterion}" (${matched.join(', ')}; score ${score})`);
  }
  for (const path of failingTestFiles(test)) {
    const names = test.failing.filter((one) => one.file === path).map((one) => `"${one.name}"`);
    add(path, `holds the failing ${names.length === 1 ? 'test' : 'tests'} ${names.join(', ')}`);
    for (const imported of files.find((file) => file.path === path)?.imports ?? []) {
      if (reasons.has(imported)) add(imported, `is imported by ${path}`);
    }
  }
  return [...reasons].map(([path, why]) => ({ path, reason: why.join('; ') }));
}

function stepsOf({ criteria, test }) {
  const steps = criteria.map(({ criterion, files }) => ({
    title:
      files.length === 0
        ? `Find the place for: ${criterion}`
        : `Change ${files.map((file) => file.path).join(', ')}: ${criterion}`,
    files: files.map((file) => file.path),
    criterion,
  }));
  for (const one of test.failing) {
    steps.push({
      title: `See the test "${one.name}" pass`,
      files: one.file === null ? [] : [one.file],
      criterion: null,
    });
  }
  if (test.command !== null) {
    steps.push({
      title: `Run ${test.command}: the ${count(test.passed, 'test')} that pass today must still pass`,
      files: [],
      criterion: null,
    });
  }
  return steps;
}

/** What else may be hit: whoever uses the key files, and code that no test imports. */
function risksOf({ keyFiles, files, test }) {
  const risks = test.failing.length === 0 ? ['No test fails today, so no test shows when the work is done'] : [];
  for (const { path } of keyFiles.filter((file) => isCode(file.path) && !isTest(file.path))) {
    const importers = importersOf(path, files);
    const users = importers.filter((user) => !isTest(user));
    if (users.length > 0) risks.push(`${path} is used by ${users.join(', ')}, which will see the change`);
    if (users.length === importers.length) risks.push(`No test imports ${path} directly`);
  }
  return risks;
}

function failingTestFiles(test) {
  return [...new Set(test.failing.map((one) => one.file).filter((file) => file !== null))];
}

function render({ goal, test, keyFiles, steps, acceptanceCriteria, risks }) {
  const list = (lines) => (lines.length === 0 ? '- none' : lines.map((line) => `- ${line}`).join('\n'));
  const failing = test.failing.map((one) => `failing: "${one.name}" (${one.file}:${one.line})`);
  return `# ${goal}

## Tests today

${list([`${test.command ?? 'no test command'}: ${test.passed} passed, ${test.failed} failed`, ...failing])}

## Key files

${list(keyFiles.map((file) => `\`${file.path}\`: ${file.reason}`))}

## Steps

${steps.map((step, index) => `${index + 1}. ${step.title}`).join('\n')}

## Acceptance criteria

${list(acceptanceCriteria)}

## Risks

${list(risks)}
`;
}
