/**
 * Tries the orders in which things can happen: first every order one after the other, as far as half of the bound
 * goes, then random ones. Each is played from the start, so an order is nothing but its list of choices.
 */
import { type Chosen, drawsOf, PlayedChoices } from './choices.js';

export interface ExploreParams<T> {
  /** Plays one order; gives what is wrong with it, or null. */
  readonly play: (choices: PlayedChoices) => Promise<T | null>;
  /** Orders that are tried at most. */
  readonly limit: number;
  readonly seed: number;
}

export interface Exploration<T> {
  readonly checked: number;
  /** Whether there are no other orders. */
  readonly all: boolean;
  readonly found: { readonly violation: T; readonly choices: readonly string[] } | null;
}

const SHORTENING_AT_MOST = 200;

export async function explore<T>(params: ExploreParams<T>): Promise<Exploration<T>> {
  const { play, limit, seed } = params;
  let checked = 0;
  let plan: readonly number[] | null = [];
  const draw = drawsOf(seed);
  for (; checked < limit; checked++) {
    const inOrder = plan !== null && checked < Math.max(1, Math.ceil(limit / 2));
    const choices: PlayedChoices = inOrder ? new PlayedChoices(plan ?? []) : new PlayedChoices([], draw);
    const violation = await play(choices);
    if (violation !== null) {
      const found = await shortened(play, { violation, chosen: choices.chosen });
      return { checked: checked + 1, all: false, found };
    }
    if (!inOrder) continue;
    plan = nextPlan(choices.chosen);
    if (plan === null) return { checked: checked + 1, all: true, found: null };
  }
  return { checked, all: false, found: null };
}

/** The order after this one: the last choice that has a further option takes it. Null after the last one. */
function nextPlan(chosen: readonly Chosen[]): readonly number[] | null {
  const last = chosen.findLastIndex(({ index, count }) => index + 1 < count);
  if (last === -1) return null;
  return chosen.slice(0, last + 1).map(({ index }, place) => (place === last ? index + 1 : index));
}

interface Failing<T> {
  readonly violation: T;
  readonly chosen: readonly Chosen[];
}

/** Takes choices back to the ordinary one, as long as it still goes wrong: what remains is what matters. */
async function shortened<T>(
  play: ExploreParams<T>['play'],
  failing: Failing<T>,
): Promise<{ readonly violation: T; readonly choices: readonly string[] }> {
  let best = failing;
  let tries = 0;
  for (let place = 0; place < best.chosen.length && tries < SHORTENING_AT_MOST; place++) {
    if (best.chosen[place]?.index === 0) continue;
    tries++;
    const choices = new PlayedChoices(best.chosen.map(({ index }, other) => (other === place ? 0 : index)));
    const violation = await play(choices);
    if (violation !== null) best = { violation, chosen: choices.chosen };
  }
  const { violation, chosen } = best;
  const last = chosen.findLastIndex(({ index }) => index > 0);
  return { violation, choices: chosen.slice(0, last + 1).map(({ option }) => option) };
}
