/** `coord eta`: how far a run is, and when it may be over. */
import type { Eta } from '../../coordinator/client-eta.js';
import { runHasEnded } from '../../core/statuses.js';
import { type Call, type Invoke, print, printJson, type Program, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { dateAndTime, duration } from '../render/duration.js';
import { oneLine } from '../render/printable.js';

export function addEta(program: Program, invoke: Invoke): void {
  program
    .command('eta')
    .description('how far a run is, and when it may be over')
    .argument('<run>', 'id of the run')
    .option('--json', 'print JSON')
    .action((run, { json }, command) =>
      invoke(command, (call) =>
        withSession(call, 'find', async ({ observer }) => {
          const eta = await observer.eta(run);
          if (json === true) printJson(call, eta);
          else print(call, linesOf(call, eta).join('\n'));
          return EXIT.ok;
        }),
      ),
    );
}

function linesOf({ colors }: Call, eta: Eta): readonly string[] {
  const { now, startedAt, endedAt, percent, steps, phases } = eta;
  const took = startedAt === null ? '' : `, ${duration((endedAt ?? now) - startedAt)}`;
  const far = percent === null ? '' : `${String(percent)} %, `;
  const head = `Run ${colors.bold(oneLine(eta.run))} is ${eta.status}${eta.state === undefined ? '' : `, ${oneLine(eta.state)}`}${took}: ${far}${String(steps.settled)} of ${String(steps.total)} steps`;
  const at = phases.map(({ step, status, since }) => {
    const long = since === null ? '' : ` ${duration(now - since)}`;
    return `  ${oneLine(step)}  ${status}${long}`;
  });
  return [head, ...at, ...endWords(eta)];
}

function endWords({ status, startedAt, estimate, samples, needed, workflow, now }: Eta): readonly string[] {
  if (runHasEnded(status)) return [];
  if (estimate === null) {
    const runs = `${String(samples)} completed ${samples === 1 ? 'run' : 'runs'} of ${oneLine(workflow)}`;
    return [`  no estimate: there ${samples === 1 ? 'is' : 'are'} ${runs}, and ${String(needed)} are needed`];
  }
  const { at, from, to, overdue } = estimate;
  const when = startedAt === null ? 'once it has begun, ' : '';
  const lines = [
    `  ${when}over in about ${duration(at - now)}, at ${dateAndTime(at)}; 8 of 10 between ${dateAndTime(from)} and ${dateAndTime(to)}`,
    `  by ${String(samples)} completed runs of ${oneLine(workflow)}`,
  ];
  if (overdue) lines.push('  ! a step takes longer already than in any of them, so it may take much longer');
  return lines;
}
