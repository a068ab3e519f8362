/** `coord run`: starts a run, or goes on with the one that was begun, and follows it to its end. */
import { Option } from '@commander-js/extra-typings';
import { CoordError, hasCode } from '../../core/errors.js';
import type { JsonObject } from '../../core/json.js';
import type { RunView } from '../../core/views.js';
import { workflowFor } from '../../definition/select.js';
import { definitionHash } from '../../definition/workflow.js';
import type { LoadedWorkflow } from '../../definition/load.js';
import type { Hosting, Repository, Session } from '../application.js';
import {
  type Call,
  collect,
  type Invoke,
  note,
  personasOf,
  print,
  printJson,
  type Program,
  withSession,
  workflowOf,
} from '../call.js';
import { setField } from '../data-option.js';
import { EXIT } from '../exit-codes.js';
import { hostWords } from '../follow.js';
import { servedPersonas } from '../hints.js';
import { followToTheEnd } from '../outcome.js';
import { ago } from '../render/duration.js';
import { oneLine } from '../render/printable.js';
import { findUnfinished } from '../unfinished.js';

interface Flags {
  readonly task?: string | undefined;
  readonly set?: JsonObject | undefined;
  readonly personas?: readonly string[] | undefined;
  readonly env?: string | undefined;
  /** A folder, false for `--no-repo`, else undefined. */
  readonly repo?: string | boolean | undefined;
  readonly resume?: true | undefined;
  readonly new?: true | undefined;
  readonly key?: string | undefined;
  readonly detach?: true | undefined;
  readonly untilWaiting?: true | undefined;
  readonly json?: true | undefined;
}

export function addRun(program: Program, invoke: Invoke): void {
  program
    .command('run')
    .description('start a run of a workflow, or go on with one, and follow it')
    .argument('[workflow]', 'name of a workflow, or a path to its file; left out, the task says which')
    .option('--task <file|json>', 'what is to be done: a YAML or JSON file, or a JSON object')
    .option('--set <key=value>', 'set one field of the task; the value is JSON, else text (repeatable)', setField)
    .option('--env <name>', 'take the variables of this environment')
    .option('--personas <dir>', 'folder with persona files; the first that has a name wins (repeatable)', collect)
    .option('--repo <dir>', 'repository to work on; default: the project, when it is one')
    .option('--no-repo', 'run without a repository')
    .addOption(new Option('--resume', 'go on with the unfinished run of the same task').conflicts(['new', 'key']))
    .addOption(new Option('--new', 'start another run of the same task').conflicts(['key']))
    .option('--key <key>', 'idempotency key: the same key starts the same run, once')
    .addOption(new Option('--detach', 'start, print the id, and leave').conflicts(['untilWaiting']))
    .option('--until-waiting', 'leave the run, with exit code 4, when it waits for people or a signal')
    .option('--json', 'print one JSON document at the end')
    .action((workflow, flags, command) => invoke(command, (call) => run(call, workflow, flags)));
}

/** What a run is started with. */
interface Wanted extends Pick<LoadedWorkflow, 'definition' | 'inner'> {
  readonly task: JsonObject;
  readonly repository: Repository | null;
  readonly personas: readonly string[];
}

async function run(call: Call, named: string | undefined, flags: Flags): Promise<number> {
  const personas = personasOf(call, flags.personas);
  // What is wrong with the request is found before anything is started for it.
  const task = await taskOf(call, flags);
  const workflow = named ?? (await select(call, task));
  const { definition, inner } = await load(call, workflow, { directories: personas, environment: flags.env ?? null });
  const repository = await repositoryOf(call, flags.repo);
  return withSession(call, 'start', async (session) => {
    if (flags.detach === true && !session.durable)
      throw new CoordError('USAGE', 'without Redis a run ends with this command, so --detach would end it at once');
    const wanted: Wanted = { definition, inner, task, repository, personas };
    const unfinished = flags.key === undefined && flags.new !== true ? await unfinishedOf(session, wanted) : null;
    const goOn = unfinished === null ? false : await decide(call, { session, unfinished, flags });
    if (goOn === null) return EXIT.interrupted;
    if (goOn && unfinished !== null) sayWhenChanged(call, unfinished, definition);
    // The host comes first: nothing is started that nobody can move.
    const hosting: Hosting | null = await hostFor(call, { session, personas, goOn });
    const id = goOn && unfinished !== null ? unfinished.id : await start(call, { session, wanted, flags });
    if (flags.detach === true) return detach(call, { session, id, hosting, flags, personas });
    const { json, untilWaiting } = flags;
    return followToTheEnd(call, { session, run: id, personas, hosting, json: json === true, untilWaiting });
  });
}

/** The workflow as its file says, with the personas of files or, where those do not do, of workers that serve already. */
export async function load(
  call: Call,
  workflow: string,
  { directories, environment }: { directories: readonly string[]; environment: string | null },
): Promise<LoadedWorkflow> {
  const withServed = (served: readonly string[]): Promise<LoadedWorkflow> =>
    call.app.loadWorkflow(workflowOf(call, workflow), call.options, { directories, served }, environment);
  try {
    return await withServed([]);
  } catch (error) {
    if (!hasCode(error, 'DEFINITION_INVALID')) throw error;
    const served = await servedNow(call).catch(() => []);
    if (served.length === 0) throw error;
    return withServed(served);
  }
}

/** Asks a store that runs already; starts none. */
async function servedNow(call: Call): Promise<readonly string[]> {
  const session = await call.app.connect(call.options, 'find');
  try {
    return await servedPersonas(session.client);
  } finally {
    await session.close();
  }
}

/** A run that is gone on with goes on with the host that is there, should that one not be replaceable now. */
async function hostFor(
  call: Call,
  { session, personas, goOn }: { session: Session; personas: readonly string[]; goOn: boolean },
): Promise<Hosting | null> {
  try {
    return await call.app.ensureHost(session, call.options, personas);
  } catch (error) {
    if (!goOn || !hasCode(error, 'HOST_START_FAILED') || !(await call.app.isHosted(session))) throw error;
    note(call, `Going on with the host that is there: ${error.message}`);
    return null;
  }
}

/** The workflow that the task is for. */
async function select(call: Call, task: JsonObject): Promise<string> {
  const own = (await call.app.listWorkflows(call.options)).map(({ name }) => name);
  const { workflow, because } = workflowFor(task, own);
  note(call, `Workflow ${oneLine(workflow)}, since ${oneLine(because)}.`);
  return workflow;
}

async function taskOf(call: Call, { task, set = {} }: Flags): Promise<JsonObject> {
  if (task === undefined) return set;
  return { ...(await call.app.loadTask(/^\s*[{[]/.test(task) ? task : call.file(task))), ...set };
}

async function repositoryOf(call: Call, repo: Flags['repo']): Promise<Repository | null> {
  const given = typeof repo === 'string' ? call.path(repo) : null;
  if (repo === false || (given === null && !call.inRepository)) return null;
  try {
    const repository = await call.app.openRepository(given ?? call.options.directory);
    if (repository.dirty)
      note(call, `${repository.top} has changes that are not committed; the run does not see them.`);
    return repository;
  } catch (error) {
    if (given !== null || !hasCode(error, 'WORKSPACE_INVALID')) throw error;
    throw new CoordError('WORKSPACE_INVALID', `${error.message}; or run without a repository: --no-repo`, {
      cause: error,
    });
  }
}

function unfinishedOf(session: Session, { definition, task, repository }: Wanted): Promise<RunView | null> {
  return findUnfinished(session.client, { workflow: definition.name, task, repo: repository?.top ?? null });
}

/** Whether to go on with it; null when the person left the question. */
async function decide(
  call: Call,
  { session, unfinished, flags }: { session: Session; unfinished: RunView; flags: Flags },
): Promise<boolean | null> {
  const since = ago(unfinished.createdAt, await session.client.time());
  const which = `run ${unfinished.id} of the same task, started ${since}`;
  if (flags.resume !== true && flags.json !== true && call.io.prompts !== null)
    return call.io.prompts.confirm(`Go on with the unfinished ${which}? (No starts another.)`);
  const hint = flags.resume === true ? '' : ' (--new starts another)';
  note(call, `Going on with the unfinished ${which}${hint}.`);
  return true;
}

function sayWhenChanged(call: Call, unfinished: RunView, definition: Wanted['definition']): void {
  if (unfinished.definition !== definitionHash(definition))
    note(call, 'The workflow was changed since; the run keeps the one it was started with.');
}

async function start(
  call: Call,
  { session, wanted, flags }: { session: Session; wanted: Wanted; flags: Flags },
): Promise<string> {
  const { definition, inner, task, repository } = wanted;
  const started = await session.client.start({
    definition,
    inner,
    task,
    workspace: repository === null ? null : { repo: repository.top, base: repository.head },
    ...(flags.key === undefined ? {} : { idempotencyKey: flags.key }),
  });
  const what = `run ${started.run} of ${definition.name} ${definition.version}`;
  if (flags.json !== true && flags.detach !== true)
    print(call, started.created ? `Started ${oneLine(what)}.` : `This key has started ${oneLine(what)} before.`);
  return started.run;
}

async function detach(
  call: Call,
  {
    session,
    id,
    hosting,
    flags,
    personas,
  }: { session: Session; id: string; hosting: Hosting | null; flags: Flags; personas: readonly string[] },
): Promise<number> {
  // A background host that was about to leave for want of work may have missed the start.
  const still = (await call.app.isHosted(session))
    ? hosting
    : await call.app.ensureHost(session, call.options, personas);
  if (flags.json === true) printJson(call, { ...(await session.client.get(id)), exitCode: EXIT.ok });
  else print(call, id);
  note(call, `Moved by ${still === null ? 'the host that is there' : hostWords(still)}. Follow it: coord watch ${id}`);
  return EXIT.ok;
}
