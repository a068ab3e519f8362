/** `coord watch`: follows a run that was started before, and sees to it that it moves. */
import { collect, type Invoke, personasOf, type Program, withSession } from '../call.js';
import { runHasEnded } from '../../core/statuses.js';
import { followToTheEnd } from '../outcome.js';

export function addWatch(program: Program, invoke: Invoke): void {
  program
    .command('watch')
    .description('follow a run to its end')
    .argument('<run>', 'id of the run')
    .option('--personas <dir>', 'folder with persona files, should a host have to be started (repeatable)', collect)
    .option('--until-waiting', 'leave the run, with exit code 4, when it waits for people or a signal')
    .option('--json', 'print one JSON document at the end')
    .action((run, flags, command) =>
      invoke(command, async (call) => {
        // Without the option a host that has to be started serves what the one before served.
        const personas = flags.personas === undefined ? null : personasOf(call, flags.personas);
        return withSession(call, 'start', async (session) => {
          const view = await session.client.get(run);
          const moves = runHasEnded(view.status) || (await call.app.isHosted(session));
          const hosting = moves ? null : await call.app.ensureHost(session, call.options, personas);
          const { json, untilWaiting } = flags;
          return followToTheEnd(call, { session, run, personas, hosting, json: json === true, untilWaiting });
        });
      }),
    );
}
