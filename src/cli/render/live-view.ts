/** A run as it stands, as lines for a terminal that are drawn again and again. */
import { stepIsSettled } from '../../core/statuses.js';
import type { RunView, StepView } from '../../core/views.js';
import { duration } from './duration.js';
import { type Palette, paintStatus, statusSign } from './paint.js';
import { oneLine } from './printable.js';
import { stepDetail } from './step-detail.js';
import { cut, pad, widthOf } from './width.js';

export interface LiveState {
  readonly view: RunView;
  /** The store's clock, ms. */
  readonly now: number;
  /** When the next attempt of a retrying step is due, by step id, ms. */
  readonly retryAt: ReadonlyMap<string, number>;
  /** Why it does not move; empty when nothing is known to hold it up. */
  readonly hints: readonly string[];
}

const LONGEST_NAME = 30;

/** At most `rows` lines; with more steps than that, the ones that are under way or failed are shown. */
export function liveLines(
  state: LiveState,
  { colors, rows, columns }: { colors: Palette; rows: number; columns: number },
): readonly string[] {
  const { view, now, hints } = state;
  const elapsed = duration((view.endedAt ?? now) - (view.startedAt ?? view.createdAt));
  const head = `${colors.bold(oneLine(view.id))}  ${oneLine(view.workflow)}  ${paintStatus(colors, view.status)}  ${elapsed}`;
  const warnings = hints.map((hint) => colors.warning(`! ${hint}`));
  const shown = chosen(view.steps, Math.max(1, rows - 1 - warnings.length));
  const longest = Math.max(0, ...shown.map((step) => widthOf(nameOf(step))));
  const width = Math.min(LONGEST_NAME, Math.floor(columns / 3), longest);
  const lines = shown.map((step) => stepLine(step, { state, colors, width }));
  const hidden = view.steps.length - shown.length;
  const rest = hidden === 0 ? [] : [colors.dim(`  and ${String(hidden)} more steps: coord show ${view.id}`)];
  return [head, ...lines, ...rest, ...warnings].slice(0, Math.max(1, rows));
}

function stepLine(
  step: StepView,
  { state, colors, width }: { state: LiveState; colors: Palette; width: number },
): string {
  const attempt = step.attempt > 1 ? `  attempt ${String(step.attempt)}` : '';
  const detail = stepDetail(step, { now: state.now, retryAt: state.retryAt.get(step.id) });
  const said = detail === '' ? '' : `  ${paintStatus(colors, step.status, detail)}`;
  return `${statusSign(colors, step.status)} ${pad(cut(nameOf(step), width), width)}  ${colors.dim(oneLine(step.persona))}${attempt}${said}`;
}

/** A name that is still a template says less than the id. */
function nameOf(step: StepView): string {
  return oneLine(step.name.includes('{{') ? step.id : step.name);
}

/** In the order of the workflow. One line is kept free for the number of those left out. */
function chosen(steps: readonly StepView[], rows: number): readonly StepView[] {
  if (steps.length <= rows) return steps;
  const urgency = (step: StepView): number => {
    if (step.status === 'failed') return 0;
    if (!stepIsSettled(step.status) && step.status !== 'pending') return 1;
    return step.status === 'pending' ? 2 : 3;
  };
  const kept = new Set(steps.toSorted((a, b) => urgency(a) - urgency(b)).slice(0, Math.max(1, rows - 1)));
  return steps.filter((step) => kept.has(step));
}
