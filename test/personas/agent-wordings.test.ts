/** Each wording by an example of it, as it was seen, and what it must be taken for. */
import { describe, expect, it } from 'vitest';
import type { AgentName } from '../../src/personas/agents/presets.js';
import { resumesIn } from '../../src/personas/agents/reset-time.js';
import { recognise, type Trouble, WORDINGS } from '../../src/personas/agents/wordings.js';

/** 2026-03-10, 12:00 in UTC: a Tuesday, 13:00 in Warsaw, 08:00 in New York. */
const NOW = Date.UTC(2026, 2, 10, 12, 0);
const HERE = { now: NOW, zone: 'UTC' };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

type Row = readonly [AgentName, Trouble, number | null, string];

const SEEN: readonly Row[] = [
  ['claude', 'session', null, 'No conversation found with session ID: 11111111-2222-4333-8444-555555555555'],
  ['codex', 'session', null, 'Error: no rollout found for thread id 0199a213-81c0-7800-8aa1-bbab2a035a53'],
  ['gemini', 'session', null, 'Error resuming session: Invalid session identifier "abc".'],
  ['goose', 'session', null, 'Error: Cannot resume session coord-1 - no such session exists'],

  ['claude', 'dialog', null, 'Do you trust the files in this folder?'],
  ['claude', 'dialog', null, 'You must accept the updated Consumer Terms to continue. Run claude.'],
  [
    'claude',
    'dialog',
    null,
    '--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons',
  ],
  ['codex', 'dialog', null, 'Not inside a trusted directory and --skip-git-repo-check was not specified.'],
  [
    'gemini',
    'dialog',
    null,
    'Gemini CLI is not running in a trusted directory. To proceed, either use `--skip-trust`, set …',
  ],
  ['gemini', 'dialog', null, 'Opening authentication page in your browser. Do you want to continue? [Y/n]'],
  ['aider', 'dialog', null, 'Login to OpenRouter or create a free account? (Y)es/(N)o [Yes]:'],

  ['claude', 'login', null, 'Invalid API key · Please run /login'],
  ['claude', 'login', null, 'Not logged in · Please run /login'],
  ['claude', 'login', null, 'Invalid API key · Fix external API key'],
  ['claude', 'login', null, 'OAuth token has expired. Please obtain a new token or refresh your existing token.'],
  ['claude', 'login', null, 'Failed to authenticate: OAuth session expired and could not be refreshed'],
  [
    'claude',
    'login',
    null,
    'API Error: 401 {"type":"error","error":{"type":"authentication_error","message":"Invalid bearer token"}}',
  ],
  ['codex', 'login', null, 'Not logged in. Please run `codex login`.'],
  ['codex', 'login', null, 'Missing environment variable: `OPENAI_API_KEY`.'],
  ['codex', 'login', null, 'unexpected status 401 Unauthorized: Missing bearer or basic authentication in header'],
  [
    'gemini',
    'login',
    null,
    'Please set an Auth method in your /root/.gemini/settings.json or specify one of the following environment variables before running: GEMINI_API_KEY',
  ],
  ['gemini', 'login', null, 'Manual authorization is required but the current session is non-interactive.'],
  ['gemini', 'login', null, 'API key not valid. Please pass a valid API key.'],
  [
    'gemini',
    'login',
    null,
    'GEMINI_API_KEY environment variable not found. Add that to your environment and try again',
  ],
  ['goose', 'login', null, "No provider configured. Run 'goose configure' first"],
  ['goose', 'login', null, 'Authentication failed. Please ensure your API keys are valid'],
  ['aider', 'login', null, 'No LLM model was specified and no API keys were provided.'],
  ['aider', 'login', null, 'litellm.AuthenticationError: AnthropicException - invalid x-api-key'],
  [
    'aider',
    'login',
    null,
    'Warning: sonnet expects these environment variables\n- ANTHROPIC_API_KEY: Not set\nMissing environment variables',
  ],
  ['goose', 'login', null, 'Request failed: 401 Unauthorized'],

  ['claude', 'quota', 2 * HOUR, `Claude AI usage limit reached|${String(Math.floor((NOW + 2 * HOUR) / 1000))}`],
  ['claude', 'quota', 4 * HOUR, 'Claude usage limit reached. Your limit will reset at 5pm (Europe/Warsaw).'],
  ['claude', 'quota', 3 * HOUR, '5-hour limit reached ∙ resets 3pm'],
  ['claude', 'quota', 3 * HOUR, "You've hit your limit · resets 11am (America/New_York)"],
  ['claude', 'quota', 1.5 * HOUR, 'You’ve hit your session limit · resets 1:30pm'],
  ['claude', 'quota', 2 * DAY - 5 * HOUR, "You've hit your weekly limit · resets Mar 12, 8am (Europe/Warsaw)"],
  ['claude', 'quota', 21.5 * HOUR, "You've hit your limit for Claude messages. Limits will reset at 9:30 AM."],
  ['claude', 'quota', null, "You're out of extra usage"],
  ['claude', 'quota', null, 'Credit balance is too low'],
  [
    'codex',
    'quota',
    2 * DAY + 17 * HOUR + 14 * MINUTE,
    "You've hit your usage limit. Upgrade to Pro (https://openai.com/chatgpt/pricing) or try again in 2 days 17 hours 14 minutes.",
  ],
  ['codex', 'quota', 2 * DAY + 3 * HOUR, "You've hit your usage limit. Try again in 2 days 3 hours."],
  [
    'codex',
    'quota',
    3.75 * HOUR,
    "You've hit your usage limit. To get more access now, send a request to your admin or try again at 3:45 PM.",
  ],
  [
    'codex',
    'quota',
    8 * HOUR + 19 * MINUTE,
    "You've hit your usage limit. Upgrade to Plus to continue using Codex (https://chatgpt.com/explore/plus), or try again at Mar 10th, 2026 8:19 PM.",
  ],
  ['codex', 'quota', null, "You've hit your usage limit. Try again later."],
  [
    'codex',
    'quota',
    13_872_000,
    '{"type":"error","error":{"type":"usage_limit_reached","message":"The usage limit has been reached","resets_in_seconds":13872}}',
  ],
  ['codex', 'quota', null, 'Quota exceeded. Check your plan and billing details.'],
  ['gemini', 'quota', null, '[API Error: You have exhausted your daily quota on this model.]'],
  [
    'gemini',
    'quota',
    2 * HOUR + 24 * MINUTE + 55_000,
    'You have exhausted your capacity on this model. Your quota will reset after 2h24m55s.',
  ],
  ['gemini', 'rate_limit', 5_000, 'You have exhausted your capacity on this model. Your quota will reset after 5s.'],
  ['gemini', 'quota', null, '⚡ You have reached your daily gemini-2.5-pro quota limit.'],
  ['gemini', 'quota', null, 'Quota exceeded for aiplatform.googleapis.com/requests. "status": "RESOURCE_EXHAUSTED"'],
  [
    'gemini',
    'rate_limit',
    34_200,
    "Quota exceeded for quota metric 'Generate Content API requests per minute'. Please retry in 34.2s.",
  ],
  ['goose', 'quota', null, 'Credits exhausted: please top up your account'],
  [
    'aider',
    'quota',
    null,
    "Error code: 429 - {'error': {'message': 'You exceeded your current quota, please check your plan and billing details.', 'code': 'insufficient_quota'}}",
  ],
  ['goose', 'quota', null, 'You exceeded your current quota, please check your plan and billing details.'],

  [
    'claude',
    'rate_limit',
    null,
    'API Error: 429 {"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your account\'s rate limit. Please try again later."}}',
  ],
  [
    'claude',
    'rate_limit',
    null,
    'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
  ],
  ['codex', 'rate_limit', null, 'exceeded retry limit, last status: 429 Too Many Requests'],
  ['codex', 'rate_limit', null, "We're currently experiencing high demand, which may cause temporary errors."],
  [
    'gemini',
    'rate_limit',
    31_000,
    '{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"31s"}]}}',
  ],
  ['gemini', 'rate_limit', null, 'No capacity available for model gemini-3-pro on the server'],
  [
    'aider',
    'rate_limit',
    20_000,
    'litellm.RateLimitError: RateLimitError: OpenAIException - Rate limit reached for gpt-4o. Please try again in 20s.',
  ],
  ['aider', 'rate_limit', null, 'The API provider has rate limited you. Try again later or check your quotas.'],
  ['goose', 'rate_limit', 60_000, 'Rate limit exceeded: retry-after: 60'],
  ['goose', 'rate_limit', null, 'HTTP 429: Too Many Requests'],
];

describe('what CLIs say when they cannot work', () => {
  it.each(SEEN)('%s, %s, %s ms: %s', (agent, trouble, resumeInMs, text) => {
    expect(recognise(`some line\n${text}\nanother`, agent, HERE)).toMatchObject({ trouble, resumeInMs });
  });

  it('has an example of every wording', () => {
    const unseen = WORDINGS.filter(
      ({ agent, pattern }) => !SEEN.some(([of, , , text]) => (agent ?? of) === of && pattern.test(text)),
    );
    expect(unseen).toEqual([]);
  });

  it.each([
    'I added a test for the rate limiter: it answers 429 after ten requests.',
    'The quota page shows the usage of each user.',
    'Done. All tests pass.',
    'The login form asks for the password again.',
  ])('does not take work for trouble: %s', (text) => {
    for (const agent of ['claude', 'codex', 'gemini', 'aider', 'goose'] as const)
      expect(recognise(text, agent, HERE)).toBeNull();
  });
});

describe('when it may go on', () => {
  const at = (text: string, here = HERE): number | null => resumesIn(text, here);

  it('counts in the zone that is named, else in that of the CLI', () => {
    expect(at('resets 3pm')).toBe(3 * HOUR);
    expect(at('resets 3pm', { now: NOW, zone: 'America/New_York' })).toBe(7 * HOUR);
    expect(at('resets 3pm (Asia/Tokyo)')).toBe(18 * HOUR);
    expect(at('resets 3pm (Nowhere/Land)')).toBe(3 * HOUR);
    expect(at('resets 12am')).toBe(12 * HOUR);
    expect(at('resets 12pm', { now: NOW - HOUR, zone: 'UTC' })).toBe(HOUR);
  });

  it('knows that a clock is put forward', () => {
    // In New York, on 2026-03-08 at 2:00 it is 3:00.
    const now = Date.UTC(2026, 2, 8, 6, 0);
    expect(at('resets 4am (America/New_York)', { now, zone: 'UTC' })).toBe(2 * HOUR);
  });

  it('takes a time that has just been for now, and one that was long ago for tomorrow', () => {
    expect(at('resets 11:55am')).toBe(MINUTE);
    expect(at('resets 9am')).toBe(21 * HOUR);
    expect(at(`limit reached|${String(NOW / 1000 - 5)}`)).toBe(MINUTE);
  });

  it('knows days of the week and of the month', () => {
    expect(at('resets Fri 9am')).toBe(3 * DAY - 3 * HOUR);
    expect(at('resets Tuesday 9am')).toBe(7 * DAY - 3 * HOUR);
    expect(at('try again at Jan 2nd, 2027 12:00 PM.')).toBe(Date.UTC(2027, 0, 2, 12) - NOW);
    expect(at('resets Jan 2, 12pm')).toBe(Date.UTC(2027, 0, 2, 12) - NOW);
  });

  it.each(['Try again later.', 'resets soon', 'again in 5', 'port 8080 again', ''])('says nothing of %j', (text) => {
    expect(at(text)).toBeNull();
  });
});
