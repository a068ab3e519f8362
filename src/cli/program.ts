/** The command line put together: `buildProgram` knows the commands, `runCommandLine` runs one and has its exit code. */
import { CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings';
import type { Application } from './application.js';
import { bareProgram, callFor, type Invoke, type Program } from './call.js';
import { addArtifacts } from './commands/artifacts.js';
import { addBackup } from './commands/backup.js';
import { addCancel } from './commands/cancel.js';
import { addDaemon } from './commands/daemon.js';
import { addDead } from './commands/dead.js';
import { addDecide } from './commands/decide.js';
import { addDiff } from './commands/diff.js';
import { addDoctor } from './commands/doctor.js';
import { addDown } from './commands/down.js';
import { addEta } from './commands/eta.js';
import { addEvents } from './commands/events.js';
import { addFork } from './commands/fork.js';
import { addFmt } from './commands/fmt.js';
import { addGc } from './commands/gc.js';
import { addGraph } from './commands/graph.js';
import { addHistory } from './commands/history.js';
import { addInbox } from './commands/inbox.js';
import { addInit } from './commands/init.js';
import { addIncidents } from './commands/incidents.js';
import { addList } from './commands/list.js';
import { addLock, addLocks } from './commands/lock.js';
import { addLogs } from './commands/logs.js';
import { addMigrate } from './commands/migrate.js';
import { addNew } from './commands/new.js';
import { addPersona } from './commands/persona.js';
import { addPlan } from './commands/plan.js';
import { addPlugins } from './commands/plugins.js';
import { addRepair } from './commands/repair.js';
import { addRestore } from './commands/restore.js';
import { addRun } from './commands/run.js';
import { addSchedule } from './commands/schedule.js';
import { addShow } from './commands/show.js';
import { addSignal } from './commands/signal.js';
import { addStats } from './commands/stats.js';
import { addPause, addRestart, addResume, addRetry, addSkip } from './commands/steer.js';
import { addTest } from './commands/test.js';
import { addTop } from './commands/top.js';
import { addUp } from './commands/up.js';
import { addValidate } from './commands/validate.js';
import { addVerify } from './commands/verify.js';
import { addWatch } from './commands/watch.js';
import { addWhy } from './commands/why.js';
import { addWorker } from './commands/worker.js';
import { EXIT } from './exit-codes.js';
import type { Io } from './io.js';
import { reportError } from './report-error.js';

/** In the order that the help shows them. */
const COMMANDS = [
  addRun,
  addWatch,
  addList,
  addShow,
  addWhy,
  addTop,
  addInbox,
  addEta,
  addStats,
  addHistory,
  addLogs,
  addDiff,
  addArtifacts,
  addDecide,
  addSignal,
  addEvents,
  addPause,
  addResume,
  addRetry,
  addSkip,
  addRestart,
  addFork,
  addCancel,
  addMigrate,
  addSchedule,
  addLock,
  addLocks,
  addValidate,
  addPlan,
  addGraph,
  addTest,
  addFmt,
  addPersona,
  addPlugins,
  addNew,
  addInit,
  addDaemon,
  addWorker,
  addUp,
  addDown,
  addDoctor,
  addDead,
  addRepair,
  addGc,
  addVerify,
  addIncidents,
  addBackup,
  addRestore,
];

interface Outcome {
  exitCode: number;
}

/** The whole program. A command that ran leaves its exit code in `outcome`; commander's own endings are thrown as CommanderError. */
export function buildProgram(app: Application, io: Io, outcome: Outcome = { exitCode: EXIT.ok }): Program {
  const program = bareProgram()
    .description('Runs workflows of AI personas; kill anything at any time, and a run goes on where it was.')
    .usage('<command> [options]')
    .version(app.version, '-V, --version', 'print the version')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // Errors are reported in one place, report-error.ts.
      writeErr: () => undefined,
      outputError: () => undefined,
      getOutHelpWidth: () => io.columns,
      getOutHasColors: () => false,
    })
    .exitOverride();
  const invoke: Invoke = async (command, body) => {
    outcome.exitCode = await body(callFor(command.optsWithGlobals(), { app, io }));
  };
  for (const add of COMMANDS) add(program, invoke);
  for (const command of program.commands)
    command.exitOverride((error) => {
      const hint = usageHint(error, command);
      if (hint === '') throw error;
      throw new CommanderError(error.exitCode, error.code, `${error.message.replace(/\.$/, '')}${hint}`);
    });
  return program;
}

/** How the command is called, and which option was meant by a letter. */
function usageHint({ code, message }: CommanderError, command: CommandUnknownOpts): string {
  if (code === 'commander.unknownOption') {
    const letter = /'-(\w)'/.exec(message)?.[1];
    const meant = command.options.filter(
      ({ long }) => letter !== undefined && long?.startsWith(`--${letter}`) === true,
    );
    return meant.length === 0 ? '' : `\n(Did you mean ${meant.map(({ long }) => long ?? '').join(' or ')}?)`;
  }
  if (code !== 'commander.missingArgument' && code !== 'commander.excessArguments') return '';
  const words = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return `; usage: ${['coord', command.name(), ...words].join(' ')}`;
}

/** `argv` as `process.argv`. Returns the exit code; never throws, never ends the process. */
export async function runCommandLine(argv: readonly string[], app: Application, io: Io): Promise<number> {
  const outcome: Outcome = { exitCode: EXIT.ok };
  try {
    await buildProgram(app, io, outcome).parseAsync(argv);
    return outcome.exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    if (error instanceof CommanderError && error.code === 'commander.help') {
      io.stdout.write(welcome(app.version));
      return EXIT.ok;
    }
    const options = new Set(argv.slice(2, argv.includes('--') ? argv.indexOf('--') : undefined));
    return reportError(error, { io, json: options.has('--json'), color: io.color && !options.has('--no-color') });
  }
}

/** What `coord` alone says. */
function welcome(version: string): string {
  return `coord ${version}: runs workflows of AI personas; kill anything at any time, and a run goes on where it was.

  coord run <workflow> --task task.yml   start a run, or go on with one, and follow it
  coord list                             the runs, and where each stands
  coord watch <run>                      follow a run again
  coord artifacts <run>                  what its personas made
  coord doctor                           what is missing here, and how to get it

All commands: coord --help. One of them: coord <command> --help.
`;
}
