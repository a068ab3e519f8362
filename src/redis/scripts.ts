/**
 * Loads the scripts in `scripts/` and holds them to their headers: how many keys and arguments each takes and which
 * replies it may give. A script without such a header, or a call or reply that contradicts it, is an error, so
 * the headers stay true.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CoordError } from '../core/errors.js';

/** The same relative path from `src/redis` and from `dist/redis`: the scripts are shipped as they are. */
const FOLDER = new URL('../../src/redis/scripts/', import.meta.url);

export const SCRIPTS = [
  'abandon',
  'absolve',
  'acquire',
  'admit',
  'announce',
  'announce-worker',
  'beat',
  'begin',
  'breaker-enter',
  'breaker-told',
  'bury',
  'commit',
  'cut',
  'discard',
  'drop',
  'end',
  'expire',
  'fire',
  'forget',
  'hold',
  'inherit',
  'inspect',
  'leave',
  'lock',
  'postpone',
  'refuse',
  'reinstate',
  'release',
  'relock',
  'remove',
  'renew',
  'replay',
  'reply',
  'schedule',
  'settle',
  'suspect',
  'sweep',
  'tell',
  'unlock',
  'watermark',
] as const;
export type ScriptName = (typeof SCRIPTS)[number];

export interface Script {
  readonly name: string;
  readonly source: string;
  readonly sha1: string;
  readonly keys: { readonly least: number; readonly open: boolean };
  readonly arguments: number;
  readonly replies: readonly string[];
}

export function loadScripts(): ReadonlyMap<ScriptName, Script> {
  return new Map(
    SCRIPTS.map((name) => [name, parseScript(name, readFileSync(new URL(`${name}.lua`, FOLDER), 'utf8'))]),
  );
}

/** Reads a script's header and puts its includes in. Throws REDIS_SCRIPT when the header is missing or does not count up. */
export function parseScript(name: string, text: string): Script {
  const header = text
    .split('\n')
    .filter((line) => line.startsWith('-- '))
    .join('\n');
  if (!header.startsWith(`-- ${name}: `)) throw fault(name, `its header does not begin with "-- ${name}: "`);
  const replies = /^-- Replies: (.+)$/m.exec(header)?.[1];
  if (replies === undefined) throw fault(name, 'its header names no replies');
  const keys = numbered(name, header, 'KEYS');
  const source = text.replace(/^--- @include "([a-z-]+)"$/gm, (_, include: string) =>
    readFileSync(new URL(`include/${include}.lua`, FOLDER), 'utf8'),
  );
  return {
    name,
    source,
    sha1: createHash('sha1').update(source).digest('hex'),
    keys: { least: keys.open ? keys.count - 1 : keys.count, open: keys.open },
    arguments: numbered(name, header, 'ARGV').count,
    replies: replies.split('|').map((reply) => reply.trim().split(' ')[0] ?? ''),
  };
}

/** Refuses a call that does not fit the header: a wrong count is a bug of ours and must never reach Redis. */
export function checkCall(script: Script, counts: { keys: number; arguments: number }): void {
  const keysFit = script.keys.open ? counts.keys >= script.keys.least : counts.keys === script.keys.least;
  if (!keysFit)
    throw fault(script.name, `called with ${String(counts.keys)} keys, its header names ${String(script.keys.least)}`);
  if (counts.arguments !== script.arguments) {
    throw fault(
      script.name,
      `called with ${String(counts.arguments)} arguments, its header names ${String(script.arguments)}`,
    );
  }
}

/** The reply as a list whose first item is one of the named replies. */
export function checkReply(script: Script, reply: unknown): readonly [string, ...unknown[]] {
  if (Array.isArray(reply)) {
    const [first, ...rest] = reply as unknown[];
    if (typeof first === 'string' && script.replies.includes(first)) return [first, ...rest];
  }
  throw fault(script.name, `replied ${JSON.stringify(reply)}, its header names ${script.replies.join(', ')}`);
}

function numbered(name: string, header: string, word: 'KEYS' | 'ARGV'): { count: number; open: boolean } {
  const found = [...header.matchAll(new RegExp(`${word}\\[(\\d+)(\\.\\.)?\\]`, 'g'))];
  for (const [index, match] of found.entries()) {
    if (Number(match[1]) !== index + 1)
      throw fault(name, `its header counts ${word}[${match[1] ?? ''}] where ${String(index + 1)} is due`);
  }
  return { count: found.length, open: found.at(-1)?.[2] !== undefined };
}

function fault(name: string, what: string): CoordError {
  return new CoordError('REDIS_SCRIPT', `script ${name}.lua: ${what}`);
}
