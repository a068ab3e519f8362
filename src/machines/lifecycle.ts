/**
 * Drives a lifecycle machine by XState's pure functions only, one event at a time.
 *
 * The machines here carry no context: what an event means was decided before it was named (RETRY or FAIL, not
 * ERROR with a guard), so the next state and the actions depend on nothing but state and event. That makes every
 * transition cacheable, and an event costs a map look-up instead of 30–60 µs.
 */
import { type AnyStateMachine, transition } from 'xstate';
import { CoordError } from '../core/errors.js';

export interface Move<State extends string, Action extends string> {
  readonly state: State;
  /** Entry and exit actions in XState's order, as data: nothing has been done yet. */
  readonly actions: readonly Action[];
}

export class Lifecycle<State extends string, Event extends string, Action extends string> {
  readonly #moves = new Map<string, Move<State, Action> | null>();
  readonly machine: AnyStateMachine;

  constructor(machine: AnyStateMachine) {
    this.machine = machine;
  }

  /** Where `event` leads from `state`, or null when the machine does not take it there. Throws RUN_UNREADABLE for a state it does not have. */
  move(state: State, event: Event): Move<State, Action> | null {
    const key = `${state} ${event}`;
    const known = this.#moves.get(key);
    if (known !== undefined) return known;
    const move = this.#compute(state, event);
    this.#moves.set(key, move);
    return move;
  }

  #compute(state: State, event: Event): Move<State, Action> | null {
    // Asked first, because XState throws its own error for a state that a newer or older machine had.
    if (!Object.hasOwn(this.machine.states, state)) {
      throw new CoordError('RUN_UNREADABLE', `the ${this.machine.id} machine has no state "${state}"`);
    }
    const snapshot = this.machine.resolveState({ value: state, context: {} });
    const [next, actions] = transition(this.machine, snapshot, { type: event });
    // A state that is entered anew is the same snapshot, but has something done.
    if (next === snapshot && actions.length === 0) return null;
    return { state: next.value as State, actions: actions.map((action) => action.type as Action) };
  }
}
