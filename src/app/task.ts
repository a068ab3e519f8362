/** The task of a run, as given on the command line: a YAML or JSON file, or JSON text. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { CoordError, messageOf } from '../core/errors.js';
import { isJsonObject, type JsonObject, jsonObjectSchema } from '../core/json.js';

const LIMIT_BYTES = 256 * 1024;

/** Throws TASK_INVALID. */
export async function loadTask(fileOrJson: string): Promise<JsonObject> {
  const inline = fileOrJson.trimStart().startsWith('{');
  const what = inline ? 'the task given as JSON' : `the task file ${fileOrJson}`;
  let value: unknown;
  try {
    value = inline ? JSON.parse(fileOrJson) : parse(await readFile(fileOrJson, 'utf8'), { maxAliasCount: 50 });
  } catch (error) {
    throw new CoordError('TASK_INVALID', `${what} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  if (isJsonObject(value)) return checked(value, what);
  throw new CoordError(
    'TASK_INVALID',
    `${what} must be an object such as "title: Fix the login", not ${JSON.stringify(value)?.slice(0, 60) ?? 'empty'}`,
  );
}

/** Every request carries the task, so it has a size; and it must be what JSON can say. */
function checked(value: JsonObject, what: string): JsonObject {
  let problem: string;
  try {
    const parsed = jsonObjectSchema.safeParse(value);
    const size = parsed.success ? Buffer.byteLength(JSON.stringify(parsed.data)) : 0;
    if (parsed.success && size <= LIMIT_BYTES) return parsed.data;
    const place = parsed.error?.issues[0]?.path.join('.') ?? '';
    problem = parsed.success
      ? `has ${String(size)} bytes of JSON, ${String(LIMIT_BYTES)} are allowed`
      : `holds something at "${place}" that JSON cannot say`;
  } catch {
    problem = 'is nested too deeply, or holds itself';
  }
  throw new CoordError('TASK_INVALID', `${what} ${problem}`);
}
