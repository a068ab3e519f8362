/**
 * Personas of kind `http`: a service that gets the request as it is and answers with a reply, at once or under an address
 * that is asked until it is there. Requests are signed as Standard Webhooks are, and a repeated one has the same id.
 */
import { createHmac } from 'node:crypto';
import type { Clock } from '../core/clock.js';
import type { PersonaRequest } from '../core/exchange.js';
import type { Finding } from '../core/finding.js';
import type { JsonValue } from '../core/json.js';
import { collectArtifacts } from './artifact-file.js';
import { readEndpoint, shownEndpoint } from './endpoint.js';
import { AnswerTooLarge, callHttp, errorTextOf, type HttpCall, textOf } from './http-call.js';
import { badAnswer, brokenConnection, failureReply, type HttpFailure, waitIn } from './http-failure.js';
import type { HttpPersona } from './persona.js';
import { abbreviate } from './plain-text.js';
import { Redaction } from './secrets.js';
import { checkReply, EXPECTED_REPLY } from './reply.js';
import { type AttemptContext, errorReply, type PersonaKind, type RawReply } from './runner.js';

export interface HttpMeans {
  readonly clock: Clock;
  readonly env: NodeJS.ProcessEnv;
}

/** Bytes of a reply, with the contents of its artifacts. */
const REPLY_BYTES = 32 * 1024 * 1024;
/** Between looks, ms: by itself, and at most however long the service says. */
const POLL = { usualMs: 1_000, longestMs: 60_000 } as const;
/** Looks in a row that may fail before the attempt does: the service goes on with its work meanwhile. */
const LOOKS_THAT_FAIL = 5;
/** For telling the service that nobody waits any more. */
const GOODBYE_MS = 2_000;

interface Talk {
  readonly url: URL;
  readonly who: string;
  readonly secret: string | null;
  readonly redaction: Redaction;
  readonly context: AttemptContext;
}

type Answered = { readonly reply: RawReply } | { readonly later: URL; readonly waitMs: number };

export class HttpRunner implements PersonaKind {
  readonly understandsWords = true;
  readonly #persona: HttpPersona;
  readonly #means: HttpMeans;

  get endpoint(): string | null {
    const url = this.#url();
    return typeof url === 'string' ? null : shownEndpoint(url);
  }

  constructor(persona: HttpPersona, means: HttpMeans) {
    this.#persona = persona;
    this.#means = means;
  }

  async run(request: PersonaRequest, context: AttemptContext): Promise<RawReply> {
    const url = this.#url();
    if (typeof url === 'string') return errorReply('PERSONA_ERROR', url);
    const secret = this.#secret();
    if (secret === '') {
      const message = `persona "${this.#persona.name}" has no secret to sign with: ${this.#persona.secretVariable ?? ''} is not set in the environment of the worker`;
      return errorReply('PERSONA_ERROR', message);
    }
    const redaction = new Redaction([...(secret === null ? [] : [secret]), ...url.searchParams.values()]);
    const talk = { url, who: `the endpoint ${shownEndpoint(url)}`, secret, redaction, context };
    const reply = await this.#talk(JSON.stringify(request), talk);
    const { error } = reply;
    return error === null ? reply : { ...reply, error: { ...error, message: redaction.text(error.message) } };
  }

  /** Only what is here: services know one question, and it is work. */
  check(): Promise<readonly Finding[]> {
    const url = this.#url();
    const missing = this.#secret() === '' ? this.#persona.secretVariable : null;
    const findings: readonly Finding[] = [
      typeof url === 'string'
        ? { level: 'error', subject: 'endpoint', message: url, cure: 'set the variable where the worker is started' }
        : { level: 'ok', subject: 'endpoint', message: shownEndpoint(url), cure: null },
      ...(missing === null
        ? []
        : [
            {
              level: 'error',
              subject: missing,
              message: 'is not set, so requests cannot be signed',
              cure: `export ${missing}=… where the worker is started`,
            } as const,
          ]),
    ];
    return Promise.resolve(findings);
  }

  /** A text says why there is none. */
  #url(): URL | string {
    const { endpoint, name } = this.#persona;
    if ('url' in endpoint) return new URL(endpoint.url);
    const { variable } = endpoint;
    const text = this.#means.env[variable]?.trim() ?? '';
    const missing = `persona "${name}" has no endpoint: ${variable} is not set in the environment of the worker`;
    if (text === '') return missing;
    const read = readEndpoint(text);
    return 'url' in read ? read.url : `persona "${name}" has no endpoint: what ${variable} holds ${read.problem}`;
  }

  #secret(): string | null {
    const { secretVariable } = this.#persona;
    return secretVariable === null ? null : (this.#means.env[secretVariable] ?? '').trim();
  }

  async #talk(body: string, talk: Talk): Promise<RawReply> {
    const { signal } = talk.context;
    let answered = await this.#answer(talk.url, { method: 'POST', body, talk });
    let failures = 0;
    let later: URL | null = null;
    let waitMs: number = POLL.usualMs;
    for (;;) {
      if ('later' in answered) {
        failures = 0;
        ({ later, waitMs } = answered);
      } else if (later === null || !isPassing(answered.reply) || ++failures >= LOOKS_THAT_FAIL) {
        if (signal.aborted && later !== null) await this.#sayGoodbye(later, talk);
        return answered.reply;
      }
      await this.#means.clock.sleep(waitMs, signal);
      if (signal.aborted) {
        await this.#sayGoodbye(later, talk);
        return errorReply('PERSONA_ERROR', 'the attempt was aborted');
      }
      answered = await this.#answer(later, { method: 'GET', body: '', talk });
    }
  }

  async #answer(
    url: URL,
    { method, body, talk }: { readonly method: 'GET' | 'POST'; readonly body: string; readonly talk: Talk },
  ): Promise<Answered> {
    const { who, context } = talk;
    const response = await callHttp(this.#call(url, { method, body, talk, signal: context.signal }));
    if ('failure' in response) return { reply: failed(response.failure) };
    const { status, headers } = response;
    try {
      if (status === 202) return this.#later(url, headers, { talk, text: await textOf(response, STATUS_BYTES) });
      if (status === 200) return { reply: await replyIn(await textOf(response, REPLY_BYTES), talk) };
    } catch (error) {
      if (error instanceof AnswerTooLarge)
        return { reply: { ...errorReply('INVALID_REPLY', `${who} ${error.message}`), endpoint: 'ok' } };
      return { reply: failed(context.signal.aborted ? null : brokenConnection(who, error)) };
    }
    const bad = { status, headers, body: await errorTextOf(response) };
    if (context.signal.aborted) return { reply: failed(null) };
    const { secretVariable } = this.#persona;
    const rights =
      secretVariable === null
        ? 'it may want signed requests: name the variable that holds the secret in "secret_env"'
        : `is ${secretVariable} in the environment of the worker the secret that it knows?`;
    return { reply: failed(badAnswer(bad, { who, rights, now: this.#means.clock.now() })) };
  }

  #call(
    url: URL,
    want: {
      readonly method: HttpCall['method'];
      readonly body: string;
      readonly talk: Talk;
      readonly signal: AbortSignal;
    },
  ): HttpCall {
    const { method, body, talk, signal } = want;
    const signed = signature({ id: idOf(talk.context.token), at: this.#means.clock.now(), body, secret: talk.secret });
    const headers = {
      accept: 'application/json',
      ...signed,
      ...(method === 'POST' && { 'content-type': 'application/json' }),
    };
    return { url, method, headers, signal, who: talk.who, ...(method === 'POST' && { body }) };
  }

  /** Where the reply is going to be: at the same origin, or whatever answers could have the worker call anything. */
  #later(from: URL, headers: Headers, { talk, text }: { readonly talk: Talk; readonly text: string }): Answered {
    const location = headers.get('location');
    const bad = (what: string): Answered => ({
      reply: { ...errorReply('INVALID_REPLY', `${talk.who} has answered 202 ${what}`), endpoint: 'ok' },
    });
    const later = location === null ? (from === talk.url ? null : from) : urlIn(location, from);
    if (later === null) return bad('without a "Location" that can be asked');
    if (later.origin !== talk.url.origin)
      return bad(`with a "Location" at ${later.origin}; only its own origin is asked`);
    talk.context.progress(progressIn(talk.redaction.text(text)));
    const wait = waitIn(headers, this.#means.clock.now()) ?? POLL.usualMs;
    return { later, waitMs: Math.min(wait, POLL.longestMs) };
  }

  /** Best effort: nobody waits for long, and no answer changes anything. */
  async #sayGoodbye(url: URL, talk: Talk): Promise<void> {
    const enough = new AbortController();
    const cancel = this.#means.clock.after(GOODBYE_MS, () => enough.abort());
    const response = await callHttp(this.#call(url, { method: 'DELETE', body: '', talk, signal: enough.signal }));
    if (!('failure' in response)) await response.body?.cancel().catch(() => undefined);
    cancel();
  }
}

/** Bytes of what an answer may say of how far it is. */
const STATUS_BYTES = 64 * 1024;

function failed(failure: HttpFailure | null): RawReply {
  return failure === null ? errorReply('PERSONA_ERROR', 'the attempt was aborted') : failureReply(failure);
}

/** Whether a look may work the next time. */
function isPassing({ endpoint }: RawReply): boolean {
  return endpoint === 'failed';
}

async function replyIn(text: string, { who, redaction }: Talk): Promise<RawReply> {
  const bad = (problems: readonly string[]): RawReply => {
    const lines = [
      `${who} has given no valid reply: ${abbreviate(problems.join('; '), 1_500)}`,
      `answered: ${text === '' ? '(nothing)' : abbreviate(redaction.text(text.slice(0, 1_000)), 200)}`,
      `expected: ${EXPECTED_REPLY}`,
    ];
    return { ...errorReply('INVALID_REPLY', lines.join('\n')), endpoint: 'ok' };
  };
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    return bad(['it is not JSON']);
  }
  const first = checkReply(value);
  if (first.reply === null) return bad(first.problems);
  // Only now, since what is nested too deep is refused above.
  const checked = checkReply(redaction.value(value));
  if (checked.reply === null) return bad(checked.problems);
  const { artifacts, problems } = await collectArtifacts(checked.reply.artifacts, null);
  return problems.length > 0 ? bad(problems) : { ...checked.reply, artifacts, endpoint: 'ok' };
}

/** The headers of Standard Webhooks; without a secret there is no signature. */
function signature(want: {
  readonly id: string;
  /** ms since 1970. */
  readonly at: number;
  readonly body: string;
  readonly secret: string | null;
}): Readonly<Record<string, string>> {
  const { id, at, body, secret } = want;
  const timestamp = String(Math.floor(at / 1000));
  const named = { 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (secret === null) return named;
  const encoded = /^whsec_(.+)$/.exec(secret)?.[1];
  const key = encoded === undefined ? Buffer.from(secret) : Buffer.from(encoded, 'base64');
  const digest = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...named, 'webhook-signature': `v1,${digest}` };
}

/** Headers take no other characters. */
function idOf(token: string): string {
  return encodeURI(token);
}

function urlIn(location: string, base: URL): URL | null {
  try {
    return new URL(location, base);
  } catch {
    return null;
  }
}

/** What a 202 says: the "progress" of a JSON object, when it has one. */
function progressIn(text: string): string {
  try {
    const { progress } = JSON.parse(text) as { readonly progress?: unknown };
    if (typeof progress === 'string' && progress.trim() !== '') return progress;
  } catch {
    // It need not say anything.
  }
  return 'the service works on it';
}
