/** I9: a timer fires once for each time that it was armed, and never before it is due by the store's clock. */
import type { Violation } from './violation.js';

export type TimerChange = { readonly timer: string; readonly due: number; readonly at: number } & (
  | { readonly type: 'armed' }
  /** Taken back, or moved. */
  | { readonly type: 'disarmed' }
  | { readonly type: 'fired' }
);

/** In the order in which they happened. `posted`: how many messages of each timer came into the inbox. */
export function timersFireOnce(
  changes: readonly TimerChange[],
  posted: ReadonlyMap<string, number>,
): readonly Violation[] {
  const found: Violation[] = [];
  const armed = new Set<string>();
  const fired = new Map<string, number>();
  for (const { type, timer, due, at } of changes) {
    if (type === 'armed') {
      armed.add(timer);
      continue;
    }
    if (type === 'fired') {
      if (!armed.has(timer)) found.push({ invariant: 'I9', what: `timer ${timer} fired and was not armed` });
      if (at < due) found.push({ invariant: 'I9', what: `timer ${timer} fired ${String(due - at)} ms early` });
      fired.set(timer, (fired.get(timer) ?? 0) + 1);
    }
    armed.delete(timer);
  }
  for (const [timer, count] of posted)
    if (count !== (fired.get(timer) ?? 0))
      found.push({
        invariant: 'I9',
        what: `timer ${timer} fired ${String(fired.get(timer) ?? 0)} times and came ${String(count)} times`,
      });
  for (const [timer, count] of fired)
    if (!posted.has(timer))
      found.push({ invariant: 'I9', what: `timer ${timer} fired ${String(count)} times and never came` });
  return found;
}
