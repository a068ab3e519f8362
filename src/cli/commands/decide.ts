/** `coord decide`: answers the question that a step waits with. */
import type { Client } from '../../coordinator/client.js';
import { CoordError, hasCode } from '../../core/errors.js';
import type { JsonObject } from '../../core/json.js';
import { didYouMean } from '../../core/suggest.js';
import type { RunView, StepView } from '../../core/views.js';
import { outcomeWords, sendAnswer } from '../answering.js';
import { type Call, type Invoke, print, type Program, withSession } from '../call.js';
import { dataOf, setField } from '../data-option.js';
import { EXIT } from '../exit-codes.js';
import { asksInside } from '../inner-runs.js';
import { textHint } from '../render/form-words.js';
import { oneLine } from '../render/printable.js';
import { answersTo } from '../render/waiting.js';
import { type Answered, wizard } from '../wizard.js';

export function addDecide(program: Program, invoke: Invoke): void {
  program
    .command('decide')
    .description('answer what a step of a run asks; on a terminal, one question at a time')
    .argument('<run>', 'id of the run')
    .argument('[step]', 'the step that asks; its id alone when only one of that id asks; left out when only one asks')
    .argument('[choice]', 'id of the choice; left out on a terminal, you are asked')
    .option('--data <json|@file>', 'what goes with the answer: JSON, or a file with JSON')
    .option('--set <key=value>', 'set one field of the data; the value is JSON, else text (repeatable)', setField)
    .option('--edits <json|@file>', 'what to change in the draft: a JSON merge patch, or a file with one')
    .option('--key <key>', 'idempotency key: the same key answers once')
    .action((run, step, choice, flags, command) =>
      invoke(command, (call) => decide(call, { run, step, choice, ...flags })),
    );
}

interface Wanted {
  readonly run: string;
  readonly step?: string | undefined;
  readonly choice?: string | undefined;
  readonly data?: string | undefined;
  readonly set?: JsonObject | undefined;
  readonly edits?: string | undefined;
  readonly key?: string | undefined;
}

async function decide(call: Call, { run, choice, data, set, edits, key, ...wanted }: Wanted): Promise<number> {
  const value = await dataOf(call, { data, set });
  const patch = edits === undefined ? undefined : await dataOf(call, { data: edits }, '--edits');
  return withSession(call, 'start', async (session) => {
    const { client } = session;
    const view = await client.get(run);
    const step = wanted.step ?? onlyAsking(view);
    await refuseInner(client, view, { step, choice });
    const path = askingStep(view, step);
    const asking = view.steps.find(({ id }) => id === path);
    const typed = choice === undefined ? await atTerminal(call, { run, path, asking }) : { choice, data: value };
    if (typed === null) return EXIT.interrupted;
    const more = { ...(patch !== undefined && { edits: patch }), ...(key !== undefined && { idempotencyKey: key }) };
    const outcome = await hinted(() => sendAnswer(call, { session, run }, { step: path, ...typed, ...more }), {
      schema: asking?.form?.schema ?? null,
      set,
    });
    print(call, `Step ${oneLine(path)} of run ${run} ${outcomeWords(typed.choice, outcome)}: coord watch ${run}`);
    return EXIT.ok;
  });
}

/** An answer that does not fit says how a text is written, where that may be why. */
async function hinted<T>(
  send: () => Promise<T>,
  { schema, set = {} }: { readonly schema: JsonObject | true | null; readonly set: JsonObject | undefined },
): Promise<T> {
  try {
    return await send();
  } catch (error) {
    const hint = hasCode(error, 'DECISION_REFUSED') ? textHint(schema, set) : '';
    if (hint === '' || !hasCode(error, 'DECISION_REFUSED')) throw error;
    throw new CoordError('DECISION_REFUSED', `${error.message}${hint}`, { cause: error });
  }
}

/** Asks the person; null when they leave. Throws USAGE when nobody can be asked, and says what could be chosen. */
async function atTerminal(
  { io }: Call,
  { run, path, asking }: { readonly run: string; readonly path: string; readonly asking: StepView | undefined },
): Promise<(Answered & { readonly token: string }) | null> {
  if (asking?.waitsFor?.kind !== 'decision')
    throw new CoordError(
      'DECISION_REFUSED',
      `run ${run}: step ${path} asks nothing: it is ${asking?.status ?? 'unknown'}`,
    );
  const { question } = asking.waitsFor;
  if (io.prompts === null) {
    const ways = answersTo(asking.waitsFor, { run, step: path, form: asking.form }).map(({ command }) => command);
    throw new CoordError(
      'USAGE',
      `nobody can be asked here, since this is no terminal; say what you choose: ${ways.join('; ')}`,
    );
  }
  const answered = await wizard(io.prompts, { run, step: path, question, form: asking.form });
  // Only what was shown is answered.
  return answered === null ? null : { ...answered, token: question.token };
}

/** The step that asks, when no other one does. Throws DECISION_REFUSED. */
function onlyAsking(view: RunView): string {
  const [first, ...others] = view.steps.filter(asks).map(({ id }) => id);
  if (first !== undefined && others.length === 0) return first;
  const what =
    first === undefined
      ? `it is ${view.status}, and none of its steps asks anything`
      : `several steps ask; name one of them: ${[first, ...others].slice(0, LISTED).join(', ')}`;
  throw new CoordError('DECISION_REFUSED', `run ${view.id}: ${what}`);
}

/** For a question of a run inside: names that run, and the command. Throws DECISION_REFUSED. */
async function refuseInner(
  client: Client,
  view: RunView,
  { step, choice }: { readonly step: string; readonly choice: string | undefined },
): Promise<void> {
  const isMeant = (path: string): boolean => path === step || path.endsWith(`/${step}`);
  const named = view.steps.filter(({ id }) => isMeant(id));
  // What the run itself asks, and what it knows by that name, is its own affair.
  if (named.some((one) => asks(one) || one.run === null)) return;
  const inside = await asksInside(client, named.length === 0 ? view : { ...view, steps: named });
  const [ask] = named.length === 0 ? inside.filter((one) => isMeant(one.step)) : inside;
  if (ask === undefined) return;
  const command = ask.commands.find((one) => one.choice === choice) ?? ask.commands[0];
  if (command === undefined) return;
  const way = `${oneLine(ask.step)} of the run ${ask.run} inside asks: ${command.command}`;
  throw new CoordError('DECISION_REFUSED', `run ${view.id}: step "${step}" asks nothing in this run; ${way}`);
}

/** The path of the step that is meant; what is given when no step asks, since the client knows best why not. */
function askingStep(view: RunView, given: string): string {
  const paths = view.steps.filter(asks).map(({ id }) => id);
  if (paths.length === 0 || paths.includes(given)) return given;
  const [first, ...others] = paths.filter((path) => path.endsWith(`/${given}`));
  if (first !== undefined && others.length === 0) return first;
  if (first === undefined && view.steps.some(({ id }) => id === given)) return given;
  const named = first === undefined ? paths : [first, ...others];
  const listed = named.slice(0, LISTED).join(', ') + (named.length > LISTED ? ', …' : '');
  const what =
    first === undefined
      ? `there is no step "${given}".${didYouMean(given, paths)} Asking are ${listed}.`
      : `several steps "${given}" ask; name one of them: ${listed}`;
  throw new CoordError('DECISION_REFUSED', `run ${view.id}: ${what}`);
}

const LISTED = 10;

function asks({ waitsFor }: StepView): boolean {
  return waitsFor?.kind === 'decision';
}
