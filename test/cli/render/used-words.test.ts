/** What was used, and what waits for it, in words. */
import { describe, expect, test } from 'vitest';
import { tellCause } from '../../../src/cli/render/cause-words.js';
import { FactTeller } from '../../../src/cli/render/fact-line.js';
import { dollars, usedWords } from '../../../src/cli/render/used-words.js';

const HOUR = 3_600_000;
const at = { run: 'r-1', at: 0, cause: '1-0' };
const error = { class: 'QUOTA', message: 'the window is used up' } as const;

test.each([
  [{ tokens: 12_345, costUsd: 0.42, turns: 7 }, '12,345 tokens, $0.42, 7 turns'],
  [{ tokens: 0, costUsd: 0.004, turns: 1 }, '$0.0040, 1 turn'],
  [{ tokens: 5, costUsd: 0, turns: 0, unknown: true }, '5 tokens, and what was not reported'],
  [{ tokens: 0, costUsd: 0, turns: 0 }, 'nothing'],
] as const)('%j is %s', (used, words) => {
  expect(usedWords(used)).toBe(words);
});

test('dollars have parts of a cent only when there is little more', () => {
  expect([0, 0.01, 0.1, 12.345].map(dollars)).toEqual(['$0.00', '$0.0100', '$0.10', '$12.35']);
});

describe('a fact', () => {
  const tell = (fact: Parameters<FactTeller['tell']>[0]): string | null => new FactTeller().tell(fact);
  const attempt = { ...at, step: 'qa', attempt: 1, worker: 'w' };

  test('says what its attempt has used', () => {
    const usage = { inputTokens: 1_000, outputTokens: 200, costUsd: 0.5 };
    const outcome = { verdict: 'pass', result: null, artifacts: [], commit: null } as const;
    expect(tell({ ...attempt, type: 'step.succeeded', ...outcome, usage })).toBe(
      'succeeded; it used 1,200 tokens, $0.50',
    );
    expect(tell({ ...attempt, type: 'step.succeeded', ...outcome })).toBe('succeeded');
  });

  test('says that a step is parked, and until when', () => {
    const words = tell({ ...attempt, type: 'step.retrying', error, delayMs: 2 * HOUR, parked: true });
    expect(words).toBe('is parked: QUOTA the window is used up; next attempt in 2h 00m');
  });

  test('warns of a budget', () => {
    const used = { tokens: 800, costUsd: 0, turns: 0 };
    const words = tell({ ...at, type: 'budget.warned', used, limits: { tokens: 1_000 } });
    expect(words).toBe('run has used 800 tokens of its budget of 1,000 tokens');
  });
});

test('a parked step says who has used up the quota, and when it goes on', () => {
  const cause = {
    code: 'parked',
    persona: 'claude-dev',
    until: 2 * HOUR,
    error,
    run: 'r-1',
    step: 'qa',
    since: 0,
  } as const;
  const told = tellCause(cause, 0);
  expect(told.text).toMatch(/^step qa persona claude-dev has used up its quota; goes on at .*, .*2h/);
  expect(told.next).toEqual([]);
});
