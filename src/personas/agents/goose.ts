/** Goose: `goose run`, answered as plain text. */
import { PlainReader } from './plain.js';
import { type AgentPreset, CERTIFICATES, NETWORK, words } from './preset.js';

export const goose: AgentPreset = {
  program: 'goose',
  argv: (call) => [
    'run',
    '--quiet',
    '--name',
    call.session ?? call.newSession,
    ...(call.session === null ? [] : ['--resume']),
    ...(call.model === null ? [] : ['--model', call.model]),
    ...(call.maxTurns === null ? [] : ['--max-turns', String(call.maxTurns)]),
    ...words('--instructions -'),
  ],
  prompt: 'stdin',
  environment: [
    ...words('GOOSE_PROVIDER GOOSE_MODEL OPENAI_API_KEY ANTHROPIC_API_KEY GOOGLE_API_KEY'),
    ...words('OPENROUTER_API_KEY DATABRICKS_HOST DATABRICKS_TOKEN OLLAMA_HOST GOOSE_DISABLE_KEYRING'),
    ...words('XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME DBUS_SESSION_BUS_ADDRESS'),
    ...NETWORK,
    ...CERTIFICATES,
  ],
  // Its other modes ask somebody.
  set: ({ permission }) => ({ GOOSE_MODE: permission === 'full' ? 'auto' : 'chat' }),
  reader: ({ session, newSession }) => new PlainReader(session ?? newSession, () => null),
  resumes: true,
  permissions: ['read-only', 'full'],
  ignores: ['tools'],
  login: 'goose configure',
  install: 'https://github.com/block/goose',
  exits: {},
  litter: null,
};
