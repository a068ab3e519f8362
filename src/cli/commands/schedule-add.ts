/** `coord schedule add`: schedules from files, or one from options. */
import { dirname, resolve } from 'node:path';
import { CoordError, hasCode } from '../../core/errors.js';
import type { JsonObject } from '../../core/json.js';
import { isPath } from '../../definition/load-files.js';
import { CATCH_UPS, OVERLAPS, readSchedule, type ScheduleDraft } from '../../definition/schedule.js';
import type { ScheduleRecord, ScheduleRequest } from '../../coordinator/client-schedules.js';
import { type Call, type Invoke, positiveInteger, print, type Program, withSession, workflowOf } from '../call.js';
import { setField } from '../data-option.js';
import { EXIT } from '../exit-codes.js';
import { person } from '../person.js';
import { instantWords } from '../render/schedules.js';
import { keepMoving } from '../telling.js';
import { load } from './run.js';

interface Flags {
  readonly workflow?: string | undefined;
  readonly cron?: string | undefined;
  readonly zone?: string | undefined;
  readonly every?: string | undefined;
  readonly event?: string | undefined;
  readonly branch?: string | undefined;
  readonly files?: string | undefined;
  readonly task?: string | undefined;
  readonly set?: JsonObject | undefined;
  readonly env?: string | undefined;
  readonly overlap?: string | undefined;
  readonly catchUp?: string | undefined;
  readonly catchUpLimit?: number | undefined;
  readonly jitter?: string | undefined;
  readonly starts?: string | undefined;
  readonly ends?: string | undefined;
  readonly repo?: string | boolean | undefined;
  readonly paused?: true | undefined;
}

/** The command that the others stand below. */
export function scheduleProgram(program: Program) {
  return program.command('schedule').description('what starts runs by itself: by the clock, or when an event comes');
}

export function addScheduleAdd(schedule: ReturnType<typeof scheduleProgram>, invoke: Invoke): void {
  schedule
    .command('add')
    .description('add schedules, or change those that are there: from files, or one from options')
    .argument('[file|name...]', 'files; with --workflow the name of the schedule; default: all of the folder schedules')
    .option('--workflow <workflow>', 'what is started: name of a workflow, or a path to its file')
    .option('--cron <text>', 'when: five fields (minute hour day month weekday), or a word such as @daily')
    .option('--zone <zone>', 'time zone of the cron text, for example Europe/Berlin; default: UTC')
    .option('--every <duration>', 'when: again and again after so long, for example 15m')
    .option('--event <name>', 'when: each time that a run emits this event')
    .option('--branch <name>', 'when: each time that this branch of the repository stands at another commit')
    .option('--files <pattern>', 'when: each time that one of these files changes, for example "docs/**/*.md"')
    .option('--task <file|json>', 'task of the runs: a YAML or JSON file, or a JSON object')
    .option('--set <key=value>', 'set one field of the task; the value is JSON, else text (repeatable)', setField)
    .option('--env <name>', 'take the variables of this environment')
    .option('--overlap <policy>', `when the run before is not over: ${OVERLAPS.join(', ')}; default: skip`)
    .option('--catch-up <policy>', `what was missed while nobody looked: ${CATCH_UPS.join(', ')}; default: last`)
    .option('--catch-up-limit <n>', 'at most so many, with all', positiveInteger)
    .option('--jitter <duration>', 'start up to so long after the instant')
    .option('--starts <time>', 'nothing is due before')
    .option('--ends <time>', 'nothing is due after')
    .option('--repo <dir>', 'repository that the runs work on; default: the project, when it is one')
    .option('--no-repo', 'the runs work without a repository')
    .option('--paused', 'start nothing until it is resumed')
    .action((given, flags, command) => invoke(command, (call) => add(call, given, flags)));
}

interface Wanted {
  readonly draft: ScheduleDraft;
  /** What stands in the draft is seen from here. */
  readonly folder: string | null;
}

async function add(call: Call, given: readonly string[], flags: Flags): Promise<number> {
  const wanted =
    flags.workflow === undefined ? await fromFiles(call, given, flags) : [await fromOptions(call, given, flags)];
  // What is wrong with any of them is found before one of them is stored.
  const requests: ScheduleRequest[] = [];
  for (const one of wanted) requests.push(await requestOf(call, one));
  return withSession(call, 'start', async (session) => {
    if (!session.durable)
      throw new CoordError('USAGE', 'without Redis a schedule ends with this command; start a server (coord up)');
    for (const request of requests) {
      const { outcome, schedule } = await session.schedules.add(request);
      const { trigger } = schedule.spec;
      const [due] = await session.schedules.next(schedule.name, 1);
      const when = schedule.paused === null ? dueWords(trigger, due) : 'it is paused';
      const what = { added: 'Added', changed: 'Changed', same: 'Unchanged:' }[outcome];
      print(call, `${what} schedule ${schedule.name} of ${schedule.spec.workflow}: ${when}`);
    }
    await keepMoving(call, session);
    return EXIT.ok;
  });
}

function dueWords(trigger: ScheduleRecord['spec']['trigger'], due: number | undefined): string {
  if (trigger.kind === 'event') return `each time that ${JSON.stringify(trigger.event)} is emitted`;
  if (trigger.kind === 'branch') return `each time that branch ${trigger.branch} moves`;
  if (trigger.kind === 'files') return `each time that one of ${trigger.files} changes below ${trigger.folder}`;
  return due === undefined
    ? 'it is never due'
    : `due ${instantWords(due, trigger.kind === 'cron' ? trigger.zone : null)}`;
}

async function fromFiles(call: Call, given: readonly string[], flags: Flags): Promise<readonly Wanted[]> {
  const option = Object.entries(flags).find(
    ([key, value]) => value !== undefined && !(key === 'repo' && value === true),
  );
  if (option !== undefined)
    throw new CoordError(
      'USAGE',
      `--${option[0].replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} goes with --workflow; a file says all of it itself`,
    );
  const bare = given.find((one) => !isPath(one));
  if (bare !== undefined)
    throw new CoordError(
      'USAGE',
      `"${bare}" is no file; say what it starts (--workflow), or name its file: schedules/${bare}.yml`,
    );
  const loaded = await call.app.loadSchedules(
    call.options,
    given.map((file) => call.file(file)),
  );
  if (loaded.length === 0)
    throw new CoordError(
      'USAGE',
      `there is no schedule in ${resolve(call.options.directory, 'schedules')}; write one, or use --workflow`,
    );
  return loaded.map(({ file, draft }) => ({ draft, folder: dirname(resolve(call.path('.'), file)) }));
}

/** The options as a file would say them, so that they are read by the same rules. */
async function fromOptions(call: Call, given: readonly string[], flags: Flags): Promise<Wanted> {
  const [name, second] = given;
  if (name === undefined || second !== undefined || isPath(name))
    throw new CoordError(
      'USAGE',
      'give the schedule one name: coord schedule add <name> --workflow <workflow> --cron "…"',
    );
  const {
    workflow,
    cron,
    zone,
    every,
    event,
    branch,
    files,
    env,
    overlap,
    catchUp,
    catchUpLimit,
    jitter,
    starts,
    ends,
    paused,
    repo,
  } = flags;
  const set = flags.set ?? {};
  const task = flags.task === undefined ? set : { ...(await taskOf(call, flags.task)), ...set };
  const said = {
    name,
    workflow,
    cron,
    zone,
    every,
    event,
    branch,
    files,
    env,
    overlap,
    jitter,
    starts,
    ends,
    paused,
    task,
  };
  const more = { catch_up: catchUp, catch_up_limit: catchUpLimit, repo: repo === true ? undefined : repo };
  const { draft, problems } = readSchedule(JSON.stringify({ ...said, ...more }), {
    file: 'options',
    fallbackName: name,
  });
  if (draft !== null) return { draft, folder: null };
  const lines = problems.map(({ message, hint }) => (hint === null ? message : `${message}. ${hint}`));
  throw new CoordError('SCHEDULE_INVALID', lines.join('\n'));
}

function taskOf(call: Call, task: string): Promise<JsonObject> {
  return call.app.loadTask(/^\s*[{[]/.test(task) ? task : call.file(task));
}

async function requestOf(call: Call, { draft, folder }: Wanted): Promise<ScheduleRequest> {
  const { workflow, environment, repo, ...rest } = draft;
  const named = folder !== null && isPath(workflow) ? resolve(folder, workflow) : workflowOf(call, workflow);
  const { definition, inner } = await load(call, named, { directories: [], environment });
  return {
    draft: rest,
    definition,
    inner,
    repo: await repositoryOf(call, repo, folder),
    folder: call.options.directory,
    by: person(call.io),
  };
}

async function repositoryOf(call: Call, repo: ScheduleDraft['repo'], folder: string | null): Promise<string | null> {
  if (repo === false || (repo === null && !call.inRepository)) return null;
  const place = repo === null ? call.options.directory : folder === null ? call.path(repo) : resolve(folder, repo);
  try {
    return (await call.app.openRepository(place)).top;
  } catch (error) {
    if (repo !== null || !hasCode(error, 'WORKSPACE_INVALID')) throw error;
    throw new CoordError(
      'WORKSPACE_INVALID',
      `${error.message}; or start runs without a repository: repo: false, --no-repo`,
      {
        cause: error,
      },
    );
  }
}
