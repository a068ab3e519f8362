/**
 * What coding-agent CLIs say when they cannot work, and what it means. A row per wording, the first that matches counts;
 * each was seen in the CLIs' own texts or in reports of their users, and has a test.
 */
import { type Here, resumesIn } from './reset-time.js';
import type { AgentName } from './presets.js';

/** `login`: nobody is logged in. `dialog`: it wants somebody to answer a question at a terminal first. */
export type Trouble = 'dialog' | 'login' | 'quota' | 'rate_limit' | 'session';

interface Wording {
  readonly trouble: Trouble;
  readonly pattern: RegExp;
  /** Whose it is; left out: any of them may say so. */
  readonly agent?: AgentName;
}

export const WORDINGS: readonly Wording[] = [
  // A session that is not there any more; before all else, since the text may hold anything.
  { trouble: 'session', agent: 'claude', pattern: /No conversation found with session ID/i },
  {
    trouble: 'session',
    agent: 'codex',
    pattern: /no (?:conversation|rollout|session|thread) (?:found )?(?:with|for) (?:thread )?id/i,
  },
  {
    trouble: 'session',
    agent: 'gemini',
    pattern: /Invalid session identifier|No previous sessions found|Error resuming session/i,
  },
  {
    trouble: 'session',
    agent: 'goose',
    pattern: /(?:No session found|Cannot resume session|session .* (?:does not exist|not found))/i,
  },

  // Dialogs of a first run.
  {
    trouble: 'dialog',
    agent: 'claude',
    pattern: /Do you trust the files in this folder|Is this a project you created or one you trust/i,
  },
  {
    trouble: 'dialog',
    agent: 'claude',
    pattern: /accept the (?:updated )?(?:Consumer )?Terms|review the updated terms|terms of service/i,
  },
  {
    trouble: 'dialog',
    agent: 'claude',
    pattern: /dangerously-skip-permissions cannot be used with root|Bypass Permissions mode.*accept/is,
  },
  { trouble: 'dialog', agent: 'codex', pattern: /Not inside a trusted directory/i },
  { trouble: 'dialog', agent: 'gemini', pattern: /not running in a trusted directory|Do you trust this folder/i },
  { trouble: 'dialog', agent: 'gemini', pattern: /Opening authentication page in your browser/i },
  { trouble: 'dialog', agent: 'aider', pattern: /Open (?:documentation|URL) url for more info\?|Login to OpenRouter/i },

  // Nobody is logged in, or the key is missing or refused.
  { trouble: 'login', agent: 'claude', pattern: /(?:Not logged in|Invalid API key|Missing API key)\b/i },
  {
    trouble: 'login',
    agent: 'claude',
    pattern: /Please run \/login|OAuth (?:token|session) (?:has )?expired|OAuth token revoked/i,
  },
  { trouble: 'login', agent: 'claude', pattern: /authentication_error|Invalid (?:bearer|OAuth) token/i },
  { trouble: 'login', agent: 'codex', pattern: /Not logged in|Please (?:run|log in).*codex login|codex login/i },
  {
    trouble: 'login',
    agent: 'codex',
    pattern: /Missing environment variable: `?\w*KEY|refresh token (?:was|has)|token_expired/i,
  },
  { trouble: 'login', agent: 'codex', pattern: /unexpected status 401/i },
  {
    trouble: 'login',
    agent: 'gemini',
    pattern: /Please set an Auth method|specify (?:one of )?(?:the following )?.*GEMINI_API_KEY/is,
  },
  { trouble: 'login', agent: 'gemini', pattern: /Manual authorization is required|API key not valid|invalid_grant/i },
  { trouble: 'login', agent: 'gemini', pattern: /GEMINI_API_KEY environment variable (?:not found|is not set)/i },
  { trouble: 'login', agent: 'goose', pattern: /No provider configured|goose configure/i },
  { trouble: 'login', agent: 'goose', pattern: /Authentication failed|Failed to (?:access|read).*keyring/i },
  { trouble: 'login', agent: 'aider', pattern: /No LLM model was specified and no API keys were provided/i },
  { trouble: 'login', agent: 'aider', pattern: /AuthenticationError|Missing (?:these )?environment variables?/i },
  {
    trouble: 'login',
    pattern:
      /\b401\b.{0,40}(?:unauthorized|invalid.{0,20}(?:key|token))|incorrect API key provided|invalid x-api-key/is,
  },

  // The account's usage window or credit is used up.
  { trouble: 'quota', agent: 'claude', pattern: /Claude (?:AI )?usage limit reached/i },
  { trouble: 'quota', agent: 'claude', pattern: /(?:5-hour|weekly|session|Opus|Sonnet|usage) limit reached/i },
  { trouble: 'quota', agent: 'claude', pattern: /You['’]ve (?:hit|reached) your (?:\w+ )?(?:limit|usage limit)/i },
  { trouble: 'quota', agent: 'claude', pattern: /out of (?:extra )?usage|credit balance is too low/i },
  {
    trouble: 'quota',
    agent: 'codex',
    pattern: /You['’]ve hit your usage limit|usage_limit_reached|usage limit has been reached/i,
  },
  {
    trouble: 'quota',
    agent: 'codex',
    pattern: /Quota exceeded\. Check your plan|To use Codex with your ChatGPT plan, upgrade/i,
  },
  { trouble: 'quota', agent: 'gemini', pattern: /exhausted your (?:daily quota|capacity) on this model/i },
  {
    trouble: 'quota',
    agent: 'gemini',
    pattern: /reached your daily .{0,40}quota|TerminalQuotaError|Quota exceeded for quota metric/i,
  },
  { trouble: 'quota', agent: 'gemini', pattern: /Quota exceeded/i },
  { trouble: 'quota', agent: 'goose', pattern: /Credits? exhausted|out of credits|insufficient credits/i },
  {
    trouble: 'quota',
    pattern: /insufficient_quota|exceeded your current quota|billing_hard_limit_reached|insufficient balance/i,
  },

  // Too much at once: it gets better by itself, soon.
  {
    trouble: 'rate_limit',
    agent: 'claude',
    pattern: /rate_limit_error|exceed your (?:account|organization)['’]s rate limit/i,
  },
  {
    trouble: 'rate_limit',
    agent: 'claude',
    pattern: /overloaded_error|API Error: (?:429|529)|Server is temporarily limiting requests/i,
  },
  {
    trouble: 'rate_limit',
    agent: 'codex',
    pattern: /exceeded retry limit, last status: 429|unexpected status 429|experiencing high demand/i,
  },
  {
    trouble: 'rate_limit',
    agent: 'gemini',
    pattern: /RESOURCE_EXHAUSTED|Resource (?:has been )?exhausted|rateLimitExceeded/i,
  },
  { trouble: 'rate_limit', agent: 'gemini', pattern: /No capacity available for model|MODEL_CAPACITY_EXHAUSTED/i },
  { trouble: 'rate_limit', agent: 'aider', pattern: /litellm\.RateLimitError|API provider has rate limited you/i },
  { trouble: 'rate_limit', agent: 'goose', pattern: /Rate limit exceeded/i },
  {
    trouble: 'rate_limit',
    pattern: /\b429\b.{0,80}(?:too many requests|rate.?limit)|too many requests|rate limit (?:reached|exceeded)/is,
  },
];

export interface Recognised {
  readonly trouble: Trouble;
  /** The line that says so. */
  readonly line: string;
  /** With `quota` and `rate_limit`: ms from now; null when it does not say. */
  readonly resumeInMs: number | null;
}

/** A window that opens again this soon is no used-up account but a crowd. */
const CROWD_MS = 5 * 60_000;

/** What a CLI's words mean; null when they are none of those that are known. */
export function recognise(text: string, agent: AgentName, here: Here): Recognised | null {
  const row = WORDINGS.find((candidate) => (candidate.agent ?? agent) === agent && candidate.pattern.test(text));
  if (row === undefined) return null;
  const at = row.pattern.exec(text)?.index ?? 0;
  const line = text.slice(text.lastIndexOf('\n', at) + 1).split('\n', 1)[0] ?? '';
  // The time may stand a line further on.
  const near = text.slice(Math.max(0, at - 200), at + 1_500);
  const waits = row.trouble === 'quota' || row.trouble === 'rate_limit';
  const resumeInMs = waits ? resumesIn(near, here) : null;
  const crowd = row.trouble === 'quota' && row.agent === 'gemini' && resumeInMs !== null && resumeInMs < CROWD_MS;
  return { trouble: crowd ? 'rate_limit' : row.trouble, line, resumeInMs };
}
