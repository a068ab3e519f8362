/** `coord watch`: follows a run that was started before, and sees to it that it moves; or tells of all runs. */
import { collect, type Invoke, personasOf, type Program, withSession } from '../call.js';
import { CoordError } from '../../core/errors.js';
import { runHasEnded } from '../../core/statuses.js';
import { followToTheEnd } from '../outcome.js';
import { watchAll } from '../watch-all.js';

export function addWatch(program: Program, invoke: Invoke): void {
  program
    .command('watch')
    .description('follow a run to its end, or tell what happens to all of them')
    .argument('[run]', 'id of the run; left out, all runs of the namespace until Ctrl-C')
    .option('--personas <dir>', 'folder with persona files, should a host have to be started (repeatable)', collect)
    .option('--until-waiting', 'leave the run, with exit code 4, when it waits for people or a signal')
    .option('--json', 'print one JSON document at the end; of all runs one per fact and line')
    .action((run, flags, command) =>
      invoke(command, async (call) => {
        if (run === undefined) {
          if (flags.personas !== undefined || flags.untilWaiting === true)
            throw new CoordError('USAGE', '--personas and --until-waiting are for one run: coord watch <run>');
          return withSession(call, 'find', (session) => watchAll(call, session, flags.json === true));
        }
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
