/** `coord decide`: answers the question that a step waits with. */
import type { Client } from '../../coordinator/client.js';
import { CoordError, hasCode } from '../../core/errors.js';
import type { JsonObject } from '../../core/json.js';
import { didYouMean } from '../../core/suggest.js';
import type { RunView, StepView } from '../../core/views.js';
import { type Call, type Invoke, print, type Program, withSession } from '../call.js';
import { dataOf, setField } from '../data-option.js';
import { EXIT } from '../exit-codes.js';
import { asksInside } from '../inner-runs.js';
import { person } from '../person.js';
import { textHint } from '../render/form-words.js';
import { oneLine } from '../render/printable.js';
import { keepMoving } from '../telling.js';

export function addDecide(program: Program, invoke: Invoke): void {
  program
    .command('decide')
    .description('answer what a step of a run asks')
    .argument('<run>', 'id of the run')
    .argument('<step>', 'the step that asks; its id alone when only one of that id asks')
    .argument('<choice>', 'id of the choice')
    .option('--data <json|@file>', 'what goes with the answer: JSON, or a file with JSON')
    .option('--set <key=value>', 'set one field of the data; the value is JSON, else text (repeatable)', setField)
    .option('--key <key>', 'idempotency key: the same key answers once')
    .action((run, step, choice, flags, command) =>
      invoke(command, (call) => decide(call, { run, step, choice, ...flags })),
    );
}

interface Wanted {
  readonly run: string;
  readonly step: string;
  readonly choice: string;
  readonly data?: string | undefined;
  readonly set?: JsonObject | undefined;
  readonly key?: string | undefined;
}

async function decide(call: Call, { run, step, choice, data, set, key }: Wanted): Promise<number> {
  const value = await dataOf(call, { data, set });
  return withSession(call, 'start', async (session) => {
    const { client } = session;
    const view = await client.get(run);
    await refuseInner(client, view, { step, choice });
    const path = askingStep(view, step);
    const schema = view.steps.find(({ id }) => id === path)?.form?.schema ?? null;
    try {
      await client.decide(run, {
        step: path,
        choice,
        data: value,
        by: person(call.io),
        ...(key === undefined ? {} : { idempotencyKey: key }),
      });
    } catch (error) {
      const hint = hasCode(error, 'DECISION_REFUSED') ? textHint(schema, set ?? {}) : '';
      if (hint === '' || !hasCode(error, 'DECISION_REFUSED')) throw error;
      throw new CoordError('DECISION_REFUSED', `${error.message}${hint}`, { cause: error });
    }
    print(call, `Step ${oneLine(path)} of run ${run} is answered with ${choice}: coord watch ${run}`);
    await keepMoving(call, session);
    return EXIT.ok;
  });
}

/** For a question of a run inside: names that run, and the command. Throws DECISION_REFUSED. */
async function refuseInner(
  client: Client,
  view: RunView,
  { step, choice }: Pick<Wanted, 'step' | 'choice'>,
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
