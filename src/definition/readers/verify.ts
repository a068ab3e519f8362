/** `verify`: commands that coord itself runs in a clean worktree, and what must be true of what they say. */
import { globProblem } from '../../core/glob.js';
import { quoted } from '../../expression/problem.js';
import type { StepBase, VerifyStep } from '../steps.js';
import { isText } from '../fields.js';
import type { TreeNode } from '../tree.js';
import { readPolicy } from './asking.js';
import type { ReadContext, StepBody } from './draft.js';
import { Sheet } from './sheet.js';

const COMMANDS = 'a list of commands, each a list of a program and its arguments';
const EXAMPLE = 'For example run: [["npm", "ci"], ["npm", "test"]].';
const MOST = { commands: 20, words: 200, tests: 1_000_000 } as const;

export function readVerify(sheet: Sheet, base: StepBase, context: ReadContext): StepBody {
  sheet.need('run', EXAMPLE);
  const run = readCommands(sheet);
  const expected = readExpected(sheet);
  const protect = sheet.texts('protect', 'globs').flatMap((glob) => {
    const problem = globProblem(glob.value);
    if (problem !== null)
      sheet.problems.add('wrong-type', glob, `"protect" of ${sheet.owner} cannot be ${quoted(glob.value)}: ${problem}`);
    return problem === null ? [glob.value] : [];
  });
  const definition: VerifyStep = {
    ...base,
    type: 'verify',
    ...readPolicy(sheet, context),
    run: run.length === 0 ? [['']] : run,
    ...(expected !== null && { expect: expected }),
    ...(protect.length > 0 && { protect }),
  };
  return { definition };
}

function readCommands(sheet: Sheet): readonly (readonly string[])[] {
  const node = sheet.fields.node('run');
  if (node === null) return [];
  const words = node.kind === 'list' ? node.items.map(wordsOf) : [];
  const commands = words.filter((command) => command !== null);
  if (commands.length === 0 || commands.length !== words.length || commands.length > MOST.commands) {
    sheet.fields.refuse('run', COMMANDS, EXAMPLE);
    return [];
  }
  sheet.use('run', node);
  return commands;
}

function wordsOf(node: TreeNode): readonly string[] | null {
  if (node.kind !== 'list' || node.items.length === 0 || node.items.length > MOST.words) return null;
  const words = node.items.map((item) => (isText(item) ? item.value : null)).filter((word) => word !== null);
  return words.length === node.items.length && words[0] !== '' ? words : null;
}

function readExpected(outer: Sheet): NonNullable<VerifyStep['expect']> | null {
  const node = outer.fields.map('expect', 'a map such as { tests: { min: 1 } }');
  if (node === null) return null;
  const sheet = new Sheet(node, `"expect" of ${outer.owner}`, outer.problems);
  sheet.fields.only({ known: ['tests'], meant: { test: 'tests' } });
  sheet.need('tests', 'For example expect: { tests: { min: 1 } }.');
  const tests = sheet.fields.map('tests', 'a map such as { min: 1 }');
  if (tests === null) return null;
  const inner = new Sheet(tests, `the expected tests of ${outer.owner}`, outer.problems);
  inner.fields.only({ known: ['min'], meant: { least: 'min', at_least: 'min', minimum: 'min' } });
  inner.need('min', 'Say how many tests must have passed, for example min: 1.');
  const min = inner.number('min', { from: 1, to: MOST.tests });
  return min === null ? null : { tests: { min } };
}
