/** `coord verify`: whether what is stored is what was stored. Names the place when it is not. */
import type { Operator, RunPlace } from '../../coordinator/client-operator.js';
import type { Problem, RunVerdict } from '../../coordinator/client-verify.js';
import { type Call, type Invoke, print, printJson, type Program, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { duration } from '../render/duration.js';
import { LiveArea } from '../render/live-area.js';
import { oneLine } from '../render/printable.js';

export function addVerify(program: Program, invoke: Invoke): void {
  program
    .command('verify')
    .description('check that runs are what their histories say')
    .argument('[run...]', 'ids of runs; all of them when none is named')
    .option('--json', 'print JSON')
    .action((runs, { json }, command) =>
      invoke(command, (call) =>
        withSession(call, 'find', async ({ client, operator }) => {
          // One that is not there at all is a mistake of who asks.
          for (const run of runs) if (!(await operator.isKnown(run))) await client.get(run);
          const report = await verify(call, { operator, runs, quiet: json === true });
          if (json === true) printJson(call, report);
          else print(call, words(call, report));
          return report.faults === 0 ? EXIT.ok : EXIT.failed;
        }),
      ),
    );
}

interface Report {
  readonly runs: number;
  readonly transitions: number;
  /** Runs with problems. */
  readonly faults: number;
  readonly ms: number;
  /** Only runs of which there is something to say. */
  readonly found: readonly RunVerdict[];
  readonly leftovers: readonly string[];
}

async function verify(
  call: Call,
  { operator, runs, quiet }: { operator: Operator; runs: readonly string[]; quiet: boolean },
): Promise<Report> {
  const { clock } = call.app;
  const places: readonly RunPlace[] =
    runs.length > 0 ? runs.map((run) => operator.placeOf(run)) : await operator.runs();
  const begun = clock.monotonic();
  const progress = call.io.isTTY && !quiet ? new LiveArea(call.io) : null;
  const found: RunVerdict[] = [];
  let transitions = 0;
  let count = 0;
  let drawn = 0;
  try {
    for await (const verdict of operator.verify(places)) {
      count++;
      transitions += verdict.version;
      if (verdict.problems.length + verdict.warnings.length + verdict.unchecked.length > 0) found.push(verdict);
      if (progress === null || clock.monotonic() - drawn < 100) continue;
      drawn = clock.monotonic();
      progress.draw([`${String(count)} of ${String(places.length)} runs, ${faultWords(faultsIn(found))}`]);
    }
  } finally {
    progress?.draw([]);
    progress?.close();
  }
  const leftovers = runs.length > 0 ? [] : await operator.leftovers();
  const ms = clock.monotonic() - begun;
  return { runs: count, transitions, faults: faultsIn(found), ms, found, leftovers };
}

function faultsIn(found: readonly RunVerdict[]): number {
  return found.filter(({ problems }) => problems.length > 0).length;
}

function faultWords(count: number): string {
  return count === 0 ? 'nothing wrong' : `${String(count)} with something wrong`;
}

/** Of one run no more is shown: what follows from the first problems helps nobody. */
const SHOWN = 10;

function words({ colors }: Call, { runs, transitions, faults, ms, found, leftovers }: Report): string {
  const lines = found.flatMap(({ run, problems, warnings, unchecked }) => [
    `${problems.length > 0 ? colors.bad('✗') : colors.warning('!')} run ${oneLine(run)}`,
    ...problems.slice(0, SHOWN).map((problem) => `    ${oneLine(placeWords(problem))}`),
    ...(problems.length > SHOWN ? [`    and ${String(problems.length - SHOWN)} more`] : []),
    ...warnings.map((text) => `    ${colors.warning('note')}: ${oneLine(text)}`),
    ...unchecked.map((text) => `    ${colors.dim('not checked')}: ${oneLine(text)}`),
  ]);
  const left = leftovers.map((text) => `${colors.warning('!')} ${oneLine(text)}`);
  const count = `${String(runs)} ${runs === 1 ? 'run' : 'runs'}, ${String(transitions)} transitions in ${duration(ms)}`;
  const sign = faults === 0 ? colors.good('✓') : colors.bad('✗');
  return [...lines, ...left, `${sign} ${count}: ${faultWords(faults)}`].join('\n');
}

function placeWords({ entry, version, field, expected, found }: Problem): string {
  const where = entry === null ? '' : `entry ${entry} (version ${String(version)}): `;
  return `${where}${field} should be ${expected}, is ${found}`;
}
