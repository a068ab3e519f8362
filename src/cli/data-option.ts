/** `--data` and `--set`: values for a run, as they are typed on a command line or stand in a file. */
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { CoordError, messageOf } from '../core/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.js';
import { readBytes } from '../definition/load-bytes.js';
import type { Call } from './call.js';

/** What a run takes as a message, and so a file is worth reading. */
const LIMIT_BYTES = 256 * 1024;

/** `key=value` over what was set before; the value is JSON when it can be read as such, else text. */
export function setField(text: string, before: JsonObject | undefined): JsonObject {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must be key=value.');
  return { ...before, [text.slice(0, at)]: jsonOrText(text.slice(at + 1)) };
}

/** JSON text, or `@file` with JSON in it; `set` goes over it. Null when neither is given. Throws USAGE. */
export async function dataOf(
  call: Call,
  { data, set }: { readonly data?: string | undefined; readonly set?: JsonObject | undefined },
  option = '--data',
): Promise<JsonValue> {
  const given = data === undefined ? null : parsed(await textOf(call, data, option), data, option);
  if (set === undefined) return given;
  if (given !== null && !isJsonObject(given))
    throw new CoordError('USAGE', '--set sets fields of an object, and --data is none; leave one of them out');
  return { ...given, ...set };
}

async function textOf(call: Call, data: string, option: string): Promise<string> {
  if (!data.startsWith('@')) return data;
  const file = call.path(data.slice(1));
  const read = await readBytes(file, { limit: LIMIT_BYTES, pipes: true });
  const cause = 'refused' in read ? read.cause : undefined;
  const why = 'refused' in read ? read.refused : `it has more than ${String(LIMIT_BYTES)} bytes`;
  if ('bytes' in read && read.bytes.length <= LIMIT_BYTES) return Buffer.from(read.bytes).toString('utf8');
  throw new CoordError('USAGE', `the file ${file} of ${option} cannot be read: ${why}`, { cause });
}

function parsed(text: string, given: string, option: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    const what = given.startsWith('@') ? `the file ${given.slice(1)} of ${option}` : option;
    const way = given.startsWith('@') ? '' : `; quote it for the shell ('{"a": 1}', '"text"'), or name a file: @file`;
    throw new CoordError('USAGE', `${what} is no JSON: ${messageOf(error)}${way}`, { cause: error });
  }
}

function jsonOrText(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}
