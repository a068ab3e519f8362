/** Model personas and the streams of their providers, for tests. */
import { systemClock } from '../../src/core/clock.js';
import { resultCheck } from '../../src/app/result-check.js';
import { ModelRunner } from '../../src/personas/model.js';
import type { ModelPersona } from '../../src/personas/persona.js';
import { parsePersonaFile } from '../../src/personas/persona-file.js';
import { type Handler, streams } from '../harness/http-service.js';

export const KEY = 'sk-canary-0123456789';

export function aModel(url: string, keys = '', provider: ModelPersona['provider'] = 'openai'): ModelPersona {
  const lines = [
    '---',
    'kind: model',
    `provider: ${provider}`,
    `endpoint: ${url}/v1`,
    'model: m-1',
    'api_key_env: TEST_KEY',
  ];
  const parsed = parsePersonaFile(
    [...lines, ...(keys === '' ? [] : [keys]), '---', 'You plan.'].join('\n'),
    '/team/planner.md',
  );
  if (parsed.persona?.kind !== 'model') throw new Error(JSON.stringify(parsed.problems));
  return parsed.persona;
}

export function runnerOf(persona: ModelPersona): ModelRunner {
  return new ModelRunner(persona, { clock: systemClock, env: { TEST_KEY: `${KEY}\n` }, checkResult: resultCheck });
}

/** A whole answer of a provider like OpenAI, in small pieces. */
export function openaiSays(text: string, usage: unknown = { prompt_tokens: 10, completion_tokens: 5 }): Handler {
  const pieces = text.match(/.{1,7}/gsu) ?? [];
  return streams([
    { model: 'm-1-0101', choices: [{ delta: { role: 'assistant' } }] },
    ...pieces.map((content) => ({ choices: [{ delta: { content } }] })),
    { choices: [{ delta: {}, finish_reason: 'stop' }] },
    { choices: [], usage },
    '[DONE]',
  ]);
}

export function anthropicSays(text: string, reason = 'tool_use'): Handler {
  const pieces = text.match(/.{1,7}/gsu) ?? [];
  return streams([
    {
      type: 'message_start',
      message: { model: 'c-1', content: [], usage: { input_tokens: 7, cache_read_input_tokens: 3, output_tokens: 1 } },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', name: 'reply', input: {} } },
    ...pieces.map((partial_json) => ({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'input_json_delta', partial_json },
    })),
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: reason }, usage: { output_tokens: 9 } },
    { type: 'message_stop' },
  ]);
}
