/** `coord show --at`: what was known when a step ended. */
import { CoordError } from '../core/errors.js';
import type { JsonValue } from '../core/json.js';
import type { RunView } from '../core/views.js';
import type { Client } from '../coordinator/client.js';
import { type Call, print, printJson, tableLook } from './call.js';
import { checkStep } from './fact-filter.js';
import { dateAndTime } from './render/duration.js';
import { type KnownStep, type Moment, momentOf } from './render/moment.js';
import { paintStatus } from './render/paint.js';
import { oneLine } from './render/printable.js';
import { table } from './render/table.js';

/** Throws USAGE for a step that the run does not have, or that has not ended. */
export async function showMoment(
  call: Call,
  client: Client,
  { view, step, json }: { view: RunView; step: string; json: boolean },
): Promise<void> {
  checkStep(view, step);
  const moment = momentOf(await client.history(view.id), step);
  if (moment === null)
    throw new CoordError('USAGE', `step ${step} of run ${view.id} has not ended yet; leave --at out, or see coord why`);
  if (json) printJson(call, { run: view.id, step, task: view.task, ...moment });
  else printMoment(call, { view, step, moment });
}

const CHARACTERS = 200;

function printMoment(call: Call, { view, step, moment }: { view: RunView; step: string; moment: Moment }): void {
  const { colors } = call;
  print(call, `Run ${colors.bold(oneLine(view.id))} when step ${oneLine(step)} ended, ${dateAndTime(moment.at)}:`);
  print(call, `task  ${short(view.task)}\n`);
  const columns = [
    { title: 'STEP', cell: (known: KnownStep) => known.step },
    {
      title: 'STATUS',
      cell: ({ status }: KnownStep) => status,
      paint: (text: string, { status }: KnownStep) => paintStatus(colors, status, text),
    },
    { title: 'ENDED', cell: ({ endedAt }: KnownStep) => (endedAt === null ? '' : dateAndTime(endedAt)) },
    { title: 'ARTIFACTS', cell: ({ artifacts }: KnownStep) => artifacts.map(({ name }) => name).join(', ') },
    { title: 'RESULT', cell: ({ result }: KnownStep) => (result === null ? '' : short(result)) },
  ];
  print(call, table(columns, moment.steps, tableLook(call)));
  for (const { name, by, data } of moment.signals)
    print(call, `signal ${JSON.stringify(oneLine(name))} from ${oneLine(by)}: ${short(data)}`);
  for (const { step: asked, choice, by, data } of moment.decisions)
    print(call, `${oneLine(asked)} answered ${oneLine(choice)} by ${oneLine(by)}: ${short(data)}`);
}

function short(value: JsonValue): string {
  const text = JSON.stringify(value);
  return oneLine(text.length > CHARACTERS ? `${text.slice(0, CHARACTERS)}…` : text);
}
