/** The task of a run, as given on the command line: a YAML or JSON file, or JSON text. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { CoordError, messageOf } from '../core/errors.js';
import { isJsonObject, type JsonObject, jsonObjectSchema } from '../core/json.js';

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
  const parsed = jsonObjectSchema.safeParse(value);
  if (parsed.success && isJsonObject(value)) return parsed.data;
  throw new CoordError(
    'TASK_INVALID',
    `${what} must be an object such as "title: Fix the login", not ${JSON.stringify(value)?.slice(0, 60) ?? 'empty'}`,
  );
}
