/** `git-operation`: what git does in the run's worktree. Names that git would take for something else are refused here already. */
import { quoted } from '../../expression/problem.js';
import { hasHoles } from '../../expression/template.js';
import { BRANCH_OPERATIONS, GIT_OPERATIONS, type StepBase } from '../steps.js';
import { readPolicy } from './asking.js';
import type { ReadContext, StepBody } from './draft.js';
import type { Sheet } from './sheet.js';

export function readGit(sheet: Sheet, base: StepBase, context: ReadContext): StepBody {
  sheet.need('operation', `Say what git does: one of ${GIT_OPERATIONS.join(', ')}.`);
  const operation = sheet.word('operation', GIT_OPERATIONS);
  if (operation !== null && BRANCH_OPERATIONS.includes(operation))
    sheet.need('branch', `Say which branch to ${operation}, for example "branch: feature/{{ task.slug }}".`);
  if (operation === 'commit') sheet.need('message', 'Say what the commit is, for example "message: {{ task.title }}".');
  const step = {
    branch: sheet.template('branch'),
    from: sheet.template('from'),
    message: sheet.template('message'),
    remote: sheet.template('remote'),
  };
  for (const key of ['branch', 'from'] as const) refuseName(sheet, key, whyNoBranch(step[key]));
  refuseName(sheet, 'remote', whyNoRemote(step.remote));
  return {
    definition: {
      ...base,
      type: 'git-operation',
      ...readPolicy(sheet, context),
      operation: operation ?? 'commit',
      ...step,
    },
  };
}

function refuseName(sheet: Sheet, key: string, why: string | null): void {
  const node = sheet.fields.node(key);
  if (why === null || node?.kind !== 'scalar') return;
  sheet.problems.add('wrong-type', node, `"${key}" of ${sheet.owner} cannot be ${quoted(String(node.value))}: ${why}`);
}

/** Why git would not take the text for a branch, or would take it for more than one; null when it may be one. */
function whyNoBranch(name: string | null): string | null {
  if (name === null || hasHoles(name)) return name?.startsWith('-') === true ? 'it starts with "-"' : null;
  if (name === '') return 'it is empty';
  if (name.length > 200) return 'it is longer than 200 characters';
  if (/^[-/.]/.test(name)) return `it starts with "${name.charAt(0)}"`;
  if (/[\p{Cc}\p{Cf}\s]/u.test(name)) return 'it contains a space or a control character';
  const part = /\.\.|@\{|\/\/|\/\.|[~^:?*[\\]/.exec(name);
  if (part !== null) return `it contains "${part[0]}"`;
  const end = /(?:\.lock|\/|\.)$/.exec(name);
  if (end !== null) return `it ends with "${end[0]}"`;
  return name === '@' || name.includes('.lock/') ? 'git keeps that name for itself' : null;
}

function whyNoRemote(name: string | null): string | null {
  if (name === null || (hasHoles(name) && !name.startsWith('-'))) return null;
  if (/^[A-Za-z0-9_][\w.-]{0,99}$/.test(name)) return null;
  return 'a remote is named as "git remote" lists it, for example origin';
}
