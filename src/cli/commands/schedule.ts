/** `coord schedule`: what starts runs by itself. The commands; what they print is in `render/schedules.ts`. */
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { nextInstants } from '../../coordinator/client-schedules.js';
import { parseCron } from '../../core/cron.js';
import { CoordError } from '../../core/errors.js';
import { zoneProblem } from '../../core/zone.js';
import { parseTime } from '../../definition/workflow.js';
import { type Call, type Invoke, positiveInteger, print, printJson, type Program, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { person } from '../person.js';
import { oneLine } from '../render/printable.js';
import { instantWords, scheduleTable, scheduleWords } from '../render/schedules.js';
import { keepMoving } from '../telling.js';
import { addScheduleAdd, scheduleProgram } from './schedule-add.js';

export function addSchedule(program: Program, invoke: Invoke): void {
  const schedule = scheduleProgram(program);
  schedule
    .command('list', { isDefault: true })
    .description('the schedules, with when each is due and what it did last')
    .option('--json', 'print JSON')
    .action(({ json }, command) => invoke(command, (call) => list(call, json === true)));
  schedule
    .command('show')
    .description('one schedule, what waits to be started, and what it did')
    .argument('<name>', 'name of the schedule')
    .option('--json', 'print JSON')
    .action((name, { json }, command) => invoke(command, (call) => show(call, name, json === true)));
  addScheduleAdd(schedule, invoke);
  schedule
    .command('remove')
    .description('take a schedule out; its runs go on')
    .argument('<name>', 'name of the schedule')
    .action((name, _, command) =>
      invoke(command, (call) =>
        withSession(call, 'find', async ({ schedules }) => {
          await schedules.remove(name);
          print(call, `Schedule ${oneLine(name)} is gone; its runs go on.`);
          return EXIT.ok;
        }),
      ),
    );
  schedule
    .command('pause')
    .description('start nothing until it is resumed')
    .argument('<name>', 'name of the schedule')
    .action((name, _, command) =>
      invoke(command, (call) =>
        withSession(call, 'find', async ({ schedules }) => {
          const changed = await schedules.pause(name, person(call.io));
          print(call, changed ? `Schedule ${name} is paused.` : `Schedule ${name} was paused already.`);
          return EXIT.ok;
        }),
      ),
    );
  schedule
    .command('resume')
    .description('go on from now; what was due meanwhile is not made up for')
    .argument('<name>', 'name of the schedule')
    .action((name, _, command) => invoke(command, (call) => resume(call, name)));
  schedule
    .command('run-now')
    .description('have it start a run now, besides those that are due')
    .argument('<name>', 'name of the schedule')
    .option('--json', 'print JSON')
    .action((name, { json }, command) => invoke(command, (call) => runNow(call, name, json === true)));
  schedule
    .command('next')
    .description('when a schedule, or a cron text, is due next')
    .argument('<name|cron>', 'name of a schedule, or five fields in quotes')
    .option('--count <n>', 'so many times', positiveInteger, 5)
    .option('--zone <zone>', 'time zone of a cron text, for example Europe/Berlin', zone)
    .option('--after <time>', 'from then on, for a cron text; default: now', time)
    .option('--json', 'print JSON')
    .action((what, flags, command) => invoke(command, (call) => next(call, what, flags)));
}

async function list(call: Call, json: boolean): Promise<number> {
  return withSession(call, 'find', async ({ schedules }) => {
    const all = await schedules.list();
    if (json)
      printJson(
        call,
        all.map(({ name, schedule, next: due, error }) => ({ name, next: due, error, ...schedule })),
      );
    else if (all.length === 0) print(call, 'No schedules. Add those of the folder schedules: coord schedule add');
    else print(call, scheduleTable(call, all));
    return EXIT.ok;
  });
}

async function show(call: Call, name: string, json: boolean): Promise<number> {
  return withSession(call, 'find', async ({ schedules }) => {
    const record = await schedules.get(name);
    const due = record.paused === null ? nextInstants(record, await schedules.time(), 3) : [];
    if (json) printJson(call, { ...record, next: due });
    else print(call, scheduleWords(call, record, due));
    return EXIT.ok;
  });
}

async function resume(call: Call, name: string): Promise<number> {
  return withSession(call, 'start', async (session) => {
    const changed = await session.schedules.resume(name);
    const [due] = await session.schedules.next(name, 1);
    const when = due === undefined ? '' : ` It is due ${instantWords(due, null)}.`;
    print(call, changed ? `Schedule ${name} goes on.${when}` : `Schedule ${name} was not paused.${when}`);
    await keepMoving(call, session);
    return EXIT.ok;
  });
}

async function runNow(call: Call, name: string, json: boolean): Promise<number> {
  return withSession(call, 'start', async (session) => {
    const run = await session.schedules.runNow(name);
    if (json) printJson(call, { schedule: name, run });
    else print(call, `Schedule ${name} starts run ${run}: coord watch ${run}`);
    await keepMoving(call, session);
    return EXIT.ok;
  });
}

interface NextFlags {
  readonly count: number;
  readonly zone?: string | undefined;
  readonly after?: number | undefined;
  readonly json?: true | undefined;
}

async function next(call: Call, what: string, { count, zone: given, after, json }: NextFlags): Promise<number> {
  const tell = (instants: readonly number[], shownIn: string | null): number => {
    if (json === true)
      printJson(
        call,
        instants.map((at) => new Date(at).toISOString()),
      );
    else if (instants.length === 0) print(call, 'Never: nothing of it is due by the clock.');
    else print(call, instants.map((at) => instantWords(at, shownIn)).join('\n'));
    return EXIT.ok;
  };
  // A name has no space in it; a cron text needs no store.
  if (/[\s@]/.test(what.trim())) {
    const read = parseCron(what);
    if ('problem' in read) throw cronError(what, read.problem);
    const trigger = { kind: 'cron', cron: what, zone: given ?? 'UTC' } as const;
    const spec = { trigger, startsAt: null, endsAt: null };
    return tell(nextInstants({ spec, anchor: 0 }, after ?? call.app.clock.now(), count), trigger.zone);
  }
  if (given !== undefined || after !== undefined)
    throw new CoordError('USAGE', '--zone and --after are for a cron text; a schedule has its own zone');
  return withSession(call, 'find', async ({ schedules }) => {
    const { trigger } = (await schedules.get(what)).spec;
    return tell(await schedules.next(what, count), trigger.kind === 'cron' ? trigger.zone : null);
  });
}

function cronError(
  text: string,
  { offset, length, message, hint }: { offset: number; length: number; message: string; hint: string | null },
): CoordError {
  const frame = `  ${oneLine(text)}\n  ${' '.repeat(offset)}${'^'.repeat(length)}`;
  return new CoordError('USAGE', `${message}\n${frame}${hint === null ? '' : `\n${hint}`}`);
}

function zone(text: string): string {
  const wrong = zoneProblem(text);
  if (wrong !== null) throw new InvalidArgumentError(wrong);
  return text;
}

function time(text: string): number {
  const at = parseTime(text);
  if (at === null) throw new InvalidArgumentError('It must be a time such as 2026-01-31T09:00:00Z.');
  return at;
}
