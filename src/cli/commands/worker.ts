/** `coord worker`: serves personas until it is told to stop. */
import { collect, type Invoke, personasOf, type Program } from '../call.js';
import { logOption, serveUntilInterrupted } from '../serving.js';

export function addWorker(program: Program, invoke: Invoke): void {
  program
    .command('worker')
    .description('serve personas until told to stop')
    .option('--personas <dir>', 'folder with persona files; the first that has a name wins (repeatable)', collect)
    .option('--only <name,…>', 'only these personas', names)
    .addOption(logOption())
    .action((flags, command) =>
      invoke(command, async (call) =>
        serveUntilInterrupted(call, {
          coordinate: false,
          work: true,
          personas: personasOf(call, flags.personas),
          only: flags.only ?? null,
          partitions: null,
          retentionMs: null,
          idleExitMs: null,
          log: flags.log,
        }),
      ),
    );
}

function names(text: string): readonly string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}
