/** The data that answers a list of questions: its schema, and what stands in it for what nobody answered. */
import type { Asked } from '../core/asked.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.js';
import { compileSchema, type SchemaTest } from './json-schema.js';

const schemas = new WeakMap<readonly Asked[], JsonObject>();

/** JSON Schema of the data that holds the answers by id. */
export function schemaOfAsked(asked: readonly Asked[]): JsonObject {
  const known = schemas.get(asked);
  if (known !== undefined) return known;
  const schema = {
    type: 'object',
    properties: Object.fromEntries(asked.map((one) => [one.id, schemaOf(one)])),
    required: asked
      .filter(({ required, default: usual }) => required === true && usual === undefined)
      .map(({ id }) => id),
    additionalProperties: false,
  };
  schemas.set(asked, schema);
  return schema;
}

/** The test of such data. */
export function testOfAsked(asked: readonly Asked[]): SchemaTest {
  return compileSchema(schemaOfAsked(asked));
}

function schemaOf({ type, options, ask, reason, required, default: usual }: Asked): JsonObject {
  const said = {
    title: ask,
    ...(reason !== undefined && { description: reason }),
    ...(usual !== undefined && { default: usual }),
  };
  const one = options === undefined ? { type: 'string' } : { enum: [...options] };
  switch (type) {
    case 'text':
      return { ...said, type: 'string', ...(required === true && { minLength: 1 }) };
    case 'number':
      return { ...said, type: 'number' };
    case 'yes_no':
      return { ...said, type: 'boolean' };
    case 'choice':
      return { ...said, ...one };
    case 'list':
      return { ...said, type: 'array', items: one, ...(required === true && { minItems: 1 }) };
  }
}

/** The data with what is usual for whatever nobody answered. */
export function withDefaults(asked: readonly Asked[], data: JsonValue): JsonValue {
  if (data !== null && !isJsonObject(data)) return data;
  const usual = asked.flatMap(({ id, default: value }): [string, JsonValue][] =>
    value === undefined ? [] : [[id, value]],
  );
  return { ...Object.fromEntries(usual), ...data };
}

/** A form as a list of questions, for asking one at a time; null for one that is not made of plain fields. */
export function askedOfForm(schema: JsonObject | true): readonly Asked[] | null {
  if (schema === true || !isJsonObject(schema['properties'])) return null;
  const needed: JsonValue = schema['required'] ?? [];
  const required = Array.isArray(needed) ? (needed as readonly JsonValue[]) : [];
  const list: Asked[] = [];
  for (const [id, field] of Object.entries(schema['properties'])) {
    const asked = isJsonObject(field) ? fieldOf(id, field) : null;
    if (asked === null) return null;
    list.push({ ...asked, required: required.includes(id) });
  }
  // Members of a stored definition are in the order of the alphabet; what is needed is in the order of whoever wrote it.
  const place = ({ id }: Asked): number => (required.includes(id) ? required.indexOf(id) : required.length);
  return list.toSorted((a, b) => place(a) - place(b));
}

function fieldOf(id: string, field: JsonObject): Asked | null {
  const text = (key: string): string | undefined => {
    const value = field[key];
    return typeof value === 'string' ? value : undefined;
  };
  const said = { id, ask: text('title') ?? text('description') ?? id, reason: text('title') && text('description') };
  const usual = field['default'] === undefined ? {} : { default: field['default'] };
  const options = textsOf(field['enum']);
  if (options !== null) return { ...said, ...usual, type: 'choice', options };
  switch (field['type']) {
    case 'string':
      return { ...said, ...usual, type: 'text' };
    case 'number':
    case 'integer':
      return { ...said, ...usual, type: 'number' };
    case 'boolean':
      return { ...said, ...usual, type: 'yes_no' };
    case 'array': {
      const items = isJsonObject(field['items'] ?? null) ? (field['items'] as JsonObject) : {};
      const of = textsOf(items['enum']);
      if (of !== null) return { ...said, ...usual, type: 'list', options: of };
      return items['type'] === 'string' ? { ...said, ...usual, type: 'list' } : null;
    }
    default:
      return null;
  }
}

function textsOf(value: JsonValue | undefined): readonly string[] | null {
  return Array.isArray(value) && value.every((one: JsonValue) => typeof one === 'string') ? value : null;
}
