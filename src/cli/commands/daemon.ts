/** `coord daemon`: moves runs until it is told to stop. */
import { Option } from '@commander-js/extra-typings';
import { collect, type Invoke, personasOf, positiveInteger, type Program } from '../call.js';
import { age } from './dead.js';
import { DEFAULT_RETENTION_MS } from './gc.js';
import { logOption, serveUntilInterrupted } from '../serving.js';

export function addDaemon(program: Program, invoke: Invoke): void {
  program
    .command('daemon')
    .description('move runs until told to stop')
    .option('--work', 'serve the personas as well')
    .option('--personas <dir>', 'folder with persona files, with --work (repeatable)', collect)
    .option('--partitions <n>', 'number of partitions of a new namespace', positiveInteger)
    .option(
      '--retention <duration>',
      'how long ended runs are kept whose workflow does not say (30d), or off',
      retention,
    )
    .addOption(logOption())
    .addOption(
      new Option('--idle-exit <seconds>', 'end when no run has been under way for so long')
        .argParser(positiveInteger)
        .hideHelp(),
    )
    .action((flags, command) =>
      invoke(command, async (call) =>
        serveUntilInterrupted(call, {
          coordinate: true,
          work: flags.work === true,
          personas: personasOf(call, flags.personas),
          only: null,
          partitions: flags.partitions ?? null,
          retentionMs: flags.retention === 'off' ? null : (flags.retention ?? DEFAULT_RETENTION_MS),
          idleExitMs: flags.idleExit === undefined ? null : flags.idleExit * 1_000,
          log: flags.log,
        }),
      ),
    );
}

/** Ms. */
function retention(text: string): number | 'off' {
  return text === 'off' ? text : age(text);
}
