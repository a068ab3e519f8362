/** Gemini CLI with `--output-format stream-json`. */
import { countOf, eventOf, objectOf, textOf } from './events.js';
import { type AgentPreset, type AgentReader, type AgentSaid, CERTIFICATES, NETWORK, words } from './preset.js';

/** Without a terminal, what would be asked for is denied. */
const MODES = { 'read-only': 'default', edit: 'auto_edit', full: 'yolo' } as const;

export const gemini: AgentPreset = {
  program: 'gemini',
  argv: (call) => [
    '--output-format',
    'stream-json',
    '--approval-mode',
    MODES[call.permission],
    ...(call.model === null ? [] : ['--model', call.model]),
    ...(call.tools.length === 0 ? [] : ['--allowed-tools', call.tools.join(',')]),
    ...(call.session === null ? [] : ['--resume', call.session]),
  ],
  prompt: 'stdin',
  environment: [
    ...words('GEMINI_API_KEY GOOGLE_API_KEY GOOGLE_CLOUD_PROJECT GOOGLE_CLOUD_LOCATION GEMINI_MODEL'),
    ...words('GOOGLE_GENAI_USE_VERTEXAI GOOGLE_GENAI_USE_GCA GOOGLE_APPLICATION_CREDENTIALS'),
    ...NETWORK,
    ...CERTIFICATES,
  ],
  // A worktree is a new folder each time, made by coord from a repository that somebody has started a run on.
  set: () => ({ GEMINI_CLI_TRUST_WORKSPACE: 'true' }),
  reader: () => new GeminiReader(),
  resumes: true,
  permissions: ['read-only', 'edit', 'full'],
  ignores: ['max_turns'],
  login: 'gemini once at a terminal (or set GEMINI_API_KEY for the worker)',
  install: 'npm install -g @google/gemini-cli',
  exits: {
    41: 'nobody is logged in',
    42: 'it did not take its input',
    44: 'its sandbox failed',
    52: 'its settings are not valid',
    53: 'it has had as many turns as it may have',
    55: 'it does not trust the folder',
  },
  litter: null,
};

/** How it says that a tool may not be used: by policy, or by not knowing it when nobody can be asked. */
const DENIED = /denied|not allowed|policy|requires? (?:user )?(?:approval|confirmation)|not found in registry/i;

class GeminiReader implements AgentReader {
  #text = '';
  #ended = true;
  #session: string | null = null;
  #model: string | undefined;
  #failure: string | null = null;
  #input: number | undefined;
  #output: number | undefined;
  #turns = 0;
  #denied = 0;

  line(text: string): string | null {
    const event = eventOf(text);
    if (event === null) return null;
    switch (event['type']) {
      case 'init':
        this.#session = textOf(event['session_id']);
        this.#model = textOf(event['model']) ?? undefined;
        return null;
      case 'message':
        if (event['role'] === 'assistant') this.#message(textOf(event['content']) ?? '');
        return null;
      case 'tool_use':
        this.#ended = true;
        return [textOf(event['tool_name']) ?? 'a tool', subjectOf(objectOf(event['parameters']))].join(' ').trim();
      case 'tool_result': {
        const error = objectOf(event['error']);
        const said = `${textOf(error['type']) ?? ''} ${textOf(error['message']) ?? textOf(event['output']) ?? ''}`;
        if (event['status'] === 'error' && DENIED.test(said)) this.#denied += 1;
        return null;
      }
      case 'error':
        if (event['severity'] === 'error') this.#failure = textOf(event['message']);
        return textOf(event['message']);
      case 'result':
        this.#end(event);
        return null;
      default:
        return null;
    }
  }

  said(): AgentSaid {
    const usage = {
      ...(this.#model !== undefined && { model: this.#model }),
      ...(this.#input !== undefined && { inputTokens: this.#input }),
      ...(this.#output !== undefined && { outputTokens: this.#output }),
      ...(this.#turns > 0 && { turns: this.#turns }),
      ...(this.#denied > 0 && { denied: this.#denied }),
    };
    return { text: this.#text, session: this.#session, usage, failure: this.#failure, resumesAt: null };
  }

  /** Pieces of one message come one after the other; a tool's use ends it. */
  #message(piece: string): void {
    if (this.#ended) this.#turns += 1;
    this.#text = this.#ended ? piece : this.#text + piece;
    this.#ended = false;
  }

  #end(event: ReturnType<typeof objectOf>): void {
    const stats = objectOf(event['stats']);
    this.#input = countOf(stats['input_tokens']);
    this.#output = countOf(stats['output_tokens']);
    if (event['status'] === 'success') this.#failure = null;
    else this.#failure = textOf(objectOf(event['error'])['message']) ?? this.#failure ?? 'it reported an error';
  }
}

function subjectOf(parameters: ReturnType<typeof objectOf>): string {
  for (const key of ['command', 'file_path', 'absolute_path', 'path', 'pattern'])
    if (typeof parameters[key] === 'string') return parameters[key];
  return '';
}
