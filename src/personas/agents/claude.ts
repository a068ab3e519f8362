/** Claude Code: `claude --print`, which tells what it does as lines of JSON. */
import type { Usage } from '../../core/exchange.js';
import type { JsonObject } from '../../core/json.js';
import { countOf, eventOf, listOf, moneyOf, objectOf, sumOf, textOf } from './events.js';
import {
  type AgentCall,
  type AgentPreset,
  type AgentReader,
  type AgentSaid,
  CERTIFICATES,
  NETWORK,
  words,
} from './preset.js';

const MODES = { 'read-only': 'default', edit: 'acceptEdits', full: 'bypassPermissions' } as const;
const EDITING = ['Edit', 'MultiEdit', 'NotebookEdit', 'Write'];
/** What else changes something, or reaches outside. A list of tools that leaves one out means to do without it. */
const ACTING = [...EDITING, 'Bash', 'Task', 'WebFetch', 'WebSearch'];

export const claude: AgentPreset = {
  program: 'claude',
  argv: (call) => [
    ...words('--print --output-format stream-json --verbose'),
    '--permission-mode',
    MODES[call.permission],
    ...option('--model', call.model === 'inherit' ? null : call.model),
    ...option('--allowedTools', call.tools.join(',')),
    ...option('--disallowedTools', withheld(call).join(',')),
    ...option('--max-turns', call.maxTurns),
    ...option('--max-budget-usd', call.maxCostUsd),
    ...option('--resume', call.session),
  ],
  prompt: 'stdin',
  environment: [
    ...words('ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN ANTHROPIC_BASE_URL ANTHROPIC_MODEL'),
    ...words('CLAUDE_CODE_OAUTH_TOKEN CLAUDE_CONFIG_DIR CLAUDE_CODE_USE_BEDROCK CLAUDE_CODE_USE_VERTEX'),
    ...NETWORK,
    ...CERTIFICATES,
  ],
  set: () => ({ DISABLE_AUTOUPDATER: '1' }),
  reader: () => new ClaudeReader(),
  resumes: true,
  permissions: ['read-only', 'edit', 'full'],
  ignores: [],
  login: 'claude auth login (or set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN for the worker)',
  install: 'npm install -g @anthropic-ai/claude-code',
  exits: {},
  litter: null,
};

function option(name: string, value: string | number | null): readonly string[] {
  return value === null || value === '' ? [] : [name, String(value)];
}

function withheld({ permission, tools }: AgentCall): readonly string[] {
  const named = new Set(tools.map((tool) => tool.replace(/\(.*$/s, '')));
  const left = tools.length === 0 ? [] : ACTING.filter((tool) => !named.has(tool));
  return [...new Set([...(permission === 'read-only' ? EDITING : []), ...left])];
}

class ClaudeReader implements AgentReader {
  #text = '';
  #session: string | null = null;
  #failure: string | null = null;
  #resumesAt: number | null = null;
  #model: string | undefined;
  #result: Usage | null = null;
  /** Per answer of the model: its events repeat what it has used. */
  readonly #answers = new Map<string, { readonly input: number; readonly output: number }>();
  #denied = 0;

  line(text: string): string | null {
    const event = eventOf(text);
    if (event === null) return null;
    this.#session = textOf(event['session_id']) ?? this.#session;
    switch (event['type']) {
      case 'system':
        if (event['subtype'] === 'init') this.#model = textOf(event['model']) ?? this.#model;
        if (event['subtype'] === 'permission_denied') this.#denied += 1;
        return null;
      case 'assistant':
        return this.#assistant(objectOf(event['message']));
      case 'rate_limit_event':
        this.#limit(objectOf(event['rate_limit_info']));
        return null;
      case 'result':
        this.#end(event);
        return null;
      default:
        return null;
    }
  }

  said(): AgentSaid {
    const answers = [...this.#answers.values()];
    const counted: Usage = {
      inputTokens: answers.reduce((sum, { input }) => sum + input, 0),
      outputTokens: answers.reduce((sum, { output }) => sum + output, 0),
      turns: answers.length,
    };
    const denied = this.#result?.denied ?? this.#denied;
    const usage = {
      ...(this.#model !== undefined && { model: this.#model }),
      ...(this.#result ?? (answers.length > 0 ? counted : {})),
      ...(denied > 0 && { denied }),
    };
    const { text, session, failure, resumesAt } = {
      text: this.#text,
      session: this.#session,
      failure: this.#failure,
      resumesAt: this.#resumesAt,
    };
    return { text, session, failure, resumesAt, usage };
  }

  #assistant(message: JsonObject): string | null {
    const used = objectOf(message['usage']);
    const input = sumOf(used['input_tokens'], used['cache_creation_input_tokens'], used['cache_read_input_tokens']);
    const id = textOf(message['id']);
    if (id !== null) this.#answers.set(id, { input: input ?? 0, output: countOf(used['output_tokens']) ?? 0 });
    const parts = listOf(message['content']);
    const texts = parts.map((part) => (part['type'] === 'text' ? textOf(part['text']) : null));
    const text = texts.filter((part) => part !== null).join('\n');
    if (text !== '') this.#text = text;
    const tool = parts.findLast((part) => part['type'] === 'tool_use');
    if (tool !== undefined) return `${textOf(tool['name']) ?? 'a tool'} ${subjectOf(objectOf(tool['input']))}`.trim();
    return text === '' ? null : text;
  }

  #limit(info: JsonObject): void {
    const at = countOf(info['resetsAt']);
    if (info['status'] === 'rejected' && at !== undefined) this.#resumesAt = at * 1000;
  }

  #end(event: JsonObject): void {
    const used = objectOf(event['usage']);
    const inputTokens = sumOf(
      used['input_tokens'],
      used['cache_creation_input_tokens'],
      used['cache_read_input_tokens'],
    );
    const outputTokens = countOf(used['output_tokens']);
    const costUsd = moneyOf(event['total_cost_usd']);
    const turns = countOf(event['num_turns']);
    const denials = event['permission_denials'];
    this.#result = {
      ...(inputTokens !== undefined && { inputTokens }),
      ...(outputTokens !== undefined && { outputTokens }),
      ...(costUsd !== undefined && { costUsd }),
      ...(turns !== undefined && { turns }),
      ...(Array.isArray(denials) && { denied: Math.max(denials.length, this.#denied) }),
    };
    const result = textOf(event['result']);
    if (event['is_error'] === true || event['subtype'] !== 'success') this.#failure = failureOf(event, result);
    else if (result !== null) this.#text = result;
  }
}

const ENDS: Readonly<Record<string, string>> = {
  error_max_turns: 'it has had as many turns as it may have (max_turns)',
  error_max_budget_usd: 'it has used up the money it may use',
};

function failureOf(event: JsonObject, result: string | null): string {
  const { errors } = event;
  const said = Array.isArray(errors) ? errors.filter((error) => typeof error === 'string').join('; ') : '';
  const subtype = textOf(event['subtype']) ?? 'error';
  return ENDS[subtype] ?? result ?? (said === '' ? subtype : said);
}

/** What a tool is used on, in a few words. */
function subjectOf(input: JsonObject): string {
  for (const key of ['command', 'file_path', 'path', 'pattern', 'url', 'description'])
    if (typeof input[key] === 'string') return input[key];
  return '';
}
