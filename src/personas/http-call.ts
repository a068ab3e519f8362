/** Calls of services over HTTP: no redirects, bounded answers, and whatever goes wrong is a failure with a name. */
import { brokenConnection, type HttpFailure } from './http-failure.js';

export interface HttpCall {
  readonly url: URL;
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
  /** Names the service in messages. */
  readonly who: string;
}

/** `null`: the call was aborted. */
export async function callHttp(call: HttpCall): Promise<Response | { readonly failure: HttpFailure | null }> {
  const { url, method, headers, body, signal, who } = call;
  try {
    return await fetch(url, { method, headers, redirect: 'manual', signal, ...(body !== undefined && { body }) });
  } catch (error) {
    return { failure: signal.aborted ? null : brokenConnection(who, error) };
  }
}

export class AnswerTooLarge extends Error {}

/** The pieces of the body; throws AnswerTooLarge after `limit` bytes, and what the connection throws. */
export async function* piecesOf(response: Response, limit: number): AsyncGenerator<Uint8Array, void> {
  if (response.body === null) return;
  let size = 0;
  for await (const piece of response.body as AsyncIterable<Uint8Array>) {
    size += piece.length;
    if (size > limit) throw new AnswerTooLarge(`has sent more than ${String(limit)} bytes, the limit`);
    yield piece;
  }
}

export async function textOf(response: Response, limit: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of piecesOf(response, limit)) text += decoder.decode(piece, { stream: true });
  return text + decoder.decode();
}

/** Of an answer that is an error already: as much as is good for a message, whatever happens meanwhile. */
export async function errorTextOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const piece of piecesOf(response, ERROR_BYTES)) text += decoder.decode(piece, { stream: true });
  } catch {
    // What has arrived is good enough.
  }
  return text;
}

const ERROR_BYTES = 64 * 1024;
