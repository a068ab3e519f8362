/** `coord events`: what the `emit` steps of all runs tell from now on; for people to watch, and for scripts to act on. */
import { type Call, type Invoke, positiveInteger, print, type Program, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { timeOfDay } from '../render/duration.js';
import { oneLine } from '../render/printable.js';

export function addEvents(program: Program, invoke: Invoke): void {
  program
    .command('events')
    .description('events that runs emit from now on, as they come')
    .option('--name <name>', 'only events of this name')
    .option('--count <n>', 'end after so many', positiveInteger)
    .option('--json', 'print one JSON document per event and line')
    .action((flags, command) => invoke(command, (call) => events(call, flags)));
}

interface Flags {
  readonly name?: string | undefined;
  readonly count?: number | undefined;
  readonly json?: true | undefined;
}

async function events(call: Call, { name, count, json }: Flags): Promise<number> {
  const stop = new AbortController();
  const release = call.io.onInterrupt(() => stop.abort());
  try {
    return await withSession(call, 'find', async ({ client }) => {
      let seen = 0;
      for await (const event of client.events(stop.signal, name ?? null)) {
        if (json === true) print(call, JSON.stringify(event));
        else {
          const { run, step, event: what, data, at } = event;
          print(call, `${timeOfDay(at)}  ${run}  ${oneLine(step)}  ${oneLine(what)}  ${oneLine(JSON.stringify(data))}`);
        }
        seen++;
        if (seen === count) return EXIT.ok;
      }
      return EXIT.interrupted;
    });
  } finally {
    release();
  }
}
