/**
 * What it means when a service does not answer as it should: a class, a sentence that says what to do, when there is
 * use in trying again, and whether the service itself is in trouble.
 */
import { type ErrorClass } from '../core/statuses.js';
import { RESUME_LIMIT_MS } from '../core/exchange.js';
import { isJsonObject, type JsonValue } from '../core/json.js';
import { abbreviate } from './plain-text.js';
import { errorReply, type RawReply } from './runner.js';

export interface HttpFailure {
  readonly class: ErrorClass;
  readonly message: string;
  /** `failed`: others should not call it for now; `ok`: it answered, and the fault is in the request or its rights. */
  readonly endpoint: 'ok' | 'failed';
  readonly resumeInMs?: number | undefined;
}

export function failureReply({ class: errorClass, message, endpoint, resumeInMs }: HttpFailure): RawReply {
  const waits = errorClass === 'RATE_LIMIT' || errorClass === 'QUOTA';
  return {
    ...errorReply(errorClass, message),
    endpoint,
    ...(waits && resumeInMs !== undefined && { resumeInMs }),
  };
}

/** Codes of errors below `fetch`, in words. */
const BROKEN: readonly (readonly [RegExp, string])[] = [
  [/^ECONNREFUSED$/, 'refuses connections; is it running, and is the address right?'],
  [/^(?:ENOTFOUND|EAI_\w+)$/, 'cannot be found: its name has no address'],
  [/CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|^ERR_(?:TLS|SSL)|^EPROTO$/, 'has no TLS that is trusted here'],
  [/^(?:ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|EHOSTUNREACH|ENETUNREACH)$/, 'cannot be reached'],
  [/^UND_ERR_(?:HEADERS|BODY)_TIMEOUT$/, 'has said nothing for 5 minutes'],
  [/^(?:ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, 'has cut the connection'],
];

/** Of a call that threw. `who` names the service: `the endpoint https://…`. */
export function brokenConnection(who: string, error: unknown): HttpFailure {
  const code = codeBelow(error);
  const known = BROKEN.find(([pattern]) => pattern.test(code))?.[1];
  const said = known === undefined ? `cannot be called: ${deepest(error)}` : `${known} (${code})`;
  return { class: 'PERSONA_ERROR', message: `${who} ${said}`, endpoint: 'failed' };
}

function codeBelow(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++)
    if ('code' in at && typeof at.code === 'string') return at.code;
  return '';
}

function deepest(error: unknown): string {
  let at: unknown = error;
  for (let depth = 0; at instanceof Error && at.cause instanceof Error && depth < 5; depth++) at = at.cause;
  return abbreviate(at instanceof Error ? at.message : String(at), 200);
}

export interface BadAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** Of an answer that is not the one asked for. `rights` says which setting to look at when it does not let anybody in. */
export function badAnswer(
  { status, headers, body }: BadAnswer,
  want: { readonly who: string; readonly rights: string; readonly now: number },
): HttpFailure {
  const { text, words } = saidIn(body);
  const said = text === '' ? '' : `: ${abbreviate(text, 500)}`;
  const { who, rights, now } = want;
  const answered = (message: string): HttpFailure => ({ class: 'PERSONA_ERROR', message, endpoint: 'ok' });
  if (status === 402 || NO_CREDIT.test(words)) {
    const resumeInMs = waitIn(headers, now);
    return {
      class: 'QUOTA',
      message: `the account at ${who} has no credit left${said}`,
      endpoint: 'failed',
      resumeInMs,
    };
  }
  if (status === 429) {
    const resumeInMs = waitIn(headers, now);
    return { class: 'RATE_LIMIT', message: `${who} has had too many requests${said}`, endpoint: 'failed', resumeInMs };
  }
  if (status === 401 || status === 403)
    return answered(`${who} does not let coord in (${String(status)}); ${rights}${said}`);
  if (status >= 300 && status < 400) {
    const to = abbreviate((headers.get('location') ?? 'nowhere').replace(/\?.*$/s, ''), 200);
    return answered(`${who} leads on to ${to}, which is not followed; put the right address there`);
  }
  if (status === 408 || status >= 500)
    return { class: 'PERSONA_ERROR', message: `${who} has failed (${String(status)})${said}`, endpoint: 'failed' };
  return answered(`${who} has answered ${String(status)}${said}`);
}

const NO_CREDIT = /insufficient_quota|billing_hard_limit|credit balance is too low|insufficient (?:balance|credits?)/i;

/** What an error's body says: the text for people, and all words in it by which it is recognised. */
export function saidIn(body: string): { readonly text: string; readonly words: string } {
  let value: JsonValue;
  try {
    value = JSON.parse(body) as JsonValue;
  } catch {
    return { text: /^\s*</.test(body) ? '' : body.trim(), words: body };
  }
  const inner = isJsonObject(value) ? (value['error'] ?? value) : value;
  if (typeof inner === 'string') return { text: inner, words: inner };
  if (!isJsonObject(inner)) return { text: '', words: body };
  const { message, detail } = inner;
  const text = [message, detail].find((candidate) => typeof candidate === 'string');
  const words = [inner['type'], inner['code'], text].filter((word) => typeof word === 'string');
  return { text: typeof text === 'string' ? text : '', words: words.join(' ') };
}

/** How long a service asks to be left alone, ms; undefined when it does not say, or says nothing that makes sense. */
export function waitIn(headers: Headers, now: number): number | undefined {
  const exact = numberIn(headers.get('retry-after-ms'));
  if (exact !== null) return within(exact);
  const after = headers.get('retry-after');
  if (after !== null) {
    const seconds = numberIn(after);
    return within(seconds === null ? Date.parse(after) - now : seconds * 1000);
  }
  const resets = [...headers].flatMap(([name, value]) => {
    const left = headers.get(name.replace(/reset/, 'remaining'));
    // Of several limits, those count that are used up.
    if (!RESET.test(name) || (left !== null && numberIn(left) !== 0)) return [];
    const ms = resetIn(value, now);
    return ms === undefined ? [] : [ms];
  });
  return resets.length === 0 ? undefined : Math.max(...resets);
}

const RESET = /^(?:x-ratelimit-reset|anthropic-ratelimit-.*-reset|ratelimit-reset)/;

/** A reset time: seconds from now, seconds or ms since 1970, `1m30s`, or a date. */
function resetIn(value: string, now: number): number | undefined {
  const number = numberIn(value);
  if (number !== null) {
    if (number > 1e12) return within(number - now);
    return within(number > 1e9 ? number * 1000 - now : number * 1000);
  }
  const units: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  if (/^(?:\d+(?:\.\d+)?(?:ms|d|h|m|s))+$/.test(value)) {
    const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ms|d|h|m|s)/g)];
    return within(parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0));
  }
  return within(Date.parse(value) - now);
}

function numberIn(text: string | null): number | null {
  return text !== null && /^\d{1,15}(?:\.\d+)?$/.test(text.trim()) ? Number(text) : null;
}

function within(ms: number): number | undefined {
  return Number.isFinite(ms) ? Math.min(Math.max(Math.ceil(ms), 1), RESUME_LIMIT_MS) : undefined;
}
