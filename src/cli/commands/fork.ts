/** `coord fork`: a new run that shares the past of another one. */
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { CoordError } from '../../core/errors.js';
import type { JsonObject } from '../../core/json.js';
import { didYouMean } from '../../core/suggest.js';
import type { Session } from '../application.js';
import { type Call, type Invoke, note, print, type Program, withSession } from '../call.js';
import { setField } from '../data-option.js';
import { EXIT } from '../exit-codes.js';
import { servedPersonas } from '../hints.js';
import { person } from '../person.js';
import { oneLine } from '../render/printable.js';
import { keepMoving } from '../telling.js';

interface Flags {
  readonly from: string;
  readonly set?: JsonObject | undefined;
  readonly persona?: Readonly<Record<string, string>> | undefined;
  readonly key?: string | undefined;
}

export function addFork(program: Program, invoke: Invoke): void {
  program
    .command('fork')
    .description('begin another run where this one stood before a step')
    .argument('<run>', 'id of the run')
    .requiredOption('--from <step>', 'path of the step that the new run begins with')
    .option('--set <key=value>', 'set one field of its task; the value is JSON, else text (repeatable)', setField)
    .option('--persona <step=persona>', 'ask another persona in a step (repeatable)', setPersona)
    .option('--key <key>', 'idempotency key: the same key forks once')
    .action((run, flags, command) => invoke(command, (call) => fork(call, run, flags)));
}

function setPersona(text: string, before: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const [, step = '', persona = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (persona === '') throw new InvalidArgumentError('It must be step=persona.');
  return { ...before, [step]: persona };
}

async function fork(call: Call, run: string, { from, set = {}, persona = {}, key }: Flags): Promise<number> {
  return withSession(call, 'start', async (session) => {
    const by = person(call.io);
    await checkServed(call, session, Object.values(persona));
    const forked = await session.operator.fork(run, { from, task: set, personas: persona, by, idempotencyKey: key });
    const how = forked.created ? 'Started' : 'This key has started';
    print(
      call,
      `${how} run ${oneLine(forked.run)} from step ${oneLine(from)} of run ${oneLine(run)}: coord watch ${forked.run}`,
    );
    await keepMoving(call, session);
    return EXIT.ok;
  });
}

/**
 * A step that asks a persona of another name waits for ever when it is misspelt. Throws PERSONA_NOT_FOUND for one that has no
 * file here and that nobody serves; says so where the files cannot be read, or there are none.
 */
async function checkServed(call: Call, { client }: Session, personas: readonly string[]): Promise<void> {
  if (personas.length === 0) return;
  const files = await call.app.knownPersonas(call.options);
  const known = new Set([...(files ?? []), ...(await servedPersonas(client))]);
  for (const persona of personas.filter((name) => !known.has(name))) {
    const text = `there is no persona file "${oneLine(persona)}" here, and nobody serves a persona of that name`;
    if (files !== null && known.size > 0)
      throw new CoordError('PERSONA_NOT_FOUND', `${text}.${didYouMean(persona, known)}`);
    note(call, `${text}: the step will wait until somebody does`);
  }
}
