/** What is left to say when a run was followed to its end: how it went, why, and where the work is. */
import type { RunView } from '../../core/views.js';
import { duration } from './duration.js';
import { type Palette, paintStatus } from './paint.js';
import { oneLine, severalLines } from './printable.js';

const REASON_LINES = 12;

/** `standsIn`: top of the repository around the reader's shell, so that commands are only as long as they must be. */
export function summary(
  view: RunView,
  { colors, standsIn, durable = true }: { colors: Palette; standsIn: string; durable?: boolean },
): string {
  const lines = [headline(view, colors), ...reason(view)];
  const count = view.steps.reduce((sum, step) => sum + step.artifacts.length, 0);
  const where = durable ? `, see: coord artifacts ${view.id}` : ', gone with this process';
  if (count > 0) lines.push(`  artifacts: ${String(count)}${where}`);
  lines.push(...branch(view, standsIn));
  return `${lines.join('\n')}\n`;
}

function headline(view: RunView, colors: Palette): string {
  const { id, status, quarantined, startedAt, createdAt, endedAt } = view;
  const after = endedAt === null ? '' : ` after ${duration(endedAt - (startedAt ?? createdAt))}`;
  const what = quarantined === null ? paintStatus(colors, status) : colors.bad('set aside');
  return `Run ${colors.bold(oneLine(id))} ${endedAt === null ? 'is' : status === 'canceled' ? 'was' : 'has'} ${what}${after}.`;
}

function reason({ quarantined, failure, canceled }: RunView): readonly string[] {
  if (quarantined !== null) return indented(quarantined);
  if (canceled !== null) return indented(`by ${canceled.by}: ${canceled.reason}`);
  if (failure !== null) return indented(`step ${failure.step}: ${failure.class} ${failure.message}`);
  return [];
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

/** As a shell reads it back; control characters are shown as escapes, since such a command is not for running blindly. */
function shellWord(text: string): string {
  const shown = oneLine(text);
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}
