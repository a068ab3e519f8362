/** `coord decide`: answers the question that a step waits with. */
import { CoordError } from '../../core/errors.js';
import type { JsonObject } from '../../core/json.js';
import { didYouMean } from '../../core/suggest.js';
import type { RunView, StepView } from '../../core/views.js';
import { type Call, type Invoke, print, type Program, withSession } from '../call.js';
import { dataOf, setField } from '../data-option.js';
import { EXIT } from '../exit-codes.js';
import { person } from '../person.js';
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
    const path = askingStep(await session.client.get(run), step);
    await session.client.decide(run, {
      step: path,
      choice,
      data: value,
      by: person(call.io),
      ...(key === undefined ? {} : { idempotencyKey: key }),
    });
    print(call, `Step ${oneLine(path)} of run ${run} is answered with ${choice}: coord watch ${run}`);
    await keepMoving(call, session);
    return EXIT.ok;
  });
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
