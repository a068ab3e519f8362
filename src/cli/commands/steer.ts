/** `coord pause`, `resume`, `retry`, `skip`, `restart`: steering runs by messages. Each waits until the run has taken it. */
import { CoordError } from '../../core/errors.js';
import type { SteeringOutcome, SteeringRequest } from '../../coordinator/client-steer.js';
import { type Call, type Invoke, print, type Program, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { person } from '../person.js';
import { oneLine } from '../render/printable.js';
import { keepMoving } from '../telling.js';

const KEY = 'idempotency key: the same key counts once';

export function addPause(program: Program, invoke: Invoke): void {
  program
    .command('pause')
    .description('begin nothing new in a run until it is resumed')
    .argument('<run>', 'id of the run')
    .option('--reason <text>', 'why, for its history', 'paused on the command line')
    .option('--key <key>', KEY)
    .action((run, { reason, key }, command) =>
      invoke(command, (call) =>
        steered(call, run, {
          request: { kind: 'pause', reason, by: person(call.io), idempotencyKey: key },
          done: `is paused; what is in work goes on, and nothing new begins until: coord resume ${run}`,
        }),
      ),
    );
}

export function addResume(program: Program, invoke: Invoke): void {
  program
    .command('resume')
    .description('go on with a run that is paused')
    .argument('<run>', 'id of the run')
    .option('--key <key>', KEY)
    .action((run, { key }, command) =>
      invoke(command, (call) =>
        steered(call, run, {
          request: { kind: 'resume', by: person(call.io), idempotencyKey: key },
          done: `goes on: coord watch ${run}`,
        }),
      ),
    );
}

export function addRetry(program: Program, invoke: Invoke): void {
  program
    .command('retry')
    .description('go on with a run that failed or was canceled')
    .argument('<run>', 'id of the run')
    .option('--reason <text>', 'why, for its history', 'tried again on the command line')
    .option('--key <key>', KEY)
    .action((run, { reason, key }, command) =>
      invoke(command, (call) =>
        steered(call, run, {
          request: { kind: 'retry', reason, by: person(call.io), idempotencyKey: key },
          done: `goes on from where it ended: coord watch ${run}`,
        }),
      ),
    );
}

export function addSkip(program: Program, invoke: Invoke): void {
  program
    .command('skip')
    .description('go on with a run without one of its steps')
    .argument('<run>', 'id of the run')
    .argument('<step>', 'path of the step')
    .requiredOption('--reason <text>', 'why, for its history')
    .option('--key <key>', KEY)
    .action((run, step, { reason, key }, command) =>
      invoke(command, (call) =>
        steered(call, run, {
          request: { kind: 'skip', step, reason, by: person(call.io), idempotencyKey: key },
          done: `goes on without step ${step}: coord watch ${run}`,
        }),
      ),
    );
}

export function addRestart(program: Program, invoke: Invoke): void {
  program
    .command('restart')
    .description('run a step of a run again, with all that depends on it')
    .argument('<run>', 'id of the run')
    .requiredOption('--from <step>', 'path of the step')
    .option('--reason <text>', 'why, for its history', 'restarted on the command line')
    .option('--key <key>', KEY)
    .action((run, { from, reason, key }, command) =>
      invoke(command, (call) =>
        steered(call, run, {
          request: { kind: 'restart', step: from, reason, by: person(call.io), idempotencyKey: key },
          done: `goes on from step ${from}: coord watch ${run}`,
        }),
      ),
    );
}

/** How long, and how often, it is waited for that somebody moves the run: who seems to may have died a moment ago. */
const WAIT_MS = 3_000;
const WAITS = 10;

async function steered(
  call: Call,
  run: string,
  { request, done }: { readonly request: SteeringRequest; readonly done: string },
): Promise<number> {
  return withSession(call, 'start', async (session) => {
    const { operator } = session;
    const sent = await operator.steer(run, request);
    const left = new AbortController();
    const release = call.io.onInterrupt(() => left.abort());
    try {
      let decided: SteeringOutcome = { outcome: 'stored' };
      for (let waits = 0; waits < WAITS && decided.outcome === 'stored' && !left.signal.aborted; waits++) {
        await keepMoving(call, session);
        decided = await operator.steeringOutcome(sent, { waitMs: WAIT_MS, signal: left.signal });
      }
      if (decided.outcome === 'refused') throw new CoordError('STEERING_REFUSED', `run ${run}: ${decided.reason}`);
      const stored = `: the request is stored, and nobody has moved the run yet: coord history ${run}`;
      print(call, `Run ${oneLine(run)}${decided.outcome === 'stored' ? stored : ` ${oneLine(done)}`}`);
      return EXIT.ok;
    } finally {
      release();
    }
  });
}
