/** One question to a model, and its whole answer, read piece by piece as it is written. */
import { isJsonObject } from '../core/json.js';
import { AnswerTooLarge, callHttp, errorTextOf, piecesOf, textOf } from './http-call.js';
import { badAnswer, type BadAnswer, brokenConnection, type HttpFailure, saidIn } from './http-failure.js';
import { type Answer, type ModelAsk, newAnswer, WIRES } from './model-wire.js';
import { EventTooLarge, serverEvents } from './server-events.js';

export interface ModelCall extends ModelAsk {
  readonly key: string | null;
  readonly signal: AbortSignal;
  /** Names the endpoint in messages. */
  readonly who: string;
  /** The time, of dates that the provider gives. */
  readonly now: number;
  /** Told how far the answer is. */
  progress(line: string): void;
}

/** A failure of null: the call was aborted. */
export type ModelOutcome = { readonly answer: Answer } | { readonly failure: HttpFailure | null };

const LIMITS = { text: 4 * 1024 * 1024, event: 1024 * 1024, stream: 256 * 1024 * 1024 } as const;

export async function callModel(call: ModelCall): Promise<ModelOutcome> {
  const { persona, key, signal, who } = call;
  const wire = WIRES[persona.provider];
  const response = await callHttp({
    url: new URL(persona.endpoint),
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...wire.headers(key) },
    body: JSON.stringify(wire.body(call)),
    signal,
    who,
  });
  if ('failure' in response) return response;
  if (!response.ok) {
    const bad = { status: response.status, headers: response.headers, body: await errorTextOf(response) };
    return { failure: signal.aborted ? null : failureOf(bad, call) };
  }
  const answer = newAnswer();
  try {
    const ended = await readInto(answer, response, call);
    if (ended !== null) return { failure: ended };
  } catch (error) {
    if (signal.aborted) return { failure: null };
    if (error instanceof AnswerTooLarge || error instanceof EventTooLarge)
      return { failure: { class: 'PERSONA_ERROR', message: `${who} ${error.message}`, endpoint: 'ok' } };
    // What breaks after the end of the answer takes nothing from it.
    if (answer.end === null) return { failure: cutOff(answer, { who, why: brokenConnection(who, error).message }) };
  }
  if (answer.end === null) return { failure: cutOff(answer, { who, why: 'the stream ended without its end' }) };
  return { answer };
}

/** Null when it was read to its end, or to the end of what there is. */
async function readInto(answer: Answer, response: Response, call: ModelCall): Promise<HttpFailure | null> {
  const wire = WIRES[call.persona.provider];
  if (/^application\/json/i.test(response.headers.get('content-type') ?? '')) {
    return take(await textOf(response, LIMITS.text * 2));
  }
  for await (const { data } of serverEvents(piecesOf(response, LIMITS.stream), LIMITS.event)) {
    if (data.trim() === '[DONE]') return null;
    const failure = take(data);
    if (failure !== null) return failure;
    const { text, thought } = answer;
    if (text.length > LIMITS.text)
      throw new AnswerTooLarge(`has sent more than ${String(LIMITS.text)} characters, the limit`);
    if (text !== '') call.progress(`answering, ${String(text.length)} characters`);
    else if (thought > 0) call.progress(`thinking, ${String(thought)} characters`);
  }
  return null;

  function take(data: string): HttpFailure | null {
    let event: unknown;
    try {
      event = JSON.parse(data);
    } catch {
      event = null;
    }
    if (!isJsonObject(event)) {
      const message = `${call.who} has sent what is no answer of a model; is the key "provider" right?`;
      return { class: 'PERSONA_ERROR', message, endpoint: 'ok' };
    }
    wire.take(answer, event);
    return answer.error === null ? null : midFailure(answer.error, call);
  }
}

function cutOff({ text }: Answer, { who, why }: { readonly who: string; readonly why: string }): HttpFailure {
  const message = `${who}: the answer was cut off in the middle, after ${String(text.length)} characters (${why})`;
  return { class: 'PERSONA_ERROR', message, endpoint: 'failed' };
}

/** An error that came with status 200: its words tell which one it would have been. */
function midFailure(body: string, call: ModelCall): HttpFailure {
  const { words } = saidIn(body);
  const status = /rate_limit/i.test(words)
    ? 429
    : /authentication|permission/i.test(words)
      ? 401
      : /invalid_request/i.test(words)
        ? 400
        : 500;
  return failureOf({ status, headers: new Headers(), body }, call);
}

/** What models refuse in ways of their own, then what any service does. */
function failureOf(bad: BadAnswer, { persona, who, now, maxTokens }: ModelCall): HttpFailure {
  const { text, words } = saidIn(bad.body);
  const said = text === '' ? '' : `: ${text.slice(0, 500)}`;
  const clear = (message: string): HttpFailure => ({ class: 'PERSONA_ERROR', message, endpoint: 'ok' });
  if (bad.status === 413 || TOO_LONG.test(words))
    return clear(
      `the request is too long for the model "${persona.model}" (with max_tokens ${String(maxTokens)}): let the steps before give shorter results${said}`,
    );
  if (/content_filter|content_policy/i.test(words)) return clear(refusalText(persona.model, text));
  if (bad.status === 404)
    return clear(
      `${who} does not know the model "${persona.model}", or answers elsewhere; look at the keys "model" and "endpoint"${said}`,
    );
  if (bad.status < 429 && /response_format|json_schema|tool_choice|input_schema/i.test(words))
    return clear(
      `${who} cannot have its answers follow a schema; put "format: json" or "format: text" into the persona's file${said}`,
    );
  const { keyVariable } = persona;
  const rights =
    keyVariable === null
      ? 'name the environment variable that holds the key in "api_key_env"'
      : `set ${keyVariable} in the environment of the worker to a key that is valid`;
  return badAnswer(bad, { who, rights, now });
}

const TOO_LONG = /context_length_exceeded|maximum context length|context window|prompt is too long|input is too long/i;

export function refusalText(model: string, said: string): string {
  return `the model "${model}" has refused to answer, or its provider's content filter has${said.trim() === '' ? '' : `: ${said.trim().slice(0, 500)}`}`;
}
