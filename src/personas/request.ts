/** Reads a delivered request, which may be anything: whoever can write to the stream may have written it. */
import { RUN_ID } from '../core/ids.js';
import { isJsonObject } from '../core/json.js';
import { type PersonaRequest, personaRequestSchema, PROTOCOL_VERSION } from '../core/exchange.js';
import type { Delivery } from '../core/request-port.js';

export type ParsedRequest =
  | { readonly request: PersonaRequest }
  | { readonly problem: string }
  /** It follows a later version of the protocol. */
  | { readonly newer: number };

/** The request, or a phrase that says why the delivery is none. */
export function parseRequest(delivery: Delivery): ParsedRequest {
  let body: unknown;
  try {
    body = JSON.parse(delivery.body);
  } catch {
    return { problem: 'the request is not JSON' };
  }
  const version = isJsonObject(body) ? body['protocol'] : null;
  if (typeof version === 'number' && version > PROTOCOL_VERSION) return { newer: version };
  let parsed: ReturnType<typeof personaRequestSchema.safeParse>;
  try {
    parsed = personaRequestSchema.safeParse(body);
  } catch {
    // The stack ran out. This must not reach the delivery loop: the next worker would die of it too.
    return { problem: 'the request is nested too deeply' };
  }
  if (!parsed.success) {
    const issues = parsed.error.issues.slice(0, 3).map(({ path, message }) => `${path.join('.')}: ${message}`);
    return { problem: `the request does not follow the protocol: ${issues.join('; ')}` };
  }
  const { persona, run } = parsed.data;
  if (persona !== delivery.persona) return { problem: `the request is for persona "${persona}"` };
  return RUN_ID.test(run) ? { request: parsed.data } : { problem: 'the run id is not one' };
}
