/** `coord fork`: a new run that shares the past of another one. */
import { InvalidArgumentError } from '@commander-js/extra-typings';
import type { JsonObject } from '../../core/json.js';
import { type Call, type Invoke, print, type Program, withSession } from '../call.js';
import { setField } from '../data-option.js';
import { EXIT } from '../exit-codes.js';
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
