/** Aider: one message from a file, answered as plain text. */
import { join } from 'node:path';
import type { Usage } from '../../core/exchange.js';
import { PlainReader } from './plain.js';
import { type AgentPreset, CERTIFICATES, NETWORK, words } from './preset.js';

const MODES = {
  'read-only': ['--chat-mode', 'ask', '--dry-run', '--no-suggest-shell-commands'],
  edit: ['--no-suggest-shell-commands'],
  full: [],
} as const;

export const aider: AgentPreset = {
  program: 'aider',
  // coord commits by itself; histories would else be committed with the work.
  argv: (call) => [
    '--message-file',
    call.promptFile,
    '--yes-always',
    '--no-auto-commits',
    '--no-dirty-commits',
    ...words('--no-pretty --no-stream --no-fancy-input --no-check-update --no-show-release-notes'),
    ...words('--no-gitignore --no-analytics'),
    '--chat-history-file',
    join(call.scratch, 'chat.md'),
    '--input-history-file',
    join(call.scratch, 'input'),
    ...MODES[call.permission],
    ...(call.model === null ? [] : ['--model', call.model]),
  ],
  prompt: 'file',
  environment: [
    ...words('OPENAI_API_KEY OPENAI_API_BASE ANTHROPIC_API_KEY GEMINI_API_KEY DEEPSEEK_API_KEY'),
    ...words('OPENROUTER_API_KEY OLLAMA_API_BASE AIDER_MODEL'),
    ...NETWORK,
    ...CERTIFICATES,
  ],
  set: () => ({}),
  reader: () => new PlainReader(null, usageIn),
  resumes: false,
  permissions: ['read-only', 'edit', 'full'],
  ignores: ['max_turns', 'tools'],
  login: 'export the key of the model’s provider for the worker, for example OPENAI_API_KEY',
  install: 'pipx install aider-chat',
  exits: {},
  litter: /^\.aider\.tags\.cache\.v\d+$/,
};

/** `Tokens: 2.1k sent, 1.0k cache hit, 150 received. Cost: $0.01 message, $0.03 session.` */
function usageIn(line: string): Usage | null {
  const found = /^Tokens: (\S+) sent,.*?(\S+) received\.(?: Cost: .*?\$([\d.]+) session\.)?/.exec(line.trim());
  if (found === null) return null;
  const [, sent, received, cost] = found;
  const inputTokens = countOf(sent);
  const outputTokens = countOf(received);
  return {
    ...(inputTokens !== null && { inputTokens }),
    ...(outputTokens !== null && { outputTokens }),
    ...(cost !== undefined && { costUsd: Number(cost) }),
  };
}

function countOf(text: string | undefined): number | null {
  const found = /^([\d.,]+)(k|M)?$/.exec(text ?? '');
  if (found === null) return null;
  const scale = found[2] === 'k' ? 1_000 : found[2] === 'M' ? 1_000_000 : 1;
  const count = Math.round(Number((found[1] ?? '').replaceAll(',', '')) * scale);
  return Number.isFinite(count) ? count : null;
}
