/** Problems as a person reads them: the place, what is wrong, the lines around it with the place underlined, what to do. */
import type { Problem } from './problem.js';

const SHOWN = 50;
const CONTEXT_LINES = 2;
/** Columns of source that a frame shows; longer lines are cut around the problem. */
const WIDTH = 100;

/** One block per problem and a line with their number. `text` is the file; control characters never reach the terminal. */
export function formatProblems(
  problems: readonly Problem[],
  text: string,
  options: { readonly color: boolean },
): string {
  const paint = options.color ? COLORS : PLAIN;
  const lines = text.split(/\r?\n/, Math.max(0, ...problems.map(({ line }) => line)) + CONTEXT_LINES);
  const blocks = problems.slice(0, SHOWN).map((problem) => block(problem, lines, paint));
  const [first] = problems;
  if (first === undefined) return 'no problems';
  const rest = problems.length > SHOWN ? `, of which the first ${String(SHOWN)} are shown` : '';
  const what = problems.every(({ severity }) => severity === 'warning') ? 'warning' : 'problem';
  const count = problems.length === 1 ? `1 ${what}` : `${String(problems.length)} ${what}s`;
  return `${blocks.join('\n\n')}\n\n${paint.bold(`${count} in ${printable(first.file)}${rest}`)}`;
}

interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly cyan: (text: string) => string;
}

const same = (text: string): string => text;
const PLAIN: Paint = { bold: same, dim: same, red: same, cyan: same };
const sgr =
  (on: number, off: number) =>
  (text: string): string =>
    `\u001B[${String(on)}m${text}\u001B[${String(off)}m`;
const COLORS: Paint = { bold: sgr(1, 22), dim: sgr(2, 22), red: sgr(31, 39), cyan: sgr(36, 39) };

function block(problem: Problem, lines: readonly string[], paint: Paint): string {
  const { file, line, column, code, message, hint } = problem;
  const place = `${printable(file)}:${String(line)}:${String(column)}`;
  const shown = [`${paint.bold(place)}  ${paint.red(code)}  ${printable(message)}`, ...frame(problem, lines, paint)];
  if (hint !== null) shown.push(`${paint.cyan('hint:')} ${printable(hint)}`);
  return shown.join('\n');
}

function frame(problem: Problem, lines: readonly string[], paint: Paint): string[] {
  const { line, column, endColumn } = problem;
  const first = Math.max(1, line - CONTEXT_LINES);
  const last = Math.min(lines.length, line + CONTEXT_LINES);
  const gutter = String(last).length;
  const cut = Math.max(0, column - Math.floor(WIDTH * 0.7));
  const shown: string[] = [];
  for (let number = first; number <= last; number++) {
    const source = lines[number - 1] ?? '';
    const row =
      `${number === line ? '>' : ' '} ${String(number).padStart(gutter)} | ${printable(source.slice(cut, cut + WIDTH))}`.trimEnd();
    shown.push(number === line ? row : paint.dim(row));
    if (number !== line) continue;
    // A tab before the place stays a tab, so that the carets stand under what they mean in every terminal.
    const before = source
      .slice(cut, column - 1)
      .replace(/[^\t]/g, ' ')
      .padEnd(column - 1 - cut);
    const carets = '^'.repeat(Math.max(1, Math.min(endColumn, cut + WIDTH + 1) - column));
    shown.push(`  ${' '.repeat(gutter)} | ${before}${paint.red(carets)}`);
  }
  return shown;
}

/** Files and names may hold anything, also what would move a terminal's cursor or turn the writing direction. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\t]|\p{Cf}|\p{Cs}/gu, '�');
}
