/**
 * What each error reply of Redis means for whoever sent the command: whether anything was executed, what the connection
 * does about it, and what its callers are told. One table, so that the same answer never means two things. An answer that
 * is not in it says nothing for certain, so a write that it answers is of unknown outcome.
 */
import { CoordError, type ErrorCode, messageOf } from '../core/errors.js';

/**
 * `resend`: was not executed, and the connection may send it again as the reply says.
 * `rediscover`: this is not the server to talk to; the connection is dropped and the master looked for.
 * `wait`: passes by itself, or when somebody has cured it; whoever works on runs waits and repeats.
 * `report`: will be the same next time.
 */
export type Consequence = 'resend' | 'rediscover' | 'wait' | 'report';

export interface ErrorClass {
  /** `unknown`: a script may have stopped half-way. */
  readonly executed: 'no' | 'unknown';
  readonly then: Consequence;
  readonly code: ErrorCode;
  /** Follows "Redis ". */
  readonly words: string;
}

/** By what the reply begins with. */
export const ERROR_CLASSES: Readonly<Record<string, ErrorClass>> = {
  LOADING: { executed: 'no', then: 'wait', code: 'REDIS_UNREACHABLE', words: 'is still loading its data' },
  BUSY: { executed: 'no', then: 'wait', code: 'REDIS_UNREACHABLE', words: 'is busy with a script that does not end' },
  'ERR max number of clients': {
    executed: 'no',
    then: 'wait',
    code: 'REDIS_UNREACHABLE',
    words: 'has as many clients as it takes (maxclients)',
  },
  TRYAGAIN: {
    executed: 'no',
    then: 'resend',
    code: 'REDIS_UNREACHABLE',
    words: 'is moving these keys to another node',
  },
  MOVED: { executed: 'no', then: 'resend', code: 'REDIS_UNREACHABLE', words: 'keeps these keys on another node' },
  ASK: { executed: 'no', then: 'resend', code: 'REDIS_UNREACHABLE', words: 'is moving these keys to another node' },
  NOSCRIPT: { executed: 'no', then: 'resend', code: 'REDIS_SCRIPT', words: 'does not have the script' },
  CLUSTERDOWN: {
    executed: 'no',
    then: 'rediscover',
    code: 'REDIS_UNREACHABLE',
    words: 'says that its cluster is down',
  },
  MASTERDOWN: {
    executed: 'no',
    then: 'rediscover',
    code: 'REDIS_UNREACHABLE',
    words: 'is a replica that has lost its master',
  },
  UNBLOCKED: {
    executed: 'no',
    then: 'wait',
    code: 'REDIS_UNREACHABLE',
    words: 'ended the wait, since its role or the stream has changed',
  },
  READONLY: { executed: 'no', then: 'rediscover', code: 'REDIS_NOT_WRITABLE', words: 'is a replica by now' },
  NOREPLICAS: {
    executed: 'no',
    then: 'wait',
    code: 'REDIS_NOT_WRITABLE',
    words: 'has fewer good replicas than it must have to take a write (min-replicas-to-write)',
  },
  MISCONF: {
    executed: 'no',
    then: 'wait',
    code: 'REDIS_NOT_WRITABLE',
    words: 'cannot write to its disk, which may be full',
  },
  OOM: { executed: 'no', then: 'wait', code: 'REDIS_NOT_WRITABLE', words: 'has used up its memory limit (maxmemory)' },
  NOAUTH: { executed: 'no', then: 'wait', code: 'REDIS_DENIED', words: 'asks for a user and password' },
  WRONGPASS: { executed: 'no', then: 'wait', code: 'REDIS_DENIED', words: 'does not accept the user or password' },
  NOPERM: { executed: 'no', then: 'wait', code: 'REDIS_DENIED', words: 'does not let this user do it (ACL)' },
  'ERR The user executing the script': {
    executed: 'unknown',
    then: 'wait',
    code: 'REDIS_DENIED',
    words: 'has taken a right of this user away (ACL)',
  },
  DENIED: {
    executed: 'no',
    then: 'wait',
    code: 'REDIS_DENIED',
    words: 'takes no clients from elsewhere (protected mode)',
  },
  CROSSSLOT: { executed: 'no', then: 'report', code: 'REDIS_SCRIPT', words: 'was sent keys of several slots at once' },
  EXECABORT: { executed: 'no', then: 'report', code: 'REDIS_SCRIPT', words: 'gave up a transaction' },
  NOGROUP: { executed: 'no', then: 'report', code: 'REDIS_SCRIPT', words: 'has no such stream or group' },
  BUSYGROUP: { executed: 'no', then: 'report', code: 'REDIS_SCRIPT', words: 'has that group already' },
  WRONGTYPE: { executed: 'unknown', then: 'report', code: 'REDIS_SCRIPT', words: 'found a key of another type' },
  ERR: { executed: 'unknown', then: 'report', code: 'REDIS_SCRIPT', words: 'refused it' },
};

const SENTENCES = Object.keys(ERROR_CLASSES).filter((words) => words.includes(' '));

/** What stands for an error reply that the table does not know: Redis may have new ones, and proxies have their own. */
const UNKNOWN: Omit<ErrorClass, 'code'> = {
  executed: 'unknown',
  then: 'wait',
  words: 'answered with an error that coord does not know',
};

export interface Verdict {
  readonly error: CoordError;
  readonly then: Consequence;
  /** The server's own words, or the client's. */
  readonly text: string;
}

/** What is thrown inside for an answer that did not come in time: Redis may have done it or not. */
export class LateAnswer extends Error {}
/** What is thrown inside for what was not sent at all. */
export class NotSent extends Error {}

/** The row for an error reply, or null for one that is in no row. */
export function errorClassOf(text: string): ErrorClass | null {
  const word = SENTENCES.find((sentence) => text.startsWith(sentence)) ?? /^[A-Z]+/.exec(text)?.[0] ?? '';
  return Object.hasOwn(ERROR_CLASSES, word) ? (ERROR_CLASSES[word] ?? null) : null;
}

/** Gives every way in which a command can fail its name. */
export function judge(error: unknown, { name, write }: { readonly name: string; readonly write: boolean }): Verdict {
  const text = messageOf(error);
  const cause = { cause: error };
  if (error instanceof CoordError) return { error, then: 'report', text };
  if (error instanceof Error && error.name === 'ReplyError') {
    const row = errorClassOf(text);
    const { words, then } = row ?? UNKNOWN;
    const code = row?.code ?? (write ? 'OUTCOME_UNKNOWN' : 'REDIS_UNREACHABLE');
    return { error: new CoordError(code, `${name}: Redis ${words}: ${text}`, cause), then, text };
  }
  if (error instanceof NotSent || text.includes("Stream isn't writeable")) {
    const why = error instanceof NotSent ? text : 'not connected to Redis';
    return { error: new CoordError('REDIS_UNREACHABLE', `${name}: ${why}`, cause), then: 'wait', text };
  }
  // The client speaks of its own settings; what has happened is that the connection was lost with this on its way.
  const lost = /max retries per request|Connection is closed|due to connection close/.test(text);
  const what = lost ? 'the connection to Redis was lost' : text;
  const code = write ? 'OUTCOME_UNKNOWN' : 'REDIS_UNREACHABLE';
  return { error: new CoordError(code, `${name}: ${what}`, cause), then: 'wait', text };
}
