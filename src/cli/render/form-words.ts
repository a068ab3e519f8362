/** What an answer with a form needs, as the options of `coord decide` that give it. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.js';
import type { StepView } from '../../core/views.js';
import { compileSchema } from '../../definition/json-schema.js';
import { shellWord } from './shell-word.js';

/** Fields that are spelled out; a form with more is for a file. */
const FIELDS = 6;

/** ` --set note=<text>` with its leading space for every field there must be, or an empty text when none must. */
export function formOptions(form: StepView['form'], choice: string): string {
  if (form === null || form.schema === true || form.notFor.includes(choice)) return '';
  const { schema } = form;
  if (compileSchema(schema)(null).length === 0) return '';
  const fields = requiredOf(schema);
  if (fields.length > FIELDS) return ' --data @<file>';
  if (fields.length > 0) return fields.map((name) => ` --set ${shellWord(name)}=${blank(schema, name)}`).join('');
  return compileSchema(schema)({}).length === 0 ? " --data '{}'" : ' --data <json>';
}

/** For fields that must be texts and were given as something else: how a text is written; empty when there are none. */
export function textHint(schema: JsonValue, set: JsonObject): string {
  const wrong = Object.entries(set).filter(
    ([name, value]) => typeof value !== 'string' && propertyOf(schema, name)?.['type'] === 'string',
  );
  const written = wrong.map(([name, value]) => `--set ${quoted(`${name}=${JSON.stringify(JSON.stringify(value))}`)}`);
  return written.length === 0 ? '' : `; a text that looks like JSON is quoted twice: ${written.join(' ')}`;
}

function quoted(text: string): string {
  const word = shellWord(text);
  return word.startsWith("'") ? word : `'${word}'`;
}

function requiredOf(schema: JsonObject): readonly string[] {
  const { required } = schema;
  return Array.isArray(required) ? required.filter((name: JsonValue) => typeof name === 'string') : [];
}

function propertyOf(schema: JsonValue, name: string): JsonObject | null {
  const properties = isJsonObject(schema) ? schema['properties'] : undefined;
  const property = isJsonObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined;
  return isJsonObject(property) ? property : null;
}

/** `<text>`: a shell refuses it as it stands, so nobody sends it by mistake. */
function blank(schema: JsonObject, name: string): string {
  const type = propertyOf(schema, name)?.['type'];
  if (type === 'string') return '<text>';
  if (type === 'number' || type === 'integer') return '<number>';
  if (type === 'boolean') return '<true|false>';
  return '<value>';
}
