/** What an attempt is told of those before it on the same step: what each persona came to, and its own conversation. */
import { type Handover, RESULTS_LIMIT } from '../core/exchange.js';
import { isWithin } from '../expression/size.js';
import type { StepMore } from './records.js';
import type { Draft } from './state.js';

/** Runs of this format and later ones remember what was tried. */
const SINCE = 6;

export function handsOver({ record }: Draft): boolean {
  return (record.since ?? 0) >= SINCE;
}

export function keepSession(
  draft: Draft,
  path: string,
  { persona, session }: { readonly persona: string; readonly session: string },
): void {
  draft.setMore(path, { sessions: { ...draft.step(path).more.sessions, [persona]: session } });
}

/** The step's record with what a persona came to before another one is asked. */
export function triedBefore(draft: Draft, path: string, last: Handover): Pick<StepMore, 'tried'> {
  if (!handsOver(draft)) return {};
  const { tried = [] } = draft.step(path).more;
  const others = tried.filter(({ persona }) => persona !== last.persona);
  // Once more in the record: what is too large for a request need not be kept.
  return { tried: bounded([...others, last]) };
}

/** What was tried on the step before, the last attempt of each persona; null when nothing was. */
export function handoverTo(draft: Draft, path: string, persona: string): readonly Handover[] | null {
  if (!handsOver(draft)) return null;
  const { attempt, error, result, artifacts, more } = draft.step(path);
  const { tried = [] } = more;
  const others = tried.filter((one) => one.persona !== persona);
  const isOwn = tried.at(-1)?.attempt !== attempt && (error !== null || more.inputs !== undefined);
  const all = isOwn ? [...others, { persona, attempt, error, result, artifacts }] : tried;
  return all.length === 0 ? null : bounded(all);
}

/** The latest say most; a result for which there is no room is left out, and its artifacts are named still. */
function bounded(all: readonly Handover[]): Handover[] {
  const kept: Handover[] = [];
  let room: number = RESULTS_LIMIT.bytes;
  for (const one of all.toReversed()) {
    const fits = isWithin(one.result, room);
    if (fits) room -= Buffer.byteLength(JSON.stringify(one.result));
    kept.unshift(fits ? one : { ...one, result: null });
  }
  return kept;
}
