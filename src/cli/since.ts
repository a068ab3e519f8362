/** `--since`: a duration back from now, or a time. */
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { parseDuration } from '../core/duration.js';
import { parseTime } from '../definition/workflow.js';

export type Since = { readonly agoMs: number } | { readonly at: number };

/** `10m`, `2h`, `7d`, or a time in ISO 8601. */
export function since(text: string): Since {
  const agoMs = parseDuration(text);
  if (agoMs !== null) return { agoMs };
  const at = parseTime(text);
  if (at === null)
    throw new InvalidArgumentError(
      'It must be a duration such as 10m, 2h or 7d, or a time such as 2026-11-20T12:00:00Z.',
    );
  return { at };
}

/** As ms of the store's clock, which says `now`. */
export function sinceTime(given: Since, now: number): number {
  return 'at' in given ? given.at : now - given.agoMs;
}
