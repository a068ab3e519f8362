/** `coord lock`: runs a command while holding a named lock, or takes one away; `coord locks`: who holds which. */
import { CoordError } from '../../core/errors.js';
import type { BrokenLock, LockState } from '../../core/lock-port.js';
import type { Session } from '../application.js';
import { type Call, type Invoke, note, print, printJson, type Program, tableLook, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { person } from '../person.js';
import { ago } from '../render/duration.js';
import { lockWords, partyWords } from '../render/lock-words.js';
import { oneLine } from '../render/printable.js';
import { table } from '../render/table.js';
import { age } from './dead.js';

interface Flags {
  readonly wait?: number | true | undefined;
  readonly break?: true | undefined;
  readonly reason?: string | undefined;
}

/** Locks that were taken away that are shown. */
const BROKEN_SHOWN = 5;

export function addLock(program: Program, invoke: Invoke): void {
  program
    .command('lock')
    .description('run a command while holding a named lock, which runs and others respect')
    .argument('<name>', 'name of the lock, for example ticket/7')
    .argument('[command...]', 'behind --: what to run while it is held')
    .option('--wait [duration]', 'wait for it when somebody else holds it, at most so long; default: refuse', age)
    .option('--break', 'take it away from who holds it')
    .option('--reason <text>', 'why it is taken away')
    .action((name, command, flags, self) =>
      invoke(self, (call) =>
        flags.break === true ? takeAway(call, name, { command, flags }) : hold(call, name, { command, flags }),
      ),
    );
}

export function addLocks(program: Program, invoke: Invoke): void {
  program
    .command('locks')
    .description('the named locks: who holds each, since when, and who waits for it')
    .option('--json', 'print JSON')
    .action(({ json }, command) =>
      invoke(command, (call) =>
        withSession(call, 'find', async ({ locks }) => {
          const listed = await locks.list();
          if (json === true) printJson(call, { locks: listed.locks, broken: listed.broken });
          else print(call, words(call, listed));
          return EXIT.ok;
        }),
      ),
    );
}

type Given = { readonly command: readonly string[]; readonly flags: Flags };

async function hold(call: Call, name: string, { command, flags }: Given): Promise<number> {
  if (command.length === 0)
    throw new CoordError('USAGE', `say what to run while the lock is held: coord lock ${name} -- <command>`);
  if (flags.reason !== undefined) throw new CoordError('USAGE', '--reason goes with --break');
  return withSession(call, 'start', async (session) => {
    const held = await taken(call, session, { name, command, flags });
    held.lost.addEventListener('abort', () =>
      note(call, `Lock ${oneLine(name)} is lost: the command is asked to end.`),
    );
    try {
      return await call.app.runCommand(call.io, { argv: command, until: held.lost });
    } finally {
      await held.release();
    }
  });
}

async function taken(
  call: Call,
  { locks }: Session,
  { name, command, flags }: Given & { readonly name: string },
): ReturnType<Session['locks']['hold']> {
  const until = new AbortController();
  const stop = call.io.onInterrupt(() => until.abort());
  try {
    return await locks.hold({
      name,
      by: person(call.io),
      command: command.join(' '),
      waitMs: flags.wait === undefined ? 0 : flags.wait === true ? null : flags.wait,
      waits: ({ holder }) => note(call, `Waiting for ${lockWords(name, holder?.party)} …`),
      until: until.signal,
    });
  } finally {
    stop();
  }
}

async function takeAway(call: Call, name: string, { command, flags }: Given): Promise<number> {
  if (command.length > 0) throw new CoordError('USAGE', '--break runs no command');
  const { reason } = flags;
  if (reason === undefined || reason.trim() === '')
    throw new CoordError('USAGE', 'say why it is taken away: coord lock <name> --break --reason <text>');
  return withSession(call, 'find', async ({ locks }) => {
    const from = await locks.break(name, { by: person(call.io), reason });
    const then = from.kind === 'run' ? 'it goes on and does not know of it' : 'its command is asked to end';
    print(call, `Lock ${JSON.stringify(oneLine(name))} was taken away from ${partyWords(from)}: ${then}.`);
    return EXIT.ok;
  });
}

function words(
  call: Call,
  { now, locks, broken }: { now: number; locks: readonly LockState[]; broken: readonly BrokenLock[] },
): string {
  const columns = [
    { title: 'LOCK', cell: ({ name }: LockState) => oneLine(name) },
    { title: 'HELD BY', cell: ({ holder }: LockState) => (holder === null ? '-' : partyWords(holder.party)) },
    { title: 'SINCE', cell: ({ holder }: LockState) => (holder === null ? '' : ago(holder.since, now)) },
    {
      title: 'WAITING',
      cell: ({ line }: LockState) => (line.length === 0 ? '' : line.map(({ party }) => partyWords(party)).join(', ')),
    },
  ];
  const held = locks.length === 0 ? 'Nobody holds a lock.' : table(columns, locks, tableLook(call));
  const away = broken
    .slice(0, BROKEN_SHOWN)
    .map(
      ({ name, from, by, reason, at }) =>
        `${oneLine(name)}: taken away from ${partyWords(from)} by ${oneLine(by)} ${ago(at, now)}: ${oneLine(reason)}`,
    );
  return [held, ...away].join('\n');
}
