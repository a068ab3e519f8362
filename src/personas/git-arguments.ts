/**
 * What a git operation may be told: operation, branch, remote, address and message, each by a grammar of its own. The
 * values come out of templates, so they may be anything a persona wrote; what passes here cannot be taken by git for
 * an option, another revision or a program. Pure.
 */
import { CoordError } from '../core/errors.js';
import type { JsonObject } from '../core/json.js';
import { didYouMean } from '../core/suggest.js';
import { abbreviate, plainText } from './plain-text.js';

export const OPERATIONS = ['branch', 'switch', 'commit', 'push', 'merge', 'rebase', 'sync'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Texts are null when they are not given; those that are have passed their grammar. */
export interface GitParams {
  readonly operation: Operation;
  readonly branch: string | null;
  readonly from: string | null;
  readonly remote: string | null;
  /** Cleaned. */
  readonly message: string | null;
}

const BRANCH_LIMIT = 200;
const REMOTE_LIMIT = 100;
const URL_LIMIT = 2_000;
/** Largest message, in bytes. */
export const MESSAGE_LIMIT_BYTES = 64 * 1024;
const NEED_BRANCH: ReadonlySet<Operation> = new Set(['branch', 'switch', 'merge', 'rebase']);

/** Throws GIT_REFUSED, whose message names the parameter and what is wrong with it. */
export function readGitParams(params: JsonObject): GitParams {
  const named = params['operation'];
  const operation = OPERATIONS.find((known) => known === named);
  if (operation === undefined) {
    const word = typeof named === 'string' ? named.slice(0, 40) : '';
    const list = OPERATIONS.map((known) => `"${known}"`).join(', ');
    refuse(`operation ${shown(named)} is none of ${list}.${didYouMean(word, OPERATIONS)}`);
  }
  const branch = checked(params, 'branch', branchProblem);
  if (branch === null && NEED_BRANCH.has(operation)) {
    refuse(`operation "${operation}" needs a branch: set "branch" of the step`);
  }
  return {
    operation,
    branch,
    from: checked(params, 'from', branchProblem),
    remote: checked(params, 'remote', remoteProblem),
    message: readMessage(text(params, 'message')),
  };
}

/** Throws GIT_REFUSED: what was asked for may not be done, or cannot be as it was asked for. */
export function refuse(message: string): never {
  throw new CoordError('GIT_REFUSED', message);
}

/** Why git should not get to see this as the name of a branch, a tag or a commit; null when it may. */
export function branchProblem(name: string): string | null {
  if (name.length > BRANCH_LIMIT || Buffer.byteLength(name) > BRANCH_LIMIT) {
    return `is longer than ${String(BRANCH_LIMIT)} bytes`;
  }
  if (name.startsWith('-')) return 'starts with "-"';
  if (/[\p{Cc}\p{Cf}\p{Cs}]/u.test(name)) return 'holds control or invisible characters';
  const forbidden = /[\s~^:?*[\\]/u.exec(name)?.[0] ?? ['..', '@{', '//'].find((part) => name.includes(part));
  if (forbidden !== undefined) return `holds "${forbidden}"`;
  if (name === 'HEAD' || name === '@' || name.startsWith('refs/')) return 'is not the short name of a branch';
  if (/^\/|[/.]$/.test(name)) return 'starts with "/", or ends with "/" or "."';
  const part = name.split('/').find((piece) => piece.startsWith('.') || piece.endsWith('.lock'));
  return part === undefined ? null : `holds "${part}": no part may start with "." or end with ".lock"`;
}

/** Why this is not the name of a remote; null when it may be one. */
export function remoteProblem(name: string): string | null {
  if (/[:@\\]|^[./~]/.test(name)) return 'is an address; only the name of a remote of the repository is taken';
  if (name.length > REMOTE_LIMIT || !/^[A-Za-z0-9_][A-Za-z0-9_./-]*$/.test(name) || branchProblem(name) !== null) {
    return `is not the name of a remote: letters, digits, ".", "_", "-", at most ${String(REMOTE_LIMIT)}`;
  }
  return null;
}

const HOST = String.raw`(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])`;
const USER = String.raw`[A-Za-z0-9_][A-Za-z0-9_.+-]*`;
const ADDRESSES = [
  new RegExp(String.raw`^https://(?:[^/@]*@)?${HOST}(?::\d{1,5})?/[^-].*$`),
  new RegExp(String.raw`^ssh://(?:${USER}@)?${HOST}(?::\d{1,5})?/[^-].*$`),
  // As scp writes it. A path that starts with ":" would be a program that git runs as transport.
  new RegExp(String.raw`^(?:${USER}@)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?:(?!//)[^-:].*$`),
  /^file:\/\/\/[^-].*$/,
  /^\/.*$/,
];

/** Why coord does not connect to the configured address of a remote; null when it does. Never repeats the address. */
export function addressProblem(address: string): string | null {
  if (address.length > URL_LIMIT) return `is longer than ${String(URL_LIMIT)} characters`;
  if (/[\p{Cc}\p{Cf}\p{Cs}\p{Z}]/u.test(address) && !/^(?:file:\/\/)?\/[^\p{Cc}\p{Cf}\p{Cs}]*$/u.test(address)) {
    return 'holds spaces, control or invisible characters';
  }
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(address)?.[1];
  const known = scheme === undefined || ['https', 'ssh', 'file'].includes(scheme);
  if (known && ADDRESSES.some((grammar) => grammar.test(address))) return null;
  return 'is of no allowed kind: https://host/path, ssh://user@host/path, user@host:path, or an absolute path';
}

function readMessage(given: string | null): string | null {
  if (given === null) return null;
  const size = Buffer.byteLength(given);
  if (size > MESSAGE_LIMIT_BYTES) {
    refuse(`the message has ${String(size)} bytes; the limit is ${String(MESSAGE_LIMIT_BYTES)}`);
  }
  const message = plainText(given);
  return message === '' ? refuse('the message holds nothing but invisible characters') : message;
}

/** A template that renders to nothing gives nothing. */
function text(params: JsonObject, key: string): string | null {
  const value = params[key] ?? null;
  if (value === null || value === '') return null;
  return typeof value === 'string' ? value : refuse(`${key} must be a text, not ${shown(value)}`);
}

function checked(params: JsonObject, key: string, problemOf: (value: string) => string | null): string | null {
  const value = text(params, key);
  const problem = value === null ? null : problemOf(value);
  return problem === null ? value : refuse(`${key} ${shown(value)} ${problem}; choose another`);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `"${abbreviate(value, 100)}"` : abbreviate(JSON.stringify(value) ?? 'null', 100);
}
