/** `coord why`: why a run does not go on, and what to do about it. */
import type { Cause, Chain, Explanation } from '../../core/causes.js';
import { type Call, type Invoke, print, printJson, type Program, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { tellCause } from '../render/cause-words.js';
import { oneLine } from '../render/printable.js';

export function addWhy(program: Program, invoke: Invoke): void {
  program
    .command('why')
    .description('why a run does not go on, down to the root, and what to do about it')
    .argument('<run>', 'id of the run')
    .option('--json', 'print JSON')
    .action((run, { json }, command) =>
      invoke(command, (call) =>
        withSession(call, 'find', async ({ observer }) => {
          const answer = await observer.why(run);
          if (json === true) printJson(call, withWords(answer));
          else for (const line of linesOf(call, answer)) print(call, line);
          return EXIT.ok;
        }),
      ),
    );
}

/** Each cause with its sentence, for programs that show it to people. */
function withWords({ waits, now, ...answer }: Explanation): object {
  return {
    ...answer,
    now,
    waits: waits.map((chain) => chain.map((cause) => ({ ...cause, ...tellCause(cause, now) }))),
  };
}

/** Roots that are told, and steps that are named behind one. */
const ROOTS = 20;
const NAMED = 8;

/** One paragraph for each root: what it is, what to do, and what it holds up. */
function linesOf(call: Call, { run, status, waits, more, now }: Explanation): readonly string[] {
  const { colors } = call;
  const lines = [`Run ${colors.bold(oneLine(run))}${status === null ? '' : ` is ${status}`}.`];
  const roots = new Map<string, Chain[]>();
  for (const chain of waits) {
    const name = JSON.stringify(chain.at(-1));
    roots.set(name, [...(roots.get(name) ?? []), chain]);
  }
  for (const chains of [...roots.values()].slice(0, ROOTS)) lines.push('', ...rootLines(call, { run, chains, now }));
  const hidden = Math.max(0, roots.size - ROOTS);
  if (hidden + more > 0) lines.push('', `and ${String(hidden + more)} more: coord why ${oneLine(run)} --json`);
  return lines;
}

function rootLines(
  { colors }: Call,
  { run, chains, now }: { run: string; chains: readonly Chain[]; now: number },
): readonly string[] {
  // The shortest names the root; what leads there is told once, from the run that was asked about.
  const [first = []] = chains;
  const above = first.slice(0, -1).map((cause) => tellCause(cause, now).text);
  const [root] = first.slice(-1);
  if (root === undefined) return [];
  const { text, next } = tellCause(root, now);
  const inRun = root.run === run || root.step === null ? '' : ` (in run ${oneLine(root.run)})`;
  const lines = [...above, `${text}${inRun}`].map(
    (line, depth) => `${'  '.repeat(depth)}${depth === 0 ? '' : '→ '}${line}`,
  );
  const indent = '  '.repeat(lines.length);
  const also = chains.slice(1).flatMap(([cause]) => (cause === undefined ? [] : nameOf(cause)));
  const named =
    also.slice(0, NAMED).join(', ') + (also.length > NAMED ? ` and ${String(also.length - NAMED)} more` : '');
  return [
    ...lines.map((line, at) => (at === lines.length - 1 ? colors.warning(line) : line)),
    ...next.map((command) => `${indent}next: ${command}`),
    ...(also.length === 0 ? [] : [colors.dim(`${indent}held up by it: ${named}`)]),
  ];
}

function nameOf({ step }: Cause): readonly string[] {
  return step === null ? [] : [oneLine(step)];
}
