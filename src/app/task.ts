/** The task of a run, as given on the command line: a YAML or JSON file, or JSON text. */
import { parse } from 'yaml';
import { CoordError, messageOf } from '../core/errors.js';
import { forbiddenKey } from '../core/forbidden-keys.js';
import { isJsonObject, type JsonObject, jsonObjectSchema } from '../core/json.js';
import { readBytes } from '../definition/load-bytes.js';

const LIMIT_BYTES = 256 * 1024;
/** YAML may say in more bytes what JSON says in few. */
const FILE_LIMIT_BYTES = 4 * LIMIT_BYTES;

/** Throws TASK_INVALID. */
export async function loadTask(fileOrJson: string): Promise<JsonObject> {
  const inline = /^\s*[{[]/.test(fileOrJson);
  const what = inline ? 'the task given as JSON' : `the task file ${fileOrJson}`;
  const text = inline ? fileOrJson : await textOf(fileOrJson, what);
  let value: unknown;
  try {
    value = inline ? JSON.parse(text) : parse(text, { maxAliasCount: 50 });
  } catch (error) {
    throw new CoordError('TASK_INVALID', `${what} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  if (isJsonObject(value)) return checked(value, what);
  throw new CoordError(
    'TASK_INVALID',
    `${what} must be an object, which is a map such as "title: Fix the login", not ${JSON.stringify(value)?.slice(0, 60) ?? 'empty'}`,
  );
}

/** A pipe of the shell will do; one that nobody may ever write to will not. */
async function textOf(file: string, what: string): Promise<string> {
  const read = await readBytes(file, { limit: FILE_LIMIT_BYTES, pipes: true });
  if ('bytes' in read && read.bytes.length <= FILE_LIMIT_BYTES) return Buffer.from(read.bytes).toString('utf8');
  const cause = 'refused' in read ? read.cause : undefined;
  const why = 'refused' in read ? read.refused : `it has more than ${String(FILE_LIMIT_BYTES)} bytes`;
  throw new CoordError('TASK_INVALID', `${what} cannot be read: ${why}`, { cause });
}

/** Every request carries the task, so it has a size; and it must be what JSON can say. */
function checked(value: JsonObject, what: string): JsonObject {
  let problem: string;
  try {
    const forbidden = forbiddenKey(value);
    const parsed = jsonObjectSchema.safeParse(value);
    const size = parsed.success ? Buffer.byteLength(JSON.stringify(parsed.data)) : 0;
    if (parsed.success && size <= LIMIT_BYTES && forbidden === null) return parsed.data;
    const place = parsed.error?.issues[0]?.path.join('.') ?? '';
    problem = !parsed.success
      ? `holds something at "${place}" that JSON cannot say`
      : forbidden === null
        ? `has ${String(size)} bytes of JSON, ${String(LIMIT_BYTES)} are allowed`
        : `has the key "${forbidden}", which nothing may read; choose another name`;
  } catch {
    problem = 'is nested too deeply, or holds itself';
  }
  throw new CoordError('TASK_INVALID', `${what} ${problem}`);
}
