/** `coord signal`: tells a run that something has happened. */
import { type Call, type Invoke, print, type Program, withSession } from '../call.js';
import { dataOf } from '../data-option.js';
import { EXIT } from '../exit-codes.js';
import { person } from '../person.js';
import { oneLine } from '../render/printable.js';
import { keepMoving } from '../telling.js';

export function addSignal(program: Program, invoke: Invoke): void {
  program
    .command('signal')
    .description('tell a run that something has happened')
    .argument('<run>', 'id of the run')
    .argument('<name>', 'name of the signal')
    .option('--data <json|@file>', 'what comes with it: JSON, or a file with JSON')
    .option('--key <key>', 'idempotency key: the same key sends the signal once')
    .action((run, name, { data, key }, command) => invoke(command, (call) => signal(call, { run, name, data, key })));
}

interface Wanted {
  readonly run: string;
  readonly name: string;
  readonly data: string | undefined;
  readonly key: string | undefined;
}

async function signal(call: Call, { run, name, data, key }: Wanted): Promise<number> {
  const value = await dataOf(call, { data });
  return withSession(call, 'start', async (session) => {
    await session.client.signal(run, {
      name,
      data: value,
      by: person(call.io),
      ...(key === undefined ? {} : { idempotencyKey: key }),
    });
    print(call, `Signal ${JSON.stringify(oneLine(name))} is with run ${run}: coord watch ${run}`);
    await keepMoving(call, session);
    return EXIT.ok;
  });
}
