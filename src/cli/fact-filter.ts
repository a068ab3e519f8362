/** Which facts of a history are wanted: of a step, of some types, since a time. */
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { CoordError } from '../core/errors.js';
import type { Fact } from '../core/facts.js';
import { didYouMean } from '../core/suggest.js';
import type { RunView } from '../core/views.js';
import { type Since, sinceTime } from './since.js';

const TYPES: Readonly<Record<Fact['type'], true>> = {
  'run.started': true,
  'run.completed': true,
  'run.compensating': true,
  'run.failed': true,
  'run.canceled': true,
  'run.migrated': true,
  'run.entered': true,
  'run.paused': true,
  'run.resumed': true,
  'run.retried': true,
  'run.restarted': true,
  'run.forked': true,
  'budget.warned': true,
  'step.queued': true,
  'step.working': true,
  'step.progress': true,
  'step.succeeded': true,
  'step.retrying': true,
  'step.failed': true,
  'step.skipped': true,
  'step.canceled': true,
  'step.fallback': true,
  'step.opened': true,
  'step.round': true,
  'step.waiting': true,
  'decision.answered': true,
  'decision.voted': true,
  'decision.reminded': true,
  'decision.expired': true,
  'signal.received': true,
  'event.emitted': true,
  'message.ignored': true,
};

export interface FactFilter {
  readonly step?: string | undefined;
  readonly type?: ReadonlySet<string> | undefined;
  readonly since?: Since | undefined;
}

/** For an option that takes types, with commas between them. */
export function factTypes(text: string): ReadonlySet<string> {
  const words = text.split(',').map((word) => word.trim());
  const unknown = words.find((word) => !Object.hasOwn(TYPES, word));
  if (unknown === undefined) return new Set(words);
  const known = Object.keys(TYPES);
  throw new InvalidArgumentError(
    `There is no type of fact "${unknown}".${didYouMean(unknown, known)} Types are ${known.join(', ')}.`,
  );
}

/** Throws USAGE for a step that the run does not have. */
export function wantedFacts(
  facts: readonly Fact[],
  { step, type, since }: FactFilter,
  { view, now }: { view: RunView; now: number },
): readonly Fact[] {
  if (step !== undefined) checkStep(view, step);
  const from = since === undefined ? 0 : sinceTime(since, now);
  return facts.filter(
    (fact) =>
      fact.at >= from && (type === undefined || type.has(fact.type)) && (step === undefined || concerns(fact, step)),
  );
}

/** Throws USAGE, with what was meant. */
export function checkStep({ id: run, steps }: RunView, step: string): void {
  const known = steps.flatMap(({ id }) => [id, id.slice(id.lastIndexOf('/') + 1)]);
  if (known.includes(step)) return;
  throw new CoordError(
    'USAGE',
    `run ${run} has no step "${step}".${didYouMean(step, known)} See \`coord show ${run}\`.`,
  );
}

/** Of the step itself, of one with that id in a round or item, or of what stands inside it. */
export function concerns(fact: Fact, step: string): boolean {
  if (!('step' in fact) || fact.step === null) return false;
  const path = fact.step;
  return path === step || path.startsWith(`${step}[`) || path.endsWith(`/${step}`) || path.includes(`/${step}[`);
}
