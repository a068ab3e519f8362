/** `coord dead`: the messages that could not be applied. Replaying or dropping one leaves a trace with who did it. */
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { type Keeper, letterName, type ReplayOutcome } from '../../coordinator/client-keep.js';
import { CoordError, messageOf } from '../../core/errors.js';
import type { DeadLetter } from '../../core/keep-ports.js';
import { parseDuration } from '../../core/duration.js';
import {
  type Call,
  type Invoke,
  note,
  positiveInteger,
  print,
  printJson,
  type Program,
  tableLook,
  withSession,
} from '../call.js';
import { EXIT } from '../exit-codes.js';
import { person } from '../person.js';
import { ago, dateAndTime } from '../render/duration.js';
import { oneLine, severalLines } from '../render/printable.js';
import { table } from '../render/table.js';
import { keepMoving } from '../telling.js';

export function addDead(program: Program, invoke: Invoke): void {
  const dead = program
    .command('dead')
    .description('messages that could not be applied: list, show, replay or drop them');
  dead
    .command('list', { isDefault: true })
    .description('the dead letters, newest first')
    .option('--run <run>', 'only those of this run')
    .option('--limit <n>', 'at most so many', positiveInteger, 50)
    .option('--json', 'print JSON')
    .action(({ run, limit, json }, command) =>
      invoke(command, (call) =>
        withSession(call, 'find', async ({ keeper }) => {
          const all = await keeper.letters({ run: run ?? null, olderThanMs: null });
          const shown = all.toReversed().slice(0, limit);
          if (json === true) printJson(call, shown.map(named));
          else list(call, { shown, all: all.length, now: await keeper.time() });
          return EXIT.ok;
        }),
      ),
    );
  dead
    .command('show')
    .description('one dead letter, with all that it says')
    .argument('<id>', 'as `coord dead list` shows it')
    .option('--json', 'print JSON')
    .action((id, { json }, command) =>
      invoke(command, (call) =>
        withSession(call, 'find', async ({ keeper }) => {
          const letter = await keeper.letter(id);
          if (json === true) printJson(call, named(letter));
          else show(call, letter);
          return EXIT.ok;
        }),
      ),
    );
  dead
    .command('replay')
    .description('send dead letters again, once')
    .argument('[id...]', 'as `coord dead list` shows them')
    .option('--run <run>', 'all of this run')
    .option('--all', 'all there are')
    .option('--json', 'print JSON')
    .action((ids, flags, command) => invoke(command, (call) => replay(call, { ids, ...flags })));
  dead
    .command('drop')
    .description('delete dead letters')
    .argument('[id...]', 'as `coord dead list` shows them')
    .option('--older-than <duration>', 'all that are at least so old, for example 30d', age)
    .option('--all', 'all there are')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .action((ids, flags, command) => invoke(command, (call) => drop(call, { ids, ...flags })));
}

/** Ms. */
export function age(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError('It must be a duration such as 12h or 30d.');
  return ms;
}

function named(letter: DeadLetter): object {
  const { id: _, ...rest } = letter;
  return { id: letterName(letter), ...rest };
}

function list(call: Call, { shown, all, now }: { shown: readonly DeadLetter[]; all: number; now: number }): void {
  if (shown.length === 0) {
    print(call, 'No dead letters.');
    return;
  }
  const columns = [
    { title: 'ID', cell: (letter: DeadLetter) => letterName(letter) },
    { title: 'SINCE', cell: ({ at }: DeadLetter) => ago(at, now) },
    { title: 'KIND', cell: ({ kind }: DeadLetter) => kind },
    { title: 'FOR', cell: ({ run, persona }: DeadLetter) => (run === '' ? persona : run) },
    { title: 'REASON', cell: ({ reason }: DeadLetter) => reason },
  ];
  print(call, table(columns, shown, tableLook(call)));
  if (all > shown.length)
    print(call, `and ${String(all - shown.length)} older ones: coord dead list --limit ${String(all)}`);
}

function show(call: Call, letter: DeadLetter): void {
  const { run, kind, persona, at, reason, head, body } = letter;
  const rows = [
    ['id', letterName(letter)],
    ['since', dateAndTime(at)],
    ['kind', kind],
    ...(run === '' ? [] : [['run', run]]),
    ...(persona === '' ? [] : [['persona', persona]]),
    ['reason', reason],
    ...(head === '' ? [] : [['head', head]]),
  ];
  print(call, rows.map(([name = '', text = '']) => `${call.colors.dim(name.padEnd(8))}${oneLine(text)}`).join('\n'));
  print(call, `\n${severalLines(pretty(body))}`);
  if (kind === 'late-reply')
    note(
      call,
      'It came too late: the attempt has been superseded, so it cannot be replayed. What it says is kept here.',
    );
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

interface Wanted {
  readonly ids: readonly string[];
  readonly run?: string | undefined;
  readonly all?: true | undefined;
  readonly olderThan?: number | undefined;
  readonly yes?: true | undefined;
  readonly json?: true | undefined;
}

interface Done {
  readonly id: string;
  readonly outcome: string;
  readonly words: string;
}

async function replay(call: Call, wanted: Wanted): Promise<number> {
  needOne(wanted, '--run or --all');
  return withSession(call, 'find', async (session) => {
    const { keeper } = session;
    const { found, done } = await lettersOf(keeper, wanted);
    let late = 0;
    let replayed = 0;
    for (const letter of found) {
      // Of many, those that can never come again are no news.
      if (wanted.ids.length === 0 && letter.kind === 'late-reply') {
        late++;
        continue;
      }
      const outcome = await keeper.replay(letter, person(call.io));
      if (outcome === 'replayed') replayed++;
      done.push({ id: letterName(letter), outcome, words: replayWords(letter, outcome) });
    }
    tell(call, wanted, done);
    if (late > 0 && wanted.json !== true)
      note(
        call,
        `${String(late)} late repl${late === 1 ? 'y stays' : 'ies stay'}: what they answer was asked again since`,
      );
    if (done.length === 0 && wanted.json !== true) print(call, 'No dead letters to replay.');
    if (replayed > 0) await keepMoving(call, session);
    return done.every(({ outcome }) => outcome === 'replayed') || wanted.ids.length === 0 ? EXIT.ok : EXIT.failed;
  });
}

function replayWords({ run, persona }: DeadLetter, outcome: ReplayOutcome): string {
  const who = oneLine(run);
  const words: Readonly<Record<ReplayOutcome, string>> = {
    replayed: run === '' ? `sent again to persona ${oneLine(persona)}` : `sent again to run ${who}`,
    gone: 'not there any more: it was replayed or dropped',
    late: 'not replayed: it came too late, and its attempt has been superseded; `coord dead show` says what it is',
    no_persona: 'not replayed: nobody knows which persona it was for',
    no_run: `not replayed: there is no run ${who} any more`,
    ended: `not replayed: run ${who} has ended`,
    set_aside: `not replayed: run ${who} is set aside: coord repair ${who}`,
  };
  return words[outcome];
}

async function drop(call: Call, wanted: Wanted): Promise<number> {
  needOne(wanted, '--older-than or --all');
  return withSession(call, 'find', async ({ keeper }) => {
    const { found, done } = await lettersOf(keeper, wanted);
    if (wanted.ids.length === 0 && !(await isMeant(call, found.length, wanted))) return EXIT.failed;
    for (const letter of found) {
      const outcome = await keeper.drop(letter, person(call.io));
      done.push({ id: letterName(letter), outcome, words: outcome === 'dropped' ? 'dropped' : 'not there any more' });
    }
    tell(call, wanted, done);
    if (done.length === 0 && wanted.json !== true) print(call, 'No dead letters to drop.');
    return done.every(({ outcome }) => outcome === 'dropped') ? EXIT.ok : EXIT.failed;
  });
}

/** What goes in one sweep is asked for first. */
async function isMeant({ io }: Call, count: number, { yes }: Wanted): Promise<boolean> {
  if (count === 0 || yes === true) return true;
  const letters = `${String(count)} dead letter${count === 1 ? '' : 's'}`;
  if (io.prompts === null)
    throw new CoordError('USAGE', `this would delete ${letters} for good; say --yes where nobody can be asked`);
  return (await io.prompts.confirm(`Delete ${letters} for good?`)) === true;
}

function needOne({ ids, run, all, olderThan }: Wanted, others: string): void {
  const given = [ids.length > 0, run !== undefined, all === true, olderThan !== undefined].filter(Boolean).length;
  if (given === 1) return;
  const what =
    given === 0 ? 'say which dead letters are meant' : 'only one way of saying which letters are meant can be used';
  throw new CoordError('USAGE', `${what}: their ids, or ${others}`);
}

/** Those that are not there are done already. */
async function lettersOf(
  keeper: Keeper,
  { ids, run, olderThan }: Wanted,
): Promise<{ readonly found: readonly DeadLetter[]; readonly done: Done[] }> {
  const filter = { run: run ?? null, olderThanMs: olderThan ?? null };
  if (ids.length === 0) return { found: await keeper.letters(filter), done: [] };
  const found: DeadLetter[] = [];
  const done: Done[] = [];
  for (const id of ids) {
    try {
      found.push(await keeper.letter(id));
    } catch (error) {
      if (!(error instanceof CoordError) || error.code !== 'USAGE' || ids.length === 1) throw error;
      done.push({ id, outcome: 'gone', words: messageOf(error) });
    }
  }
  return { found, done };
}

function tell(call: Call, { json }: Wanted, done: readonly Done[]): void {
  if (json === true)
    printJson(
      call,
      done.map(({ id, outcome }) => ({ id, outcome })),
    );
  else if (done.length > 0) print(call, done.map(({ id, words }) => `${oneLine(id)}  ${words}`).join('\n'));
}
