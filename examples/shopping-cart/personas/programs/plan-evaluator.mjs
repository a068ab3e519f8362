/**
 * Scores the plan of the step "planning" from 0 to 100 against the task and the repository as they are.
 * Believes nothing: every file is looked for, every test name is searched in its file. Passes at 70 and more.
 */
import { isTest } from '../../../../personas/programs/diff.mjs';
import { answer, progress, workspaceOf } from '../../../../personas/programs/persona.mjs';
import { findTestCommand } from '../../../../personas/programs/test-command.mjs';
import { filesAbout, importersOf, readRepository } from './repository.mjs';

const PASSING_SCORE = 70;

function evaluate(request) {
  workspaceOf(request);
  const plan = request.results?.planning?.result;
  if (typeof plan !== 'object' || plan === null)
    throw new Error('there is no plan: the step "planning" has left no result');
  const criteria = list(request.task.acceptance_criteria).map(String);
  const checks = CHECKS.map(({ check, points, look }) => {
    const { good, of, reason } = look({ plan, criteria, files: readRepository() });
    return { check, points: of === 0 ? 0 : Math.round((points * good) / of), of: points, reason };
  });
  const score = checks.reduce((sum, one) => sum + one.points, 0);
  for (const one of checks) progress(`${one.points}/${one.of} ${one.check}: ${one.reason}`);
  const reasons = checks.filter((one) => one.points < one.of).map((one) => one.reason);
  const result = { score, passingScore: PASSING_SCORE, checks, reasons };
  const artifacts = [{ name: 'plan-evaluation.md', type: 'text/markdown', content: render(result) }];
  if (score >= PASSING_SCORE) return { status: 'pass', result, artifacts };
  return {
    status: 'fail',
    result,
    artifacts,
    error: `the plan scores ${score} of 100, ${PASSING_SCORE} are needed: ${reasons.join('; ')}`,
  };
}

/** What each check counts: `good` of `of`, and the reason in words. */
const CHECKS = [
  {
    check: 'the key files exist',
    points: 20,
    look: ({ plan, files }) => {
      const wanted = list(plan.keyFiles).map((file) => String(file?.path));
      const missing = wanted.filter((path) => !has(files, path));
      return tally(wanted, missing, {
        none: 'the plan names no key file',
        bad: 'not in the repository',
        fine: 'all key files exist',
      });
    },
  },
  {
    check: 'the failing tests are named',
    points: 25,
    look: ({ plan, files }) => {
      const wanted = list(plan.test?.failing);
      const isThere = (test) =>
        typeof test?.name === 'string' &&
        files.some((file) => file.path === test.file && isTest(file.path) && file.text.includes(test.name));
      const missing = wanted.filter((test) => !isThere(test)).map((test) => `"${test?.name}"`);
      return tally(wanted, missing, {
        none: 'the plan names no failing test',
        bad: 'not found in the file it names',
        fine: 'every failing test stands in its file',
      });
    },
  },
  {
    check: 'each acceptance criterion has a step',
    points: 25,
    look: ({ plan, criteria, files }) => {
      const covers = (step, criterion) =>
        step?.criterion === criterion && list(step.files).length > 0 && step.files.every((path) => has(files, path));
      const missing = criteria.filter((criterion) => !list(plan.steps).some((step) => covers(step, criterion)));
      return tally(criteria, missing, {
        none: 'the task has no acceptance criterion',
        bad: 'no step with a file',
        fine: 'every criterion has a step',
      });
    },
  },
  {
    check: 'the steps change files that speak of their criterion',
    points: 10,
    look: ({ plan, files }) => {
      const steps = list(plan.steps).filter((step) => typeof step?.criterion === 'string');
      const relevant = (step) => filesAbout(step.criterion, files).some(({ path }) => list(step.files).includes(path));
      const missing = steps.filter((step) => !relevant(step)).map((step) => step.criterion);
      return tally(steps, missing, {
        none: 'no step is for a criterion',
        bad: 'its file has none of its words',
        fine: 'every file speaks of its criterion',
      });
    },
  },
  {
    check: 'the tests are run at the end',
    points: 10,
    look: ({ plan }) => {
      const command = findTestCommand()?.join(' ');
      const good = command !== undefined && list(plan.steps).some((step) => String(step?.title).includes(command));
      return {
        good: good ? 1 : 0,
        of: 1,
        reason: good ? `a step runs ${command}` : `no step runs ${command ?? 'a test command'}`,
      };
    },
  },
  {
    check: 'the risks name who uses the key files',
    points: 10,
    look: ({ plan, files }) => {
      const users = list(plan.keyFiles)
        .flatMap((file) => importersOf(String(file?.path), files))
        .filter((path) => !isTest(path));
      const risks = list(plan.risks).map(String);
      if (users.length === 0)
        return {
          good: risks.length > 0 ? 1 : 0,
          of: 1,
          reason: risks.length > 0 ? 'the plan names risks' : 'the plan names no risk',
        };
      const missing = users.filter((path) => !risks.some((risk) => risk.includes(path)));
      return tally(users, missing, {
        none: '',
        bad: 'uses a key file, and no risk names it',
        fine: 'every user of a key file is named',
      });
    },
  },
];

function tally(wanted, missing, { none, bad, fine }) {
  if (wanted.length === 0) return { good: 0, of: 0, reason: none };
  return {
    good: wanted.length - missing.length,
    of: wanted.length,
    reason: missing.length === 0 ? fine : `${missing.join(', ')}: ${bad}`,
  };
}

function has(files, path) {
  return files.some((file) => file.path === path);
}

function list(value) {
  return Array.isArray(value) ? value : [];
}

function render({ score, passingScore, checks }) {
  const rows = checks.map((one) => `| ${one.check} | ${one.points} of ${one.of} | ${one.reason} |`);
  return `# Evaluation of the plan: ${score} of 100, ${passingScore} are needed\n\n| Check | Points | Why |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

await answer(evaluate);
