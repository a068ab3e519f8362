/** Between what is stored and what is folded: records to state, inbox entries to messages, a fold to a commit. */
import { CoordError, messageOf } from '../core/errors.js';
import { type PersonaReply, personaReplySchema, REPLY_LIMIT_BYTES } from '../core/exchange.js';
import {
  cancelBodySchema,
  type Claim,
  decideBodySchema,
  innerRunBodySchema,
  migrateBodySchema,
  type Message,
  MESSAGE_LIMIT_BYTES,
  parseTimer,
  replyHeadSchema,
  runInputSchema,
  signalBodySchema,
} from '../core/messages.js';
import { RUN_FORMAT } from '../core/formats.js';
import { chainHash, genesisHash, journalText } from '../core/journal.js';
import type { Commit, InboxEntry, StoredRun } from '../core/ports.js';
import { isSteering, parseSteering } from '../core/steering.js';
import type { Plan } from '../definition/plan.js';
import { parseRecord, runRecordSchema, stepRecordSchema } from '../machines/records.js';
import { type FoldResult, type RunState, runState } from '../machines/state.js';

const DEEPEST = 100;

/** Throws RUN_UNREADABLE when a record is damaged. */
export function stateOf(stored: StoredRun, plan: Plan): RunState {
  const steps = new Map(
    [...stored.steps].map(([id, text]) => [id, parseRecord(stepRecordSchema, text, `the record of step ${id}`)]),
  );
  const record = parseRecord(runRecordSchema, stored.record, 'the run record');
  const input = parseRecord(runInputSchema, stored.input, "the run's input");
  return runState({ plan, input, record, version: stored.version, steps, chain: chainOf(stored) });
}

/** What the next entry's hash continues. A run from before there were chains begins one here. */
function chainOf(stored: StoredRun): string {
  return stored.chain === '' ? genesisHash(stored) : stored.chain;
}

/** Whether a newer coord has written the run: then it is none of ours. */
export function isNewer({ format }: Pick<StoredRun, 'format'>): boolean {
  return format > RUN_FORMAT;
}

/** Throws FORMAT_UNKNOWN for a run that a newer coord has written. */
export function checkFormat(run: string, stored: StoredRun): void {
  if (!isNewer(stored)) return;
  throw new CoordError(
    'FORMAT_UNKNOWN',
    `run ${run} has format ${String(stored.format)}, this coord knows up to ${String(RUN_FORMAT)}; upgrade coord`,
  );
}

/** When the entry arrived, by the store's clock, ms. */
function arrivedAt(entry: InboxEntry): number {
  return Number(entry.id.split('-')[0]);
}

/** The entry as a message, or why it is none. A reply that is garbage still is a message: its attempt failed with INVALID_REPLY. */
export function messageFrom(
  entry: InboxEntry,
  claims: ReadonlyMap<string, Claim>,
): Message | { readonly invalid: string } {
  const stamp = { id: entry.id, at: arrivedAt(entry) };
  try {
    switch (entry.kind) {
      case 'start':
        return { ...stamp, kind: 'start' };
      case 'reply': {
        const { step, token, worker, begunAt } = replyHeadSchema.parse(JSON.parse(entry.head));
        return { ...stamp, kind: 'reply', step, token, worker, begunAt, reply: replyFrom(entry.body) };
      }
      case 'timer': {
        const timer = parseTimer(entry.head);
        return timer === null
          ? { invalid: `"${entry.head}" names no timer` }
          : { ...stamp, kind: 'timer', timer, claim: claims.get(timer.step) ?? null };
      }
      case 'cancel':
        return { ...stamp, kind: 'cancel', claims, ...cancelBodySchema.parse(JSON.parse(entry.body)) };
      case 'signal':
        return { ...stamp, kind: 'signal', ...signalBodySchema.parse(bounded(entry.body)) };
      case 'decide':
        return { ...stamp, kind: 'decide', ...decideBodySchema.parse(bounded(entry.body)) };
      case 'migrate':
        return { ...stamp, kind: 'migrate', ...migrateBodySchema.parse(JSON.parse(entry.body)) };
      case 'inner-run':
        return { ...stamp, kind: 'inner-run', outcome: innerRunBodySchema.parse(JSON.parse(entry.body)) };
      default:
        if (isSteering(entry.kind)) return { ...stamp, ...parseSteering(entry.kind, bounded(entry.body)) };
        return { invalid: `messages of kind "${entry.kind}" are not known` };
    }
  } catch (error) {
    return { invalid: `not a ${entry.kind} message: ${messageOf(error)}` };
  }
}

/** Parses what a worker sent as its reply. Whatever it is, a reply comes out; only a well-formed pass is a pass. */
export function replyFrom(body: string): PersonaReply {
  const invalid = (message: string): PersonaReply => ({
    status: 'error',
    result: null,
    artifacts: [],
    commit: null,
    error: { class: 'INVALID_REPLY', message },
  });
  if (Buffer.byteLength(body) > REPLY_LIMIT_BYTES) {
    return invalid(
      `the reply has ${String(Buffer.byteLength(body))} bytes, ${String(REPLY_LIMIT_BYTES)} are allowed; large outputs belong in artifacts`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    return invalid(`the reply is not JSON: ${messageOf(error)}; it begins ${JSON.stringify(body.slice(0, 80))}`);
  }
  // Every reader of the record must be able to parse it: the scripts stop at 1,000, and recursion before that.
  if (isDeeper(value, DEEPEST)) return invalid(`the reply is nested deeper than ${String(DEEPEST)} lists and objects`);
  const parsed = personaReplySchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.length === 0 ? 'the reply' : issue.path.join('.')}: ${issue.message}`);
  return invalid(`the reply is not valid: ${issues.join('; ')}`);
}

/** `genesis`: the record as stored, of a run that has no history yet. `definition`: what the run goes on with, null for what it has. */
export function commitOf(
  state: RunState,
  result: FoldResult,
  {
    messages,
    genesis,
    definition = null,
  }: { messages: readonly Message[]; genesis: string | null; definition?: string | null },
): Commit {
  const texts = { messages: journalText(messages), facts: JSON.stringify(result.facts) };
  return {
    run: state.record.id,
    expectedVersion: state.version,
    record: JSON.stringify(result.record),
    status: { from: state.record.status, to: result.record.status },
    steps: [
      ...[...result.steps].map(([step, record]) => ({ step, record: JSON.stringify(record), token: record.token })),
      ...result.gone.map((step) => ({ step, record: null, token: null })),
    ],
    consumed: messages.map(({ id }) => id),
    requests: result.requests,
    arm: result.arm,
    disarm: result.disarm,
    entry: { ...texts, hash: chainHash(state.chain, { ...texts, version: state.version + 1 }), genesis },
    definition,
    starts: result.starts,
    sends: result.sends,
    release: result.release,
  };
}

/** A client's message as JSON. Throws RUN_UNREADABLE for what is too large, or too deep for readers of the record. */
function bounded(body: string): unknown {
  const bytes = Buffer.byteLength(body);
  if (bytes > MESSAGE_LIMIT_BYTES)
    throw new CoordError('RUN_UNREADABLE', `it has ${String(bytes)} bytes, more than ${String(MESSAGE_LIMIT_BYTES)}`);
  const value: unknown = JSON.parse(body);
  if (!isDeeper(value, DEEPEST)) return value;
  throw new CoordError('RUN_UNREADABLE', `it is nested deeper than ${String(DEEPEST)} lists and objects`);
}

/** Without recursion, since what is asked is whether recursion is safe. */
function isDeeper(value: unknown, limit: number): boolean {
  let layer: unknown[] = [value];
  for (let depth = 0; layer.length > 0; depth++) {
    if (depth > limit) return true;
    layer = layer.flatMap((item) =>
      typeof item === 'object' && item !== null ? (Object.values(item) as unknown[]) : [],
    );
  }
  return false;
}

/** A quarantine reason that a person can act on. */
export function whyUnreadable(error: unknown): string {
  return error instanceof CoordError
    ? `${error.code}: ${error.message}`
    : `evaluating the message failed: ${messageOf(error)}`;
}
