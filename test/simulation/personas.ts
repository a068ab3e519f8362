/**
 * The personas of a simulation: functions that take their time and answer. In tame workflows they pass in the end; in wild
 * ones they do anything that a persona can do. What they do depends on what they are asked, not on when or by whom.
 */
import type { JsonValue } from '../../src/core/json.js';
import type { PersonaRequest } from '../../src/core/exchange.js';
import { functionPersona } from '../../src/personas/catalog.js';
import type { PersonaDefinition } from '../../src/personas/persona.js';
import type { FunctionContext } from '../../src/personas/runner.js';
import type { Draw } from './draw.js';
import type { SimulatedProcess } from './process.js';
import { TAME } from './reference.js';

export const PERSONAS = ['worker', 'other'] as const;

/** Longer than any heartbeat lives. */
const LONG_MS = [15_000, 45_000] as const;
const HANGS_MS = 180_000;

export class Personas {
  readonly #draw: Draw;
  /** Workflows that are tame, by name. */
  readonly #tame: ReadonlySet<string>;
  /** Errors that were given for a step of a tame workflow: never more than its retries allow. */
  readonly #errors = new Map<string, number>();
  /** How often each attempt was worked on, by run and token: more than once is possible, and counted. */
  readonly worked = new Map<string, number>();

  constructor(draw: Draw, tame: ReadonlySet<string>) {
    this.#draw = draw;
    this.#tame = tame;
  }

  /** As one process serves them. */
  servedBy(process: SimulatedProcess, names: readonly string[], concurrency: number): readonly PersonaDefinition[] {
    return names.map((name) =>
      functionPersona({ name, concurrency, run: (request, context) => this.#work(process, request, context) }),
    );
  }

  async #work(process: SimulatedProcess, request: PersonaRequest, context: FunctionContext): Promise<unknown> {
    const { run, step, attempt, token, workflow } = request;
    const worked = `${run} ${token}`;
    this.worked.set(worked, (this.worked.get(worked) ?? 0) + 1);
    const draw = this.#draw.fork(`${run} ${step} ${String(attempt)}`);
    const { clock } = process;
    await clock.sleep(
      draw.chance(0.06) ? draw.pick(LONG_MS) : draw.between(0, draw.pick([50, 2_000, 6_000])),
      context.signal,
    );
    context.progress(`half of ${step}`);
    await clock.sleep(draw.between(0, 500), context.signal);
    if (this.#tame.has(workflow)) return this.#tameReply(draw, request);
    return await this.#anything(draw, request, { process, context });
  }

  #tameReply(draw: Draw, { run, step }: PersonaRequest): unknown {
    const errors = this.#errors.get(`${run} ${step}`) ?? 0;
    if (errors < 2 && draw.chance(0.12)) {
      this.#errors.set(`${run} ${step}`, errors + 1);
      return draw.pick([{ status: 'error', error: 'not now' }, 'garbage', { status: 'passed' }]);
    }
    return passing(draw, TAME.passing(step));
  }

  async #anything(
    draw: Draw,
    { step }: PersonaRequest,
    { process, context }: { process: SimulatedProcess; context: FunctionContext },
  ): Promise<unknown> {
    switch (draw.below(14)) {
      case 0:
        return { status: 'fail', result: { of: step }, error: 'it is no good' };
      case 1:
        return { status: 'error', error: { class: 'RATE_LIMIT', message: 'later' } };
      case 2:
        throw new Error('the persona broke');
      case 3:
        return draw.pick(['garbage', null, 3, { status: 'pass', result: 1, more: 2 }, { status: 'PASS' }]);
      case 4:
        // Does not follow the schema, where there is one.
        return { status: 'pass', result: [1, 2] };
      case 5:
        await process.clock.sleep(HANGS_MS, context.signal);
        return passing(draw, { of: step, late: true });
      case 6:
        // Does not care that it is told to stop.
        await process.clock.sleep(10_000);
        return passing(draw, { of: step, deaf: true });
      default:
        return passing(draw, TAME.passing(step));
    }
  }
}

function passing(draw: Draw, result: JsonValue): unknown {
  const artifacts = draw.chance(0.2) ? [{ name: 'note.md', content: `note ${String(draw.below(5))}` }] : [];
  return { status: 'pass', result, artifacts };
}
