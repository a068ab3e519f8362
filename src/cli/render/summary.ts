/** What is left to say when a run was followed to its end: how it went, why, and where the work is. */
import type { RunView } from '../../core/views.js';
import { duration } from './duration.js';
import { type Palette, paintStatus } from './paint.js';
import { oneLine, severalLines } from './printable.js';
import { shellWord } from './shell-word.js';
import { isFatal } from './step-tree.js';
import { slotWords } from './waiting.js';

const REASON_LINES = 12;
const RESULT_CHARACTERS = 100;
const RESULT_LINES = 12;
const LINE = 200;

/** `standsIn`: top of the repository around the reader's shell, so that commands are only as long as they must be. */
export function summary(
  view: RunView,
  { colors, standsIn, durable = true }: { colors: Palette; standsIn: string; durable?: boolean },
): string {
  const undone = undoFailures(view);
  const lines = [headline(view, colors), ...parentOf(view), ...reason(view)];
  if (undone !== null) lines.push(colors.bad(`! ${undone}`));
  const count = view.steps.reduce((sum, step) => sum + step.artifacts.length, 0);
  const where = durable ? `, see: coord artifacts ${view.id}` : ', gone with this process';
  if (count > 0) lines.push(`  artifacts: ${String(count)}${where}`);
  lines.push(...branch(view, standsIn), ...result(view));
  return `${lines.join('\n')}\n`;
}

/** Steps that are named. */
const NAMED = 5;

/** `1 of 5 steps that undo failed: b[compensate]/b1`; null when undoing went well, or there was nothing to undo. */
export function undoFailures({ steps }: RunView): string | null {
  const blocks = new Set(steps.map(({ parent }) => parent));
  const undoing = steps.filter(({ id }) => id.includes('[compensate]/') && !blocks.has(id));
  const failed = undoing.filter(isFatal).map(({ id }) => oneLine(id));
  if (failed.length === 0) return null;
  const named = failed.slice(0, NAMED).join(', ') + (failed.length > NAMED ? ', …' : '');
  const all = undoing.length === 1 ? '1 step' : `${String(undoing.length)} steps`;
  return `${String(failed.length)} of ${all} that undo failed: ${named}`;
}

function headline(view: RunView, colors: Palette): string {
  const { id, status, quarantined, startedAt, createdAt, endedAt, state } = view;
  const after = endedAt === null ? '' : ` after ${duration(endedAt - (startedAt ?? createdAt))}`;
  const what = quarantined === null ? paintStatus(colors, status) : colors.bad('set aside');
  return `Run ${colors.bold(oneLine(id))} ${endedAt === null ? 'is' : status === 'canceled' ? 'was' : 'has'} ${what}${state === undefined ? '' : `, ${oneLine(state)}`}${after}.`;
}

function reason({ id, quarantined, failure, canceled, paused = null, slot }: RunView): readonly string[] {
  if (quarantined !== null) return indented(quarantined);
  if (canceled !== null) return indented(`by ${canceled.by}: ${canceled.reason}`);
  if (paused !== null)
    return [...indented(`by ${paused.by}: ${paused.reason}`), `  to go on: coord resume ${oneLine(id)}`];
  if (failure !== null) {
    const who = failure.step === null ? '' : `step ${failure.step}: `;
    return indented(`${who}${failure.class} ${failure.message}`);
  }
  return slot === null ? [] : [`  ${slotWords(slot)}`];
}

/** On one line when it is short, else as it is read best. */
function result({ id, status, result: value }: RunView): readonly string[] {
  if (status !== 'completed' || value === null) return [];
  const short = JSON.stringify(value);
  if (short.length <= RESULT_CHARACTERS) return [`  result: ${oneLine(short)}`];
  const lines = (JSON.stringify(value, null, 2) ?? '').split('\n').map((line) => oneLine(line));
  const cut = lines
    .slice(0, RESULT_LINES)
    .map((line) => `    ${line.length > LINE ? `${line.slice(0, LINE)}…` : line}`);
  const whole = lines.length <= RESULT_LINES && lines.every((line) => line.length <= LINE);
  return ['  result:', ...cut, ...(whole ? [] : [`    … all of it: coord show ${id} --json`])];
}

function parentOf({ parent }: RunView): readonly string[] {
  return parent === null ? [] : [`  inside run ${oneLine(parent.run)}, step ${oneLine(parent.step)}`];
}

function indented(text: string): readonly string[] {
  const lines = severalLines(text).trimEnd().split('\n');
  const rest = lines.length > REASON_LINES ? ['…'] : [];
  return [...lines.slice(0, REASON_LINES), ...rest].map((line) => `  ${line}`);
}

function branch({ workspace, head, status }: RunView, standsIn: string): readonly string[] {
  if (workspace === null || head === null) return [];
  if (head === workspace.base) return ['  branch: none, nothing was committed'];
  const git = standsIn === workspace.repo ? 'git' : `git -C ${shellWord(workspace.repo)}`;
  const name = shellWord(workspace.branch);
  return [
    `  branch: ${name}`,
    `    ${git} log --oneline ${workspace.base.slice(0, 12)}..${name}`,
    // What a run that did not complete leaves behind is to be looked at, not to be merged.
    ...(status === 'completed' ? [`    ${git} merge ${name}`] : []),
  ];
}
