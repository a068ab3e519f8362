/**
 * One simulation: the real coordinators, workers and clients over one store in memory, in one thread and in virtual time,
 * with everything that goes wrong drawn from a seed. The same seed goes the same way, step by step.
 */
import type { Violation } from '../invariants/violation.js';
import { Cast } from './cast.js';
import { Draw } from './draw.js';
import { drawFaults, type Fault, isCallFault } from './faults.js';
import { Misdeeds } from './misdeeds.js';
import { judge } from './oracle.js';
import { People, type Wish } from './people.js';
import { Personas } from './personas.js';
import { Rest } from './rest.js';
import { Schedule } from './schedule.js';
import { drawWhims } from './steering.js';
import { Trace } from './trace.js';
import { drawWorkflow } from './workflows.js';
import { World } from './world.js';

export interface Simulated {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** Hash of all that happened. */
  readonly hash: string;
  /** Everything that happened, when it was to be kept. */
  readonly lines: readonly string[];
  readonly faults: readonly Fault[];
  /** Which faults came to pass, and when (virtual ms). */
  readonly fired: ReadonlyMap<number, number>;
  /** Answers of `answers.ts` that were given, with when. */
  readonly answers: ReadonlyMap<string, { readonly times: readonly number[] }>;
  readonly virtualMs: number;
  readonly steps: number;
  readonly transitions: number;
  readonly runs: number;
  readonly rollbacks: number;
}

/** How long after the last fault everything must have come to rest, virtual ms. */
const REST_MS = 30 * 60_000;
/** After so long without any change but heartbeats nothing more will come: the longest that a persona takes is less. */
const STILL_MS = 8 * 60_000;
const LOOK_EVERY_MS = 500;

/** What a seed decides before anything happens. */
function settingOf(seed: number): {
  readonly draw: Draw;
  readonly until: number;
  readonly leaseMs: number;
  readonly faults: readonly Fault[];
} {
  const draw = new Draw(`seed ${String(seed)}`);
  const until = draw.pick([15_000, 30_000, 60_000]);
  const leaseMs = draw.pick([2_000, 2_000, 3_000]);
  return { draw, until, leaseMs, faults: drawFaults(draw.fork('faults'), { until, leaseMs }) };
}

/** Whether one of these faults is drawn by the seed: as `kind`, or as `kind method` for one that hits a call. */
export function hasFault(seed: number, wanted: readonly string[]): boolean {
  return settingOf(seed).faults.some(
    (fault) => wanted.includes(fault.kind) || (isCallFault(fault) && wanted.includes(`${fault.kind} ${fault.method}`)),
  );
}

/** `only`: the faults that happen; all of the seed's by default. */
export async function simulate(
  seed: number,
  { only = null, keep = false }: { only?: ReadonlySet<number> | null; keep?: boolean } = {},
): Promise<Simulated> {
  const { draw, until, leaseMs, faults: drawn } = settingOf(seed);
  const faults = only === null ? drawn : drawn.filter(({ id }) => only.has(id));
  const schedule = new Schedule(draw.fork('order'));
  const trace = new Trace(keep);
  const partitions = draw.pick([1, 1, 2]);
  const world = new World({ schedule, draw: draw.fork('world'), trace, partitions, faults });
  world.contents.partitions = partitions;
  const wishes = drawWishes(draw.fork('wishes'), until);
  const tame = new Set(
    wishes
      .filter(({ workflow }) => workflow.tame)
      .flatMap(({ workflow }) => [workflow.definition.name, ...workflow.inner.map(({ name }) => name)]),
  );
  const problems: string[] = [];
  const people = new People(world, draw.fork('people'), { wishes, whims: drawWhims(draw.fork('steering'), until) });
  const personas = new Personas(draw.fork('personas'), tame);
  const size = { coordinators: draw.between(1, 3), workers: draw.between(1, 3), leaseMs };
  const cast = new Cast({ world, draw: draw.fork('cast'), people, personas, size, problems });
  cast.start();
  new Misdeeds({ world, cast, people, problems }).plan(faults);
  schedule.after(until, () => {
    world.hostile = false;
  });
  // A clock that was set back makes whatever is due that much later.
  const slack = faults.reduce((sum, { kind, ms }) => sum + (kind === 'clock-jump' ? Math.abs(ms) : 0), 0);
  const rest = new Rest(world, people);
  let restful = false;
  let still = false;
  let moved = { changes: 0, at: 0 };
  const look = (): void => {
    const { moves } = world.ledger;
    if (moves !== moved.changes) moved = { changes: moves, at: schedule.now };
    restful = !world.hostile && rest.open().length === 0;
    still = !world.hostile && schedule.now - moved.at > STILL_MS + slack;
    schedule.after(LOOK_EVERY_MS, look);
  };
  look();
  await schedule.run(() => restful || still || problems.length > 0, until + slack + REST_MS);
  const violations: Violation[] = problems.map((what) => ({ invariant: 'I5', what }));
  if (!restful && problems.length === 0)
    for (const what of rest.open())
      violations.push({ invariant: 'I5', what: `after ${String(schedule.now)} ms ${what}` });
  const judged = await judge(world, people);
  await cast.end();
  violations.push(...judged.violations);
  const { fired, answers, rollbacks } = world;
  return {
    seed,
    violations,
    hash: trace.digest(),
    lines: trace.lines,
    faults: drawn,
    fired,
    answers,
    virtualMs: schedule.now,
    steps: schedule.steps,
    transitions: judged.transitions,
    runs: judged.runs,
    rollbacks: rollbacks.length,
  };
}

function drawWishes(draw: Draw, until: number): readonly Wish[] {
  const workflows = [0, 1, 2].map((index) =>
    drawWorkflow(draw.fork(`workflow ${String(index)}`), `flow${String(index)}`, index < 2),
  );
  return Array.from({ length: draw.between(2, 6) }, (_, index) => ({
    key: `wish ${String(index)}`,
    workflow: draw.pick(workflows),
    at: draw.chance(0.5) ? draw.between(0, 2_000) : draw.between(0, until),
    answered: draw.chance(0.92),
    run: null,
    created: 0,
  }));
}
