/** `coord restore`: writes a backup into a namespace, which nobody moves until an operator has looked and releases it. */
import type { RestoreReport, Waiting } from '../../coordinator/client-backup.js';
import { CoordError } from '../../core/errors.js';
import { RUN_STATUSES } from '../../core/statuses.js';
import { type Call, type Invoke, note, print, printJson, type Program } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { dateAndTime } from '../render/duration.js';
import { oneLine } from '../render/printable.js';

interface Flags {
  readonly replace?: true | undefined;
  readonly release?: true | undefined;
  readonly json?: true | undefined;
}

export function addRestore(program: Program, invoke: Invoke): void {
  program
    .command('restore')
    .description('write a backup back, and release it; without a file: what waits for that')
    .argument('[file]', 'file that coord backup has written')
    .option('--replace', 'delete all that is in the namespace first')
    .option('--release', 'let coordinators and workers have what was restored')
    .option('--json', 'print JSON')
    .action((file, flags, command) => invoke(command, (call) => restore(call, file, flags)));
}

async function restore(call: Call, file: string | undefined, { replace, release, json }: Flags): Promise<number> {
  if (release === true && file !== undefined)
    throw new CoordError(
      'USAGE',
      'look at what was restored first, then release it by a command of its own: coord restore --release',
    );
  const { namespace } = call.options;
  const session = await call.app.backups(call.options, file === undefined ? 'find' : 'start');
  const { backups } = session;
  const say = (value: unknown, text: string): void => {
    if (json === true) printJson(call, value);
    else print(call, text);
  };
  try {
    if (session.notice !== null) note(call, session.notice);
    if (file !== undefined) {
      if (replace === true) note(call, `Everything in namespace ${namespace} is deleted, and replaced by ${file}.`);
      const report = await backups.restore(call.path(file), { replace: replace === true });
      say(report, restored(call, report));
    } else if (release === true) {
      const released = await backups.release();
      say(
        released,
        released.length === 0
          ? 'No partition was on hold.'
          : `${inWords(released)}\n${call.colors.good('✓')} Released: it goes on as soon as a coordinator is there (coord up, coord daemon).`,
      );
    } else {
      const waiting = await backups.waiting();
      say(waiting, inWords(waiting));
    }
    return EXIT.ok;
  } finally {
    await session.close();
  }
}

function restored({ colors, options }: Call, { header, keys, waiting }: RestoreReport): string {
  return [
    `${colors.good('✓')} namespace ${oneLine(options.namespace)} is as namespace ${oneLine(header.namespace)} was at ${dateAndTime(header.at)}: ${String(keys)} keys`,
    inWords(waiting),
    'Nobody moves anything of it yet, and no timer fires. Look first (coord verify, coord list), then: coord restore --release',
  ].join('\n');
}

function inWords(waiting: readonly Waiting[]): string {
  return waiting
    .map(({ partition, hold, runs, messages, requests, timers, due }) => {
      const counts = RUN_STATUSES.flatMap((status) => {
        const count = runs[status];
        return count === undefined ? [] : [`${String(count)} ${status}`];
      });
      const held = hold === null ? 'not on hold' : 'on hold';
      return [
        `  partition ${String(partition)}, ${held}: runs: ${counts.length === 0 ? 'none' : counts.join(', ')}`,
        `    ${String(messages)} messages, ${String(requests)} requests, ${String(timers)} timers of which ${String(due)} are due`,
      ].join('\n');
    })
    .join('\n');
}
