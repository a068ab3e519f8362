/**
 * Whether what is stored of a run is what its history says. The history is folded once more, from the record that the run
 * began with, as the coordinator folded it: facts, records and hashes must come out the same.
 */
import { CoordError, hasCode, messageOf } from '../core/errors.js';
import type { Fact } from '../core/facts.js';
import { chainHash, genesisHash, journalMessages } from '../core/journal.js';
import { runInputSchema } from '../core/messages.js';
import type { HistoryEntry } from '../core/ports.js';
import { parseRecord, type RunRecord, runRecordSchema, type StepRecord } from '../machines/records.js';
import { applyFold, type RunState, runState } from '../machines/state.js';
import type { Plans } from './plans.js';
import { transition } from './transition.js';

/** Where a history stops to make sense, or where what is stored is another thing than it gives. */
export interface Break {
  /** Id of the history's entry; null when it is no entry that is wrong. */
  readonly entry: string | null;
  readonly version: number | null;
  /** What is wrong: a field of the entry or of the run, with the path in it. */
  readonly field: string;
  readonly expected: string;
  readonly found: string;
}

/** What a history gives up to where it breaks. */
export interface Refolded {
  /** Hash of the definition that the run goes on with. */
  readonly definition: string;
  readonly record: RunRecord;
  /** Records of the steps that have left `pending`, by path. */
  readonly steps: ReadonlyMap<string, StepRecord>;
  readonly version: number;
  /** Hash of the last entry that was folded. */
  readonly chain: string;
  /** Null when all of it was folded. */
  readonly broken: Break | null;
}

/**
 * Folds the history of a run from its genesis. `definition` and `input` as stored. Null when there is nothing to begin
 * with: a run without history, or one from before format 3. Throws DEFINITION_MISSING, and whatever the store throws.
 */
export async function refold(
  plans: Pick<Plans, 'get'>,
  run: { readonly definition: string; readonly input: string; readonly history: readonly HistoryEntry[] },
): Promise<Refolded | null> {
  const [first] = run.history;
  if (first === undefined || first.genesis === null) return null;
  const { input, history } = run;
  const definition = begunWith(run);
  let state = runState({
    plan: await plans.get(definition),
    input: parseRecord(runInputSchema, input, "the run's input"),
    record: parseRecord(runRecordSchema, first.genesis, 'the record that it began with'),
    version: 0,
    steps: new Map(),
    chain: genesisHash({ definition, input, record: first.genesis }),
  });
  let broken: Break | null = null;
  for (const entry of history) {
    const next = await follow(plans, { state, entry });
    if ('broken' in next) {
      ({ broken } = next);
      break;
    }
    ({ state } = next);
  }
  const { record, steps, version, chain } = state;
  return { definition: state.plan.hash, record, steps, version, chain, broken };
}

/** Hash of the definition that the run began with: the one that the first migration left, or the one that it has. */
function begunWith({ definition, history }: { definition: string; history: readonly HistoryEntry[] }): string {
  for (const { facts } of history) {
    // Looked for in the text first, since hardly any run was migrated.
    if (!facts.includes('"run.migrated"')) continue;
    const migrated = (JSON.parse(facts) as Fact[]).find((fact) => fact.type === 'run.migrated');
    if (migrated !== undefined) return migrated.from;
  }
  return definition;
}

/** The state after one more entry, which must give the facts and the hash that it says. */
async function follow(
  plans: Pick<Plans, 'get'>,
  { state, entry }: { readonly state: RunState; readonly entry: HistoryEntry },
): Promise<{ readonly state: RunState } | { readonly broken: Break }> {
  const { id, messages, hash } = entry;
  const version = state.version + 1;
  const wrong = (field: string, expected: string, found: string): { readonly broken: Break } => ({
    broken: { entry: id, version: entry.version, field, expected, found },
  });
  if (entry.version !== version) return wrong('version', String(version), String(entry.version));
  let folded;
  try {
    folded = await transition(plans, { state, messages: journalMessages(messages) });
  } catch (error) {
    if (error instanceof CoordError && !hasCode(error, 'RUN_UNREADABLE')) throw error;
    return wrong('messages', 'messages that can be folded', messageOf(error));
  }
  const facts = JSON.stringify(folded.result.facts);
  if (facts !== entry.facts) return wrong('facts', facts, entry.facts);
  const chained = chainHash(state.chain, { version, messages, facts });
  if (chained !== hash) return wrong('hash', chained, hash);
  return { state: applyFold(folded.state, folded.result, hash) };
}
