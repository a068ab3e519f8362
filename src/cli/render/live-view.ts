/** A run as it stands, as lines for a terminal that are drawn again and again. */
import type { RunView } from '../../core/views.js';
import type { BlockFacts } from './block-facts.js';
import { duration } from './duration.js';
import { type Palette, paintStatus, STEP_SIGN } from './paint.js';
import { oneLine } from './printable.js';
import { paintStep, stepDetail } from './step-detail.js';
import { isFatal, isUnderWay, stepRows, type StepRow } from './step-tree.js';
import { askLines, asksOf, slotWords } from './waiting.js';
import { cut, pad, widthOf } from './width.js';

export interface LiveState {
  readonly view: RunView;
  /** The store's clock, ms. */
  readonly now: number;
  /** When the next attempt of a retrying step is due, by step id, ms. */
  readonly retryAt: ReadonlyMap<string, number>;
  readonly blocks: BlockFacts;
  /** Why it does not move; empty when nothing is known to hold it up. */
  readonly hints: readonly string[];
}

const LONGEST_NAME = 30;
/** Questions that are drawn; a screen is small. */
const ASKS = 2;

/** At most `rows` lines; with more steps than that, the ones that are under way or failed are shown. */
export function liveLines(
  state: LiveState,
  { colors, rows, columns }: { colors: Palette; rows: number; columns: number },
): readonly string[] {
  const { view, now } = state;
  const elapsed = duration((view.endedAt ?? now) - (view.startedAt ?? view.createdAt));
  const head = `${colors.bold(oneLine(view.id))}  ${oneLine(view.workflow)}  ${paintStatus(colors, view.status)}  ${elapsed}`;
  const below = belowOf(state, colors);
  const shown = chosen(stepRows(view.steps, state.blocks), Math.max(1, rows - 1 - below.length));
  const longest = Math.max(0, ...shown.map((row) => widthOf(nameOf(row))));
  const width = Math.min(LONGEST_NAME, Math.floor(columns / 3), longest);
  const lines = shown.map((row) => stepLine(row, { state, colors, width }));
  const hidden = view.steps.length - shown.length;
  const rest = hidden === 0 ? [] : [colors.dim(`  and ${String(hidden)} more steps: coord show ${view.id}`)];
  return [head, ...lines, ...rest, ...below].slice(0, Math.max(1, rows));
}

/** What people can do, and why the run does not move. */
function belowOf({ view, hints }: LiveState, colors: Palette): readonly string[] {
  const turn = view.slot === null ? [] : [`! ${slotWords(view.slot)}`];
  const asks = askLines(asksOf(view), { run: view.id, most: ASKS });
  return [...turn, ...asks, ...hints.map((hint) => `! ${hint}`)].map((line) => colors.warning(line));
}

function stepLine(
  row: StepRow,
  { state, colors, width }: { state: LiveState; colors: Palette; width: number },
): string {
  const { step, note } = row;
  const attempt = step.attempt > 1 ? `  attempt ${String(step.attempt)}` : '';
  const detail = stepDetail(step, { now: state.now, retryAt: state.retryAt.get(step.id), note });
  const said = detail === '' ? '' : `  ${paintStep(colors, step, detail)}`;
  const sign = paintStep(colors, step, STEP_SIGN[step.status]);
  return `${sign} ${pad(cut(nameOf(row), width), width)}  ${colors.dim(whoOf(row))}${attempt}${said}`;
}

/** Who is asked, or what kind of step it is. */
export function whoOf({ step }: StepRow): string {
  return step.persona === '' ? `(${oneLine(step.type)})` : oneLine(step.persona);
}

/** A name that is still a template says less than the id. */
function nameOf({ step, frame, id, depth }: StepRow): string {
  return `${'  '.repeat(depth)}${frame}${step.name.includes('{{') ? id : oneLine(step.name)}`;
}

/** In the order of the workflow. One line is kept free for the number of those left out. */
function chosen(rows: readonly StepRow[], most: number): readonly StepRow[] {
  if (rows.length <= most) return rows;
  const urgency = ({ step }: StepRow): number => {
    if (isFatal(step) || step.status === 'waiting') return 0;
    if (isUnderWay(step)) return 1;
    return step.status === 'pending' ? 2 : 3;
  };
  const kept = new Set(rows.toSorted((a, b) => urgency(a) - urgency(b)).slice(0, Math.max(1, most - 1)));
  return rows.filter((row) => kept.has(row));
}
