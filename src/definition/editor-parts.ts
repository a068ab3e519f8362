/** The pieces of which the JSON Schema for editors is made. */
import type { JsonObject, JsonValue } from '../core/json.js';

/** A `{{ hole }}`, or the `${hole}` of other documents. */
const HOLE = String.raw`\{\{|\$\{`;
export const DURATION = String.raw`^\s*\d{1,12}(\.\d{1,6})?\s*(ms|s|m|h|d)?\s*$`;

export function ref(name: string): JsonObject {
  return { $ref: `#/$defs/${name}` };
}

export function key(description: string, schema: JsonObject, ...examples: readonly JsonValue[]): JsonObject {
  return { description, ...schema, ...(examples.length === 0 ? {} : { examples }) };
}

export const TEXT: JsonObject = { type: 'string' };
export const EXPRESSION: JsonObject = { type: 'string', minLength: 1 };
export const TEMPLATE: JsonObject = { type: 'string', pattern: HOLE };
export const TEXTS: JsonObject = { anyOf: [TEXT, { type: 'array', items: TEXT }] };
export const MAP: JsonObject = { type: 'object' };

export function count(minimum: number, maximum: number): JsonObject {
  return { anyOf: [{ type: 'integer', minimum, maximum }, TEMPLATE] };
}

/** What may be used at most; `more` stands beside it. */
export function budgetSchema(more: JsonObject = {}): JsonObject {
  return {
    type: 'object',
    additionalProperties: false,
    minProperties: 1,
    properties: {
      tokens: key('Tokens read and written.', { type: 'integer', minimum: 1 }, 500_000),
      cost_usd: key('Dollars.', { type: 'number', exclusiveMinimum: 0 }, 5),
      turns: key('Answers of models.', { type: 'integer', minimum: 1 }, 100),
      ...more,
    },
  };
}
