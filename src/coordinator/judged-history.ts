/**
 * A history, entry by entry: versions without a gap, each hash covering the one before, and facts that come out again when
 * the messages are folded. When a hash does not fit, what it would fit tells which part of the entry is another one.
 */
import { CoordError, hasCode, messageOf } from '../core/errors.js';
import type { Fact } from '../core/facts.js';
import { chainHash, genesisHash, journalMessages } from '../core/journal.js';
import { runInputSchema } from '../core/messages.js';
import { standsAlone } from '../core/steering.js';
import type { HistoryEntry } from '../core/ports.js';
import { parseRecord, runRecordSchema } from '../machines/records.js';
import type { Migration } from '../machines/migrate.js';
import { applyFold, type RunState, runState } from '../machines/state.js';
import { firstDifference } from './differences.js';
import type { Plans } from './plans.js';
import { transition } from './transition.js';

/** What is stored and should be something else. */
export interface Problem {
  /** Id of the history's entry; null when it is no entry that is wrong. */
  readonly entry: string | null;
  readonly version: number | null;
  /** Field of the entry or of the run, with the path in it: `facts[1].step`, `record.status`, `s:qa.more.block`. */
  readonly field: string;
  readonly expected: string;
  readonly found: string;
}

export interface StoredTexts {
  readonly definition: string;
  readonly input: string;
  readonly chain: string;
}

export interface JudgedHistory {
  /** What the run is by its history; null when that cannot be told. */
  readonly state: RunState | null;
  /** Whether somebody has set the record by hand, so that the steps are not by the history. */
  readonly byHand: boolean;
  /** Version of the last entry that belongs. */
  readonly version: number;
  /** Hash of the last entry, as the ones before it say. */
  readonly chain: string;
  readonly problems: readonly Problem[];
  /** What could not be checked, in words. */
  readonly unchecked: readonly string[];
}

/** Throws what the store throws. */
export async function judgeHistory(
  plans: Pick<Plans, 'get'>,
  { stored, history }: { readonly stored: StoredTexts; readonly history: readonly HistoryEntry[] },
): Promise<JudgedHistory> {
  const judge = new Judge(plans, { stored, history });
  for (const [index, entry] of history.entries()) await judge.take(entry, history[index + 1]);
  return judge;
}

/** Hash of the definition that the run began with: the one that the first migration left, or the one that it has. */
function begunWith({
  definition,
  history,
}: {
  readonly definition: string;
  readonly history: readonly HistoryEntry[];
}): string {
  for (const { facts } of history) {
    // Looked for in the text first, since hardly any run was migrated.
    if (!facts.includes('"run.migrated"')) continue;
    const migrated = factsOf(facts).find((fact) => fact.type === 'run.migrated');
    if (migrated !== undefined) return migrated.from;
  }
  return definition;
}

function factsOf(text: string): readonly Fact[] {
  try {
    return JSON.parse(text) as Fact[];
  } catch {
    return [];
  }
}

class Judge implements JudgedHistory {
  readonly #plans: Pick<Plans, 'get'>;
  readonly #stored: StoredTexts;
  readonly #definition: string;
  readonly problems: Problem[] = [];
  readonly unchecked: string[] = [];
  state: RunState | null = null;
  byHand = false;
  version = 0;
  chain = '';
  /** Whether `chain` is known to be what the next entry continues. */
  #chained = false;
  #begun = false;

  constructor(plans: Pick<Plans, 'get'>, run: { stored: StoredTexts; history: readonly HistoryEntry[] }) {
    this.#plans = plans;
    this.#stored = run.stored;
    this.#definition = begunWith({ ...run.stored, history: run.history });
  }

  async take(entry: HistoryEntry, next: HistoryEntry | undefined): Promise<void> {
    if (entry.version === null) {
      if (this.#begun) this.#add(entry, { field: 'version', expected: String(this.version + 1), found: 'none' });
      else this.unchecked.push(OLDER);
      return;
    }
    if (!this.#begun) await this.#begin(entry);
    else if (entry.version !== this.version + 1) {
      this.#add(entry, { field: 'version', expected: String(this.version + 1), found: String(entry.version) });
      // One that was there already is passed over; behind a gap there is nothing to go on from.
      if (entry.version <= this.version) return;
      this.state = null;
      this.#chained = false;
    }
    this.version = entry.version;
    if (entry.genesis !== null && entry.version > 1) this.#endedByHand(entry, { record: entry.genesis, next });
    else await this.#follow(entry, next);
  }

  async #begin(entry: HistoryEntry): Promise<void> {
    this.#begun = true;
    if (entry.genesis === null) {
      if (entry.version === 1)
        this.#add(entry, { field: 'genesis', expected: 'the record that it began with', found: 'none' });
      else if (this.unchecked.length === 0)
        this.#add(entry, { field: 'version', expected: '1', found: String(entry.version) });
      return;
    }
    if (entry.version !== 1) {
      this.#add(entry, { field: 'version', expected: '1', found: String(entry.version) });
      return;
    }
    const { input } = this.#stored;
    this.chain = genesisHash({ definition: this.#definition, input, record: entry.genesis });
    this.#chained = true;
    try {
      this.state = runState({
        plan: await this.#plans.get(this.#definition),
        input: parseRecord(runInputSchema, input, "the run's input"),
        record: parseRecord(runRecordSchema, entry.genesis, 'the record that it began with'),
        version: 0,
        steps: new Map(),
        chain: this.chain,
      });
    } catch (error) {
      if (!isOfRun(error)) throw error;
      this.#add(entry, { field: 'genesis', expected: 'what a run can begin with', found: messageOf(error) });
    }
  }

  async #follow(entry: HistoryEntry, next: HistoryEntry | undefined): Promise<void> {
    const folded = await this.#fold(entry);
    const facts = folded === null ? null : JSON.stringify(folded.result.facts);
    const wrong = this.#wrong(entry, { facts, next });
    this.#blame(entry, { wrong, facts });
    this.#goOn(entry, wrong);
    // What other messages would have given is not known.
    this.state = folded === null || wrong === 'messages' ? null : applyFold(folded.state, folded.result, this.chain);
  }

  async #fold(entry: HistoryEntry): Promise<Migration | null> {
    if (this.state === null) return null;
    // Who ended it by hand has ended its steps too, and what takes it up again goes by those.
    if (this.byHand && journalMessages(entry.messages).some(({ kind }) => standsAlone(kind))) return null;
    try {
      return await transition(this.#plans, { state: this.state, messages: journalMessages(entry.messages) });
    } catch (error) {
      if (!isOfRun(error)) throw error;
      if (this.#hash(entry, entry.facts) === entry.hash)
        this.#add(entry, { field: 'messages', expected: 'messages that can be folded', found: messageOf(error) });
      return null;
    }
  }

  /** Which part of an entry is another one than it was: what its hash would fit tells it. Null when it fits. */
  #wrong(entry: HistoryEntry, { facts, next }: { facts: string | null; next: HistoryEntry | undefined }): Part | null {
    const hash = this.#hash(entry, entry.facts);
    if (!this.#chained || hash === entry.hash) return null;
    if (facts !== null && facts !== entry.facts && this.#hash(entry, facts) === entry.hash) return 'facts';
    // What follows continues the hash that the entry should have.
    const continued =
      next === undefined
        ? this.#stored.chain === hash
        : next.version !== null && chainHash(hash, { ...next, version: next.version }) === next.hash;
    if (continued) return 'hash';
    return entry.version === 1 && facts === entry.facts ? 'genesis' : 'messages';
  }

  #blame(entry: HistoryEntry, { wrong, facts }: { wrong: Part | null; facts: string | null }): void {
    const hash = this.#hash(entry, entry.facts);
    if (wrong === 'hash') this.#add(entry, { field: 'hash', expected: hash, found: entry.hash });
    else if (wrong === 'genesis' || wrong === 'messages')
      this.#add(entry, { field: wrong, expected: `${WHAT[wrong]} with the hash ${entry.hash}`, found: hash });
    else if (facts !== null && facts !== entry.facts) {
      const { path, expected, found } = firstDifference(facts, entry.facts) ?? {
        path: '',
        expected: facts,
        found: entry.facts,
      };
      this.#add(entry, { field: `facts${path}`, expected, found });
    }
  }

  #goOn(entry: HistoryEntry, wrong: Part | null): void {
    this.chain = wrong === 'hash' ? this.#hash(entry, entry.facts) : entry.hash;
    this.#chained = true;
  }

  /** An entry of somebody who has ended the run: it goes on from the record in it. */
  #endedByHand(entry: HistoryEntry, { record, next }: { record: string; next: HistoryEntry | undefined }): void {
    this.byHand = true;
    const wrong = this.#wrong(entry, { facts: null, next });
    this.#blame(entry, { wrong, facts: null });
    this.#goOn(entry, wrong);
    const { state, version, chain } = this;
    if (state === null) return;
    try {
      this.state = { ...state, record: parseRecord(runRecordSchema, record, 'the record'), version, chain };
    } catch (error) {
      this.#add(entry, { field: 'genesis', expected: 'a record', found: messageOf(error) });
      this.state = null;
    }
  }

  #hash({ messages }: HistoryEntry, facts: string): string {
    return chainHash(this.chain, { version: this.version, messages, facts });
  }

  #add(entry: HistoryEntry, what: Pick<Problem, 'field' | 'expected' | 'found'>): void {
    this.problems.push({ entry: entry.id, version: entry.version, ...what });
  }
}

type Part = 'facts' | 'hash' | 'genesis' | 'messages';
const WHAT = { genesis: 'a record, a definition and an input', messages: 'messages' } as const;
const OLDER = 'entries from before format 3 hold facts alone: they are not folded, and not covered by hashes';

/** Whether the run is at fault, and not the store. */
function isOfRun(error: unknown): boolean {
  return (
    !(error instanceof CoordError) ||
    hasCode(error, 'RUN_UNREADABLE') ||
    hasCode(error, 'DEFINITION_MISSING') ||
    hasCode(error, 'DEFINITION_INVALID')
  );
}
