/** The keys of a persona file of kind `model`. */
import { endpointBelow, readEndpoint } from './endpoint.js';
import { refusalOf } from './environment.js';
import type { FrontMatter } from './front-matter.js';
import type { FilePlace, ModelPersona } from './persona.js';

export const MODEL_KEYS = [
  'provider',
  'endpoint',
  'api_key_env',
  'max_tokens',
  'temperature',
  'format',
  'price_input',
  'price_output',
];

const PROVIDERS = ['openai', 'anthropic'] as const;

/** Where a provider itself answers, and the variable that usually holds its key. */
const HOMES: Readonly<Record<ModelPersona['provider'], { endpoint: string; tail: string; key: string }>> = {
  openai: { endpoint: 'https://api.openai.com/v1', tail: '/chat/completions', key: 'OPENAI_API_KEY' },
  anthropic: { endpoint: 'https://api.anthropic.com/v1', tail: '/messages', key: 'ANTHROPIC_API_KEY' },
};

const MOST_TOKENS = 10_000_000;
const MOST_DOLLARS = 100_000;

export function readModel(front: FrontMatter, { base }: FilePlace): ModelPersona {
  if (base.model === null && !front.has('model'))
    front.report('model', 'missing_key', 'kind "model" needs the key "model": the name by which the provider knows it');
  if (!front.has('provider'))
    front.report(
      'provider',
      'missing_key',
      'kind "model" needs the key "provider": "openai" (or whatever answers like it) or "anthropic"',
    );
  const provider = (front.has('provider') ? front.choice('provider', PROVIDERS) : null) ?? 'openai';
  const home = HOMES[provider];
  const [input, output] = [readPrice(front, 'price_input'), readPrice(front, 'price_output')];
  if ((input === null) !== (output === null)) {
    const [there, missing] = input === null ? ['price_output', 'price_input'] : ['price_input', 'price_output'];
    front.report(there, 'bad_value', `${there} needs ${missing} beside it, or there is no price of an answer`);
  }
  return {
    ...base,
    kind: 'model',
    model: base.model ?? '',
    provider,
    endpoint: endpointBelow(readAddress(front, 'endpoint') ?? new URL(home.endpoint), home.tail).href,
    // A key of the provider's goes to the provider only, unless the file says otherwise.
    keyVariable: readVariable(front, 'api_key_env') ?? (front.has('endpoint') ? null : home.key),
    maxTokens: front.integer('max_tokens', { least: 1, most: MOST_TOKENS }) ?? 8_192,
    temperature: front.number('temperature', { least: 0, most: 2 }),
    format: front.choice('format', ['schema', 'json', 'text']) ?? 'schema',
    price: input === null || output === null ? null : { input, output },
  };
}

function readPrice(front: FrontMatter, key: string): number | null {
  return front.number(key, { least: 0, most: MOST_DOLLARS });
}

/** Reports what is wrong with it. */
export function readAddress(front: FrontMatter, key: string): URL | null {
  const text = front.text(key);
  if (text === null) return null;
  const read = readEndpoint(text);
  if ('url' in read) return read.url;
  front.report(key, 'bad_value', `${key} ${read.problem}`);
  return null;
}

/** The name of a variable of the worker's environment. */
export function readVariable(front: FrontMatter, key: string): string | null {
  const name = front.text(key);
  if (name === null) return null;
  if (/^[A-Z][A-Z0-9_]*$/.test(name) && refusalOf(name) === null) return name;
  // Whoever puts the secret itself there must not find it in a message, now or later.
  const message = `${key} takes the name of an environment variable, in capitals, never what it holds`;
  front.report(key, 'refused_variable', message);
  return null;
}
