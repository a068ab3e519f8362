/** `coord persona`: the roles that answer requests: which there are, whether each works, and what one makes of a task. */
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { parseDuration } from '../../core/duration.js';
import { CoordError } from '../../core/errors.js';
import { type Finding, isFine } from '../../core/finding.js';
import type { JsonObject } from '../../core/json.js';
import {
  type Call,
  collect,
  folderOf,
  type Invoke,
  note,
  personasOf,
  print,
  printJson,
  type Program,
  tableLook,
} from '../call.js';
import { setField } from '../data-option.js';
import { EXIT } from '../exit-codes.js';
import type { KnownPersona, KnownRole, PersonaPlace, TrialReply } from '../persona-desk.js';
import { findingLines } from '../render/findings.js';
import { trialWords } from '../render/trial.js';
import { oneLine, readable } from '../render/printable.js';
import { table } from '../render/table.js';

const TRY_MS = 10 * 60_000;

export function addPersona(program: Program, invoke: Invoke): void {
  const persona = program
    .command('persona')
    .description('the roles that answer requests: which there are, and whether they work');
  persona
    .command('list', { isDefault: true })
    .description('the personas of the project, with what does their work')
    .option('--personas <dir>', 'folder with persona files (repeatable)', collect)
    .option('--json', 'print JSON')
    .action((flags, command) => invoke(command, (call) => list(call, flags)));
  persona
    .command('show')
    .description('one persona, with its prompt')
    .argument('<name>', 'name of the persona')
    .option('--personas <dir>', 'folder with persona files (repeatable)', collect)
    .option('--json', 'print JSON')
    .action((name, flags, command) => invoke(command, (call) => show(call, name, flags)));
  persona
    .command('roles')
    .description('what a persona of any kind can take over with `role:`')
    .option('--json', 'print JSON')
    .action(({ json }, command) => invoke(command, async (call) => roles(call, json === true)));
  persona
    .command('check')
    .description('prove that personas work, before a run needs them')
    .argument('[name...]', 'names of personas; by default all')
    .option('--personas <dir>', 'folder with persona files (repeatable)', collect)
    .option('--no-ask', 'ask no model and no agent, which costs a few tokens')
    .option('--json', 'print JSON')
    .action((names, flags, command) =>
      invoke(command, (call) => interruptible(call, (signal) => check(call, names, { ...flags, signal }))),
    );
  persona
    .command('try')
    .description('ask a persona once, without a run; nothing is stored')
    .argument('<name>', 'name of the persona')
    .argument('[words]', 'what it is to do: the description of its task')
    .option('--set <key=value>', 'set one field of the task; the value is JSON, else text (repeatable)', setField)
    .option('--param <key=value>', 'set one of the params; the value is JSON, else text (repeatable)', setField)
    .option('--in <dir>', 'the folder that it works in, and may change; default: an empty one')
    .option('--timeout <duration>', 'end it after this long; default: 10m', limit)
    .option('--personas <dir>', 'folder with persona files (repeatable)', collect)
    .option('--json', 'print JSON')
    .action((name, words, flags, command) =>
      invoke(command, (call) => interruptible(call, (signal) => attempt(call, { ...flags, name, words, signal }))),
    );
}

interface Shared {
  readonly personas?: readonly string[] | undefined;
  readonly json?: true | undefined;
}

async function list(call: Call, { personas, json }: Shared): Promise<number> {
  const survey = await call.app.personas.survey(placeOf(call, personas));
  if (json === true) printJson(call, survey);
  else {
    const columns = [
      { title: 'PERSONA', cell: ({ name }: KnownPersona) => name },
      { title: 'KIND', cell: ({ kind }: KnownPersona) => kind },
      { title: 'AT ONCE', cell: ({ concurrency }: KnownPersona) => String(concurrency) },
      { title: 'BY', cell: ({ by }: KnownPersona) => relativeTo(call, by) },
      { title: 'DESCRIPTION', cell: ({ description }: KnownPersona) => description },
    ];
    const rows = survey.personas.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    print(call, table(columns, rows, tableLook(call)));
    for (const problem of survey.problems) note(call, problem);
  }
  return survey.problems.length > 0 ? EXIT.usage : EXIT.ok;
}

function roles(call: Call, json: boolean): number {
  const known = call.app.personas.roles();
  const columns = [
    { title: 'ROLE', cell: ({ name, aliases }: KnownRole) => [name, ...aliases].join(', ') },
    { title: 'CHANGES FILES', cell: ({ changes }: KnownRole) => (changes ? 'yes' : 'no') },
    { title: 'DESCRIPTION', cell: ({ description }: KnownRole) => description },
  ];
  if (json) printJson(call, known);
  else print(call, table(columns, known, tableLook(call)));
  return EXIT.ok;
}

async function show(call: Call, name: string, { personas, json }: Shared): Promise<number> {
  const survey = await call.app.personas.survey(placeOf(call, personas));
  const persona = survey.personas.find((one) => one.name === name);
  if (persona === undefined) {
    const problems = survey.problems.map((problem) => `\n  ${problem}`).join('');
    throw new CoordError(
      'PERSONA_NOT_FOUND',
      `there is no persona "${name}"; coord persona list shows those that there are${problems}`,
    );
  }
  if (json === true) printJson(call, persona);
  else {
    const { kind, by, file, concurrency, tools, description, prompt } = persona;
    const rows: readonly (readonly [string, string])[] = [
      ['persona', `${name}${description === '' ? '' : `: ${description}`}`],
      ['kind', kind],
      ['by', relativeTo(call, by)],
      ['at once', `${String(concurrency)} on each worker`],
      ...(tools.length === 0 ? [] : [['tools', tools.join(', ')] as const]),
      ['file', file ?? 'none: it comes with coord'],
    ];
    const lines = rows.map(([title, text]) => `${call.colors.dim(title.padEnd(9))} ${oneLine(text)}`);
    print(call, [...lines, ...(prompt === '' ? [] : ['', readable(prompt)])].join('\n'));
  }
  return EXIT.ok;
}

interface CheckFlags extends Shared {
  readonly ask: boolean;
  readonly signal: AbortSignal;
}

async function check(
  call: Call,
  names: readonly string[],
  { personas, json, ask, signal }: CheckFlags,
): Promise<number> {
  const place = placeOf(call, personas);
  const survey = await call.app.personas.survey(place);
  const wanted = names.length > 0 ? names : survey.personas.map(({ name }) => name).toSorted();
  const results: { readonly persona: string; readonly findings: readonly Finding[] }[] = [];
  // One after the other: whoever looks wants to see which it is that takes so long.
  for (const persona of wanted) {
    if (signal.aborted) return EXIT.interrupted;
    const findings = await call.app.personas.check(place, { persona, ask, signal });
    results.push({ persona, findings });
    if (json === true) continue;
    const sign = isFine(findings) ? call.colors.good('works') : call.colors.bad('does not work');
    print(call, `${oneLine(persona)}: ${sign}\n${findingLines(findings, call.colors).replace(/^/gm, '  ')}`);
  }
  const problems = names.length > 0 ? [] : survey.problems;
  if (json === true) printJson(call, { personas: results, problems });
  else for (const problem of problems) note(call, problem);
  const fine = results.every(({ findings }) => isFine(findings));
  return fine && problems.length === 0 ? EXIT.ok : EXIT.failed;
}

interface TryFlags extends Shared {
  readonly name: string;
  readonly words: string | undefined;
  readonly set?: JsonObject | undefined;
  readonly param?: JsonObject | undefined;
  readonly in?: string | undefined;
  readonly timeout?: number | undefined;
  readonly signal: AbortSignal;
}

async function attempt(call: Call, flags: TryFlags): Promise<number> {
  const { name, words, set = {}, param = {}, signal, json } = flags;
  const task = words === undefined ? set : { description: words, ...set };
  const directory = flags.in === undefined ? null : folderOf(call, flags.in);
  const reply = await call.app.personas.try(placeOf(call, flags.personas), {
    persona: name,
    task,
    params: param,
    directory,
    timeoutMs: flags.timeout ?? TRY_MS,
    signal,
    progress: (line) => call.io.stderr.write(`${call.colors.dim(oneLine(line))}\n`),
  });
  if (signal.aborted) return EXIT.interrupted;
  if (json === true) printJson(call, plain(reply));
  else print(call, trialWords(reply, call.colors));
  return reply.status === 'pass' ? EXIT.ok : EXIT.failed;
}

function plain({ artifacts, ...reply }: TrialReply): object {
  return {
    ...reply,
    artifacts: artifacts.map(({ name, type, content }) => ({ name, type, size: content.length })),
  };
}

function placeOf(call: Call, personas: readonly string[] | undefined): PersonaPlace {
  return { directory: call.options.directory, personas: personasOf(call, personas) };
}

async function interruptible(call: Call, body: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const stop = new AbortController();
  const release = call.io.onInterrupt(() => stop.abort());
  try {
    return await body(stop.signal);
  } finally {
    release();
  }
}

function limit(text: string): number {
  const ms = parseDuration(text);
  if (ms === null || ms <= 0) throw new InvalidArgumentError('It must be a duration such as 30s, 10m or 2h.');
  return ms;
}

/** Paths inside the project are shorter without it. */
function relativeTo(call: Call, text: string): string {
  return text.replaceAll(`${call.options.directory}/`, '');
}
