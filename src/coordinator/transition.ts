/**
 * What messages make of a run, for the coordinator that commits it and for whoever folds a history again: both must come
 * to the same, so there is one way.
 */
import type { Message } from '../core/messages.js';
import { isSteering, type SteeringMessage, standsAlone } from '../core/steering.js';
import { fold } from '../machines/fold.js';
import { foldMigration, type Migration } from '../machines/migrate.js';
import type { RunState } from '../machines/state.js';
import { foldSteering } from '../machines/steering.js';
import type { Plans } from './plans.js';

/**
 * Folds messages that `inTransitions` has put together. Throws RUN_UNREADABLE when the state makes no sense, and what
 * `plans` throws for the definition that a migration names.
 */
export async function transition(
  plans: Pick<Plans, 'get'>,
  { state, messages }: { readonly state: RunState; readonly messages: readonly Message[] },
): Promise<Migration> {
  const [first] = messages;
  if (first?.kind === 'migrate' && messages.length === 1)
    return foldMigration(state, first, await plans.get(first.definition));
  if (first !== undefined && isSteering(first.kind) && standsAlone(first.kind) && messages.length === 1)
    return { ...foldSteering(state, first as Extract<Message, SteeringMessage>), definition: null };
  return { state, result: fold(state, messages), definition: null };
}

/**
 * Puts together what is folded at once: a migration stands alone, since it changes what all others are folded through, and so
 * does what takes a run up from its records.
 */
export function inTransitions<T extends { readonly kind: string }>(messages: readonly T[]): readonly (readonly T[])[] {
  if (!messages.some(({ kind }) => isAlone(kind))) return [messages];
  const groups: T[][] = [];
  let open: T[] | null = null;
  for (const message of messages) {
    if (isAlone(message.kind)) {
      groups.push([message]);
      open = null;
    } else if (open === null) {
      open = [message];
      groups.push(open);
    } else {
      open.push(message);
    }
  }
  return groups;
}

function isAlone(kind: string): boolean {
  return kind === 'migrate' || standsAlone(kind);
}
