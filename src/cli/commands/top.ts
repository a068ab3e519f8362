/** `coord top`: who moves runs, who serves personas, and what waits: again and again on a terminal, once into a pipe. */
import type { Overview } from '../../coordinator/client-overview.js';
import { CoordError } from '../../core/errors.js';
import { RUN_STATUSES } from '../../core/statuses.js';
import type { Session } from '../application.js';
import { type Call, type Invoke, print, printJson, type Program, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { LiveArea } from '../render/live-area.js';
import { overviewLines } from '../render/overview.js';

export function addTop(program: Program, invoke: Invoke): void {
  program
    .command('top')
    .description('who moves runs, who serves personas, and what waits, as it changes')
    .option('--once', 'print it once')
    .option('--json', 'print JSON, once')
    .action(({ once, json }, command) =>
      invoke(command, (call) =>
        withSession(call, 'find', async (session) => {
          if (json === true) printJson(call, await session.observer.overview());
          else if (once === true || !call.io.isTTY)
            print(call, linesOf(call, await session.observer.overview()).join('\n'));
          else return refresh(call, session);
          return EXIT.ok;
        }),
      ),
    );
}

const REFRESH_MS = 1_000;

/** Until Ctrl-C, which is how one leaves it. */
async function refresh(call: Call, { observer }: Session): Promise<number> {
  const { io, app } = call;
  const stop = new AbortController();
  const release = io.onInterrupt(() => stop.abort());
  const area = new LiveArea(io);
  try {
    while (!stop.signal.aborted) {
      area.draw((await lookAgain(call, observer)).slice(0, Math.max(1, io.rows - 1)));
      await app.clock.sleep(REFRESH_MS, stop.signal);
    }
    return EXIT.ok;
  } finally {
    area.close();
    release();
  }
}

/** A store that is away comes back, and the look with it. */
async function lookAgain(call: Call, observer: Session['observer']): Promise<readonly string[]> {
  try {
    return linesOf(call, await observer.overview());
  } catch (error) {
    if (!(error instanceof CoordError) || !error.retryable) throw error;
    return [call.colors.bad(`Redis does not answer: ${error.message}`)];
  }
}

function linesOf(call: Call, seen: Overview): readonly string[] {
  const runs = RUN_STATUSES.filter((status) => seen.runs[status] > 0);
  const counts = runs.map((status) => `${String(seen.runs[status])} ${status}`).join(', ');
  return [`runs: ${counts === '' ? 'none' : counts}`, ...overviewLines(call, seen)];
}
