import { describe, expect, it } from 'vitest';
import type { PersonaDefinition } from '../../src/personas/persona.js';
import { parsePersonaFile } from '../../src/personas/persona-file.js';

function parsed(...keys: readonly string[]): { persona: PersonaDefinition | null; messages: readonly string[] } {
  const { persona, problems } = parsePersonaFile(['---', 'kind: model', ...keys, '---', ''].join('\n'), '/team/a.md');
  return { persona, messages: problems.map(({ message }) => message) };
}

describe('the file of a model persona', () => {
  it.each([
    ['openai', 'https://api.openai.com/v1/chat/completions', 'OPENAI_API_KEY'],
    ['anthropic', 'https://api.anthropic.com/v1/messages', 'ANTHROPIC_API_KEY'],
  ])('names a provider, %s, and has everything else by itself', (provider, endpoint, keyVariable) => {
    expect(parsed(`provider: ${provider}`, 'model: m').persona).toMatchObject({
      provider,
      endpoint,
      keyVariable,
      model: 'm',
      maxTokens: 8192,
      temperature: null,
      format: 'schema',
      price: null,
    });
  });

  it('sends the key of a provider nowhere else unless it says so', () => {
    const local = ['provider: openai', 'model: m', 'endpoint: http://localhost:11434/v1/'];
    expect(parsed(...local).persona).toMatchObject({
      endpoint: 'http://localhost:11434/v1/chat/completions',
      keyVariable: null,
    });
    expect(parsed(...local, 'api_key_env: MY_KEY').persona).toMatchObject({ keyVariable: 'MY_KEY' });
  });

  it('may give the whole address, with a query', () => {
    const endpoint = 'https://x.example/deployments/m/chat/completions?api-version=1';
    expect(parsed('provider: openai', 'model: m', `endpoint: ${endpoint}`).persona).toMatchObject({ endpoint });
  });

  it.each([
    [['provider: openai'], 'kind "model" needs the key "model"'],
    [['model: m'], 'kind "model" needs the key "provider"'],
    [['provider: gemini', 'model: m'], 'provider must be one of "openai", "anthropic"'],
    [['provider: openai', 'model: m', 'endpoint: "https://me:pw@x"'], 'must not hold a user or a password'],
    [['provider: openai', 'model: m', 'endpoint: "ftp://x"'], 'must begin with https:// or http://'],
    [['provider: openai', 'model: m', 'api_key_env: sk-canary-1'], 'the name of an environment variable'],
    [['provider: openai', 'model: m', 'api_key_env: sk_canary_1'], 'the name of an environment variable'],
    [['provider: openai', 'model: m', 'max_tokens: 0'], 'max_tokens must be a whole number'],
    [['provider: openai', 'model: m', 'temperature: 3'], 'temperature must be a number from 0 to 2'],
    [['provider: openai', 'model: m', 'price_input: 3'], 'price_input needs price_output beside it'],
    [['provider: openai', 'model: m', 'max_token: 9'], 'key "max_token" is unknown. Did you mean "max_tokens"?'],
    [['provider: openai', 'model: m', 'secret_env: X'], 'key "secret_env" has no meaning for kind "model"'],
  ])('is refused with %j', (keys, text) => {
    const { messages } = parsed(...keys);
    expect(messages).toEqual([expect.stringContaining(text)]);
    expect(messages.join('\n')).not.toMatch(/canary|me:pw/);
  });
});
