/** `coord cancel`: asks a run to stop, and waits until it has. */
import { CoordError } from '../../core/errors.js';
import { type Call, type Invoke, note, print, printJson, type Program, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { follow } from '../follow.js';
import { holdersOf, lastProcess } from '../last-process.js';
import { person } from '../person.js';
import { summary } from '../render/summary.js';
import { silentTeller } from '../tellers.js';

export function addCancel(program: Program, invoke: Invoke): void {
  program
    .command('cancel')
    .description('end a run before its time')
    .argument('<run>', 'id of the run')
    .option('--reason <text>', 'why, for its history', 'canceled on the command line')
    .option('--no-wait', 'do not wait until the last process of the run is gone')
    .option('--json', 'print one JSON document at the end')
    .action((run, { reason, wait, json }, command) =>
      invoke(command, (call) => cancel(call, { run, reason, wait, json: json === true })),
    );
}

async function cancel(
  call: Call,
  { run, reason, wait, json }: { run: string; reason: string; wait: boolean; json: boolean },
): Promise<number> {
  return withSession(call, 'start', async (session) => {
    const { client } = session;
    // Who holds what is only seen while it is held.
    const holders = wait ? await holdersOf(client, run) : new Set<string>();
    const from = call.app.clock.monotonic();
    await client.cancel(run, { reason, by: person(call.io) });
    // The run is canceled by its next transition, so somebody must move it; personas are not needed for that.
    const hosting = (await call.app.isHosted(session)) ? null : await call.app.ensureHost(session, call.options, []);
    const followed = await follow(call, { session, run, personas: [], hosting, teller: silentTeller(call) });
    if (followed.detached) {
      note(call, `The request is stored; the run will be canceled: coord show ${run}`);
      return EXIT.interrupted;
    }
    const { view } = followed;
    const exitCode = view.status === 'canceled' ? EXIT.ok : EXIT.failed;
    const gone = exitCode === EXIT.ok ? await lastProcess(call, client, { view, holders, from }) : null;
    if (gone !== null) note(call, `Run ${run} is canceled; ${gone}.`);
    if (json) printJson(call, { ...view, exitCode });
    else print(call, summary(view, call));
    if (exitCode === EXIT.failed && view.quarantined === null)
      throw new CoordError('RUN_ENDED', `run ${run} was ${view.status} before it could be canceled`);
    return exitCode;
  });
}
