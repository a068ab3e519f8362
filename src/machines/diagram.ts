/** Draws a lifecycle machine as a Mermaid state diagram, from the machine itself; `docs/lifecycles.md` holds the drawings. */
import type { AnyStateMachine } from 'xstate';

export function lifecycleDiagram(machine: AnyStateMachine): string {
  const lines = ['stateDiagram-v2'];
  for (const target of machine.root.initial.target) lines.push(`  [*] --> ${target.key}`);
  for (const state of Object.values(machine.states)) {
    for (const transitions of state.transitions.values()) {
      for (const transition of transitions) {
        for (const target of transition.target ?? [state])
          lines.push(`  ${state.key} --> ${target.key} : ${transition.eventType}`);
      }
    }
    if (state.tags.includes('over')) lines.push(`  ${state.key} --> [*]`);
  }
  return lines.join('\n');
}
