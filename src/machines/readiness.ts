/** What could begin as a run stands, found by its records and not by what has just happened. */
import { stepIsSettled } from '../core/statuses.js';
import { type ListInstance, openLists, planned } from './instances.js';
import { itemsBegun } from './moves.js';
import type { Draft } from './state.js';

/** Makes ready what nothing holds back any more, in a list and in all that is open inside it, in the order of the definition. */
export function makeReady(draft: Draft, { list, prefix }: ListInstance): void {
  for (const id of list.steps) {
    const path = `${prefix}${id}`;
    const { status, more } = draft.step(path);
    if (status === 'pending') {
      const { dependencies } = planned(draft, path);
      const free = dependencies.every((before) => stepIsSettled(draft.step(`${prefix}${before}`).status));
      const { place, ...rest } = more;
      if (free && place === undefined) draft.ready.push(path);
      // It has a place in the line of those that only wait for others to end, and must wait for more than that now.
      else if (!free && place !== undefined) draft.setStep(path, { more: rest });
    } else if (status === 'working' && more.block !== undefined) {
      for (const inside of openLists(draft, path, () => itemsBegun(draft, path))) makeReady(draft, inside);
    }
  }
}
