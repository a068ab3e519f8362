/** How the providers of models are spoken to: one row each, with what is sent and how the pieces of an answer are read. */
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.js';
import type { ModelPersona } from './persona.js';

export interface Turn {
  readonly role: 'assistant' | 'user';
  readonly content: string;
}

export interface ModelAsk {
  readonly persona: ModelPersona;
  readonly system: string;
  readonly turns: readonly Turn[];
  readonly maxTokens: number;
  /** Of the whole reply. */
  readonly schema: JsonObject;
}

/** What has come of an answer so far. */
export interface Answer {
  text: string;
  /** Characters of thoughts, which are not kept. */
  thought: number;
  /** Why it ended; null as long as it has not. */
  end: 'cut' | 'done' | 'refused' | null;
  /** What was said with a refusal. */
  refusal: string;
  model: string | null;
  input: JsonValue;
  output: JsonValue;
  /** An error that was told in the middle, as the body of one. */
  error: string | null;
}

export interface Wire {
  headers(key: string | null): Readonly<Record<string, string>>;
  body(ask: ModelAsk): JsonObject;
  /** Takes one event into the answer. An answer that was not sent in pieces is an event too. */
  take(answer: Answer, event: JsonObject): void;
}

export function newAnswer(): Answer {
  return { text: '', thought: 0, end: null, refusal: '', model: null, input: null, output: null, error: null };
}

const openai: Wire = {
  headers: (key): Record<string, string> => (key === null ? {} : { authorization: `Bearer ${key}` }),
  body: ({ persona, system, turns, maxTokens, schema }) => ({
    model: persona.model,
    messages: [{ role: 'system', content: system }, ...turns.map((turn) => ({ ...turn }))],
    stream: true,
    stream_options: { include_usage: true },
    // Its own newer models know only the one, most that are like it only the other.
    [new URL(persona.endpoint).hostname === 'api.openai.com' ? 'max_completion_tokens' : 'max_tokens']: maxTokens,
    ...(persona.temperature !== null && { temperature: persona.temperature }),
    ...(persona.format === 'schema' && {
      response_format: { type: 'json_schema', json_schema: { name: 'reply', strict: false, schema } },
    }),
    ...(persona.format === 'json' && { response_format: { type: 'json_object' } }),
  }),
  take: (answer, event) => {
    if (event['error'] !== undefined && event['error'] !== null) answer.error = JSON.stringify(event);
    answer.model ??= textIn(event['model']);
    const usage = objectIn(event['usage']);
    answer.input = usage['prompt_tokens'] ?? answer.input;
    answer.output = usage['completion_tokens'] ?? answer.output;
    const choice = objectIn(listIn(event['choices'])[0]);
    const said = objectIn(choice['delta'] ?? choice['message']);
    answer.text += textIn(said['content']) ?? '';
    answer.thought += (textIn(said['reasoning_content']) ?? textIn(said['reasoning']) ?? '').length;
    answer.refusal += textIn(said['refusal']) ?? '';
    const finish = textIn(choice['finish_reason']);
    if (finish === null) return;
    const refused = finish === 'content_filter' || answer.refusal !== '';
    answer.end = refused ? 'refused' : finish === 'length' ? 'cut' : 'done';
  },
};

/** The one tool, whose input is the reply: the provider's own way to have an answer follow a schema. */
const REPLY_TOOL = 'reply';

const anthropic: Wire = {
  headers: (key) => ({ 'anthropic-version': '2023-06-01', ...(key !== null && { 'x-api-key': key }) }),
  body: ({ persona, system, turns, maxTokens, schema }) => ({
    model: persona.model,
    system,
    messages: turns.map((turn) => ({ ...turn })),
    stream: true,
    max_tokens: maxTokens,
    ...(persona.temperature !== null && { temperature: persona.temperature }),
    ...(persona.format === 'schema' && {
      tools: [{ name: REPLY_TOOL, description: 'Gives your answer.', input_schema: schema }],
      tool_choice: { type: 'tool', name: REPLY_TOOL },
    }),
  }),
  take: (answer, event) => {
    switch (event['type']) {
      case 'error':
        answer.error = JSON.stringify(event);
        return;
      case 'message':
      case 'message_start': {
        const message = event['type'] === 'message' ? event : objectIn(event['message']);
        answer.model = textIn(message['model']);
        countAnthropic(answer, objectIn(message['usage']));
        for (const block of listIn(message['content']).map((item) => objectIn(item))) takeBlock(answer, block);
        endAnthropic(answer, message);
        if (event['type'] === 'message') answer.end ??= 'done';
        return;
      }
      case 'content_block_delta': {
        const delta = objectIn(event['delta']);
        answer.text += textIn(delta['text']) ?? textIn(delta['partial_json']) ?? '';
        answer.thought += (textIn(delta['thinking']) ?? '').length;
        return;
      }
      case 'message_delta':
        countAnthropic(answer, objectIn(event['usage']));
        endAnthropic(answer, objectIn(event['delta']));
        return;
      case 'message_stop':
        answer.end ??= 'done';
        return;
      default:
    }
  },
};

export const WIRES: Readonly<Record<ModelPersona['provider'], Wire>> = { openai, anthropic };

function takeBlock(answer: Answer, block: JsonObject): void {
  if (block['type'] === 'tool_use') answer.text += JSON.stringify(block['input'] ?? null);
  else answer.text += textIn(block['text']) ?? '';
}

function endAnthropic(answer: Answer, { stop_reason: reason }: JsonObject): void {
  if (typeof reason !== 'string') return;
  answer.end = reason === 'refusal' ? 'refused' : reason === 'max_tokens' ? 'cut' : 'done';
}

/** The three parts of what was read are one number here; a part that is none makes the sum none. */
function countAnthropic(answer: Answer, usage: JsonObject): void {
  if (usage['input_tokens'] !== undefined) {
    const parts = [usage['input_tokens'], usage['cache_creation_input_tokens'], usage['cache_read_input_tokens']];
    answer.input = parts.reduce<number>(
      (sum, part) => sum + (part === undefined || part === null ? 0 : Number(part)),
      0,
    );
  }
  answer.output = usage['output_tokens'] ?? answer.output;
}

function objectIn(value: JsonValue | undefined): JsonObject {
  return value !== undefined && isJsonObject(value) ? value : {};
}

function listIn(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function textIn(value: JsonValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
