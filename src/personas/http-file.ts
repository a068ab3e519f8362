/** The keys of a persona file of kind `http`. */
import type { FrontMatter } from './front-matter.js';
import { readAddress, readVariable } from './model-file.js';
import type { FilePlace, HttpPersona } from './persona.js';

export const HTTP_KEYS = ['endpoint', 'endpoint_env', 'secret_env'];

export function readHttp(front: FrontMatter, { base }: FilePlace): HttpPersona {
  const url = readAddress(front, 'endpoint');
  const variable = readVariable(front, 'endpoint_env');
  if (front.has('endpoint') === front.has('endpoint_env')) {
    const message =
      'kind "http" needs exactly one of the keys "endpoint" (an address) and "endpoint_env" (the variable that holds it)';
    front.report(
      front.has('endpoint') ? 'endpoint_env' : 'endpoint',
      front.has('endpoint') ? 'bad_value' : 'missing_key',
      message,
    );
  }
  return {
    ...base,
    kind: 'http',
    endpoint: variable === null ? { url: url?.href ?? '' } : { variable },
    secretVariable: readVariable(front, 'secret_env'),
  };
}
