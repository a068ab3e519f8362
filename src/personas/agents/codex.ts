/** Codex: `codex exec --json`, one JSON event a line. */
import { countOf, eventOf, objectOf, textOf } from './events.js';
import { type AgentPreset, type AgentReader, type AgentSaid, CERTIFICATES, NETWORK, words } from './preset.js';

const SANDBOX = {
  'read-only': ['--sandbox', 'read-only'],
  edit: ['--sandbox', 'workspace-write'],
  full: ['--dangerously-bypass-approvals-and-sandbox'],
} as const;

export const codex: AgentPreset = {
  program: 'codex',
  // Options stand before `resume`, which does not know all of them. `-`: the prompt is read from standard input.
  argv: (call) => [
    ...words('exec --json --color never --skip-git-repo-check'),
    ...SANDBOX[call.permission],
    ...(call.model === null ? [] : ['--model', call.model]),
    ...(call.session === null ? [] : ['resume', call.session]),
    '-',
  ],
  prompt: 'stdin',
  environment: ['OPENAI_API_KEY', 'CODEX_API_KEY', 'OPENAI_BASE_URL', 'CODEX_HOME', ...NETWORK, ...CERTIFICATES],
  set: () => ({}),
  reader: () => new CodexReader(),
  resumes: true,
  permissions: ['read-only', 'edit', 'full'],
  ignores: ['max_turns', 'tools'],
  login: 'codex login (or set OPENAI_API_KEY or CODEX_API_KEY for the worker)',
  install: 'npm install -g @openai/codex',
  exits: {},
  litter: null,
};

class CodexReader implements AgentReader {
  #text = '';
  #session: string | null = null;
  #failure: string | null = null;
  #input = 0;
  #output = 0;
  #turns = 0;
  #denied = 0;

  line(text: string): string | null {
    const event = eventOf(text);
    if (event === null) return null;
    switch (event['type']) {
      case 'thread.started':
        this.#session = textOf(event['thread_id']);
        return null;
      case 'turn.completed': {
        const used = objectOf(event['usage']);
        this.#input += countOf(used['input_tokens']) ?? 0;
        this.#output += countOf(used['output_tokens']) ?? 0;
        this.#turns += 1;
        // What went wrong before was tried again by the CLI itself.
        this.#failure = null;
        return null;
      }
      case 'turn.failed':
        this.#failure = textOf(objectOf(event['error'])['message']) ?? 'the turn failed';
        return null;
      case 'error':
        this.#failure = textOf(event['message']) ?? 'it reported an error';
        return this.#failure;
      case 'item.started':
      case 'item.completed':
        return this.#item(event);
      default:
        return null;
    }
  }

  said(): AgentSaid {
    const usage = {
      ...(this.#turns > 0 && { inputTokens: this.#input, outputTokens: this.#output, turns: this.#turns }),
      ...(this.#denied > 0 && { denied: this.#denied }),
    };
    return { text: this.#text, session: this.#session, usage, failure: this.#failure, resumesAt: null };
  }

  #item(event: ReturnType<typeof objectOf>): string | null {
    const item = objectOf(event['item']);
    const completed = event['type'] === 'item.completed';
    switch (item['type']) {
      case 'agent_message':
        if (completed) this.#text = textOf(item['text']) ?? this.#text;
        return completed ? this.#text : null;
      case 'command_execution':
        if (completed && item['status'] === 'declined') this.#denied += 1;
        return completed ? null : textOf(item['command']);
      case 'file_change':
        return 'changes files';
      default:
        return null;
    }
  }
}
