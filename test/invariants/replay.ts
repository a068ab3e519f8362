/**
 * I12: folding a run's history again, through its pinned definition and from the record that it began with, gives what is
 * stored. Facts are compared to the byte, since they are hashed; records as values, since the order of their members tells
 * which process wrote them: one that had read them, or one that had made them.
 */
import { isDeepStrictEqual } from 'node:util';
import { chainHash, genesisHash } from '../../src/core/journal.js';
import { type Message, runInputSchema } from '../../src/core/messages.js';
import type { StoredRun } from '../../src/core/ports.js';
import { isSteering, type SteeringMessage, standsAlone } from '../../src/core/steering.js';
import type { Plan } from '../../src/definition/plan.js';
import { fold } from '../../src/machines/fold.js';
import { parseRecord, runRecordSchema, stepRecordSchema } from '../../src/machines/records.js';
import { applyFold, type RunState, runState } from '../../src/machines/state.js';
import { foldSteering } from '../../src/machines/steering.js';
import type { Transition, Violation } from './violation.js';

/** `plan` is that of the stored definition. For a run that was never set aside and never given another definition. */
export function foldsAgain(
  stored: StoredRun,
  plan: Plan,
  { run, history }: { readonly run: string; readonly history: readonly Transition[] },
): readonly Violation[] {
  const wrong = (what: string): readonly Violation[] => [{ invariant: 'I12', what: `run ${run}: ${what}` }];
  const [first] = history;
  if (first === undefined) return stored.version === 0 ? [] : wrong('it has no history');
  const { genesis } = first.entry;
  if (genesis === null) return wrong('its history does not say what it began with');
  let state: RunState = runState({
    plan,
    input: parseRecord(runInputSchema, stored.input, "the run's input"),
    record: parseRecord(runRecordSchema, genesis, 'the record that it began with'),
    version: 0,
    steps: new Map(),
    chain: genesisHash({ ...stored, record: genesis }),
  });
  for (const { version, messages, entry } of history) {
    const [alone] = messages;
    const taken =
      alone !== undefined && isSteering(alone.kind) && standsAlone(alone.kind)
        ? foldSteering(state, alone as Extract<Message, SteeringMessage>)
        : { state, result: fold(state, messages) };
    const { result } = taken;
    const facts = JSON.stringify(result.facts);
    if (facts !== entry.facts) return wrong(`version ${String(version)} has other facts when it is folded again`);
    const hash = chainHash(state.chain, { version, messages: entry.messages, facts });
    if (hash !== entry.hash) return wrong(`version ${String(version)} breaks the chain of hashes`);
    // Derived counts are made up anew each time, as a process does that takes over.
    const next = applyFold(taken.state, result, hash);
    const steps = new Map(
      [...next.steps].map(([path, step]) => [path, parseRecord(stepRecordSchema, JSON.stringify(step), path)]),
    );
    state = version % 2 === 0 ? next : runState({ ...next, steps });
  }
  if (state.chain !== stored.chain) return wrong('its chain of hashes ends elsewhere');
  if (!isSame(state.record, stored.record)) return wrong('its record is another one than its history gives');
  if (state.steps.size !== stored.steps.size) return wrong('it has more or fewer steps than its history gives');
  for (const [path, step] of state.steps)
    if (!isSame(step, stored.steps.get(path) ?? 'null'))
      return wrong(`step ${path} is ${stored.steps.get(path) ?? ''}, its history gives ${JSON.stringify(step)}`);
  return [];
}

function isSame(record: object, text: string): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(record)), JSON.parse(text));
}
