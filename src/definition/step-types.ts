/** Step types that plugins add: each is a way to write a few steps as one. */
import { z } from 'zod';
import { CoordError, messageOf } from '../core/errors.js';
import { isJsonObject, type JsonObject } from '../core/json.js';
import { type JsonSchema, STEP_TYPES } from './steps.js';
import { STEP_ID } from './workflow.js';

export interface CustomStepType {
  /** As steps name it in `type`. */
  readonly name: string;
  readonly description: string;
  /** What the `params` of such a step must look like. */
  readonly params: JsonSchema;
  /**
   * The steps that it stands for, spelled as in a file. Their ids, and the dependencies on each other, get the step's id
   * and a hyphen in front; conditions and templates are left alone, so they name a step as `<id>-<its id>`.
   */
  readonly expand: (step: { readonly id: string; readonly params: JsonObject }) => readonly JsonObject[];
}

/** A schema as people write it: JSON Schema, or a zod schema. */
export type SchemaSource = JsonSchema | z.ZodType;

/**
 * Checks and completes a step type of a plugin; its `params` may be a zod schema. Throws DEFINITION_INVALID when the name
 * cannot be one or is built in, or when the schema has no form in JSON.
 */
export function defineStepType(
  type: Omit<CustomStepType, 'params'> & { readonly params: SchemaSource },
): CustomStepType {
  const problem = problemOf(type);
  if (problem !== null) throw new CoordError('DEFINITION_INVALID', problem);
  const { name, description, expand } = type;
  return { name, description, params: schemaOf(type.params, `the params of the step type "${name}"`), expand };
}

/** Why a value is no step type, or null. */
export function problemOf(type: unknown): string | null {
  if (!isJsonObject(type)) return 'a step type must be made with defineStepType({ name, description, params, expand })';
  const { name, description, params, expand } = type as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string' || !STEP_ID.test(name))
    return `${JSON.stringify(name) ?? 'nothing'} cannot be the name of a step type: it starts with a letter and has up to 64 letters, digits, "-" and "_"`;
  if ((STEP_TYPES as readonly string[]).includes(name))
    return `the step type "${name}" is built in; choose another name`;
  if (typeof description !== 'string') return `the step type "${name}" has no description, which is a text`;
  if (typeof expand !== 'function') return `the step type "${name}" has no function "expand"`;
  if (params !== true && !isJsonObject(params))
    return `the step type "${name}" has no schema for its params; write true for anything`;
  return null;
}

/** JSON Schema of either; `what` names it in the message. Throws DEFINITION_INVALID. */
export function schemaOf(schema: SchemaSource, what: string): JsonSchema {
  if (!isZod(schema)) return schema;
  try {
    const {
      $schema: _dialect,
      '~standard': _standard,
      ...rest
    } = z.toJSONSchema(schema, {
      io: 'input',
      // zod writes a long pattern beside each format; the format says it, and is checked.
      override: ({ jsonSchema }) => {
        if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
      },
    });
    return JSON.parse(JSON.stringify(rest)) as JsonObject;
  } catch (error) {
    throw new CoordError('DEFINITION_INVALID', `${what} cannot be written as JSON Schema: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Also true for a schema of another copy of zod 4. */
export function isZod(value: unknown): value is z.ZodType {
  return typeof value === 'object' && value !== null && '_zod' in value;
}
