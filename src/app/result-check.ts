/** Lets a worker check results by the same rules as the engine, before it replies. */
import { messageOf } from '../core/errors.js';
import { compileSchema } from '../definition/json-schema.js';
import type { ResultCheck } from '../personas/runner.js';

export const resultCheck: ResultCheck = (schema, result) => {
  try {
    return compileSchema(schema)(result).map(
      ({ path, message }) => `result${path === '' ? '' : `.${path}`}: ${message}`,
    );
  } catch (error) {
    return [messageOf(error)];
  }
};
