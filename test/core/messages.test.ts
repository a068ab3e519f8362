import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  artifactRefSchema,
  personaReplySchema,
  personaRequestSchema,
  workspaceSchema,
} from '../../src/core/exchange.js';
import {
  cancelBodySchema,
  claimSchema,
  parseTimer,
  replyHeadSchema,
  runInputSchema,
  TIMER_KINDS,
  timerId,
} from '../../src/core/messages.js';

const artifact = { name: 'plan', sha256: 'a'.repeat(64), size: 12, type: 'text/markdown' };
const rejected = { class: 'REJECTED', message: 'the tests fail' };
const workspace = { repo: '/srv/shop', base: 'b'.repeat(40), branch: 'coord/shop-1' };
const request = {
  protocol: 1,
  run: 'shop-1',
  workflow: 'shop',
  step: 'plan',
  name: 'Plan it',
  persona: 'planner',
  attempt: 1,
  token: 't',
  params: {},
  task: { goal: 'a cart' },
  results: { idea: { status: 'pass', result: { text: 'x' }, artifacts: [artifact] } },
  omitted: [],
  workspace: { ...workspace, commit: 'c'.repeat(40) },
  timeoutMs: null,
};

/** `path: message` of each problem. */
function problems(schema: { safeParse: typeof personaReplySchema.safeParse }, value: unknown): readonly string[] {
  const parsed = schema.safeParse(value);
  return parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
}

describe('a reply', () => {
  it('may leave out all but its status', () => {
    expect(personaReplySchema.parse({ status: 'pass' })).toEqual({
      status: 'pass',
      result: null,
      artifacts: [],
      error: null,
      commit: null,
    });
  });

  it('has an error exactly when it did not pass', () => {
    expect(problems(personaReplySchema, { status: 'fail', error: rejected })).toEqual([]);
    expect(problems(personaReplySchema, { status: 'pass', error: rejected })).toContain(
      'error: must be null when status is "pass"',
    );
    // The class decides what an attempt leads to, so it may not contradict the status.
    const lost = { class: 'WORKER_LOST', message: 'm' };
    expect(problems(personaReplySchema, { status: 'error', error: lost })).toEqual([]);
    expect(problems(personaReplySchema, { status: 'fail', error: lost })).toHaveLength(1);
    expect(problems(personaReplySchema, { status: 'error', error: rejected })).toHaveLength(1);
    expect(
      problems(personaReplySchema, { status: 'error', error: { class: 'EXPRESSION', message: 'm' } }),
    ).toHaveLength(1);
    for (const status of ['fail', 'error']) {
      expect(problems(personaReplySchema, { status })).toEqual([`error: is required when status is "${status}"`]);
    }
  });

  it.each([
    ['an unknown status', { status: 'maybe' }, 'status'],
    ['no status', {}, 'status'],
    ['an unknown key', { status: 'pass', artefacts: [] }, 'artefacts'],
    ['an unknown key of its error', { status: 'fail', error: { ...rejected, stack: '' } }, 'stack'],
    ['an unknown class', { status: 'error', error: { class: 'OOPS', message: '' } }, 'error.class'],
    ['an endless message', { status: 'fail', error: { ...rejected, message: 'x'.repeat(8_193) } }, 'error.message'],
    ['too many artifacts', { status: 'pass', artifacts: Array.from({ length: 201 }, () => artifact) }, 'artifacts'],
    ['a commit that is none', { status: 'pass', commit: 'main' }, 'commit'],
    ['a result that is not JSON', { status: 'pass', result: { when: undefined } }, 'result'],
    ['another shape', 'pass', 'object'],
  ])('with %s is refused', (_what, reply, named) => {
    const found = problems(personaReplySchema, reply);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(named);
  });
});

describe('a request', () => {
  it('is accepted as documented', () => {
    expect(personaRequestSchema.parse(request)).toEqual(request);
    expect(personaRequestSchema.parse({ ...request, workspace: null, timeoutMs: 60_000 }).workspace).toBeNull();
  });

  it.each([
    ['another protocol', { protocol: 2 }],
    ['attempt 0', { attempt: 0 }],
    ['an unknown key', { priority: 1 }],
    ['a workspace without a commit', { workspace }],
    ['no time at all', { timeoutMs: 0 }],
    ['an outcome that is none', { results: { idea: { status: 'skipped', result: null, artifacts: [] } } }],
    ['params that are no object', { params: [] }],
  ])('with %s is refused', (_what, change) => {
    expect(personaRequestSchema.safeParse({ ...request, ...change }).success).toBe(false);
  });
});

describe('an artifact', () => {
  it.each([
    { sha256: 'A'.repeat(64) },
    { sha256: 'a'.repeat(63) },
    { size: -1 },
    { size: 1.5 },
    { name: '' },
    { x: 1 },
  ])('with %j is refused', (change) => {
    expect(artifactRefSchema.safeParse(artifact).success).toBe(true);
    expect(artifactRefSchema.safeParse({ ...artifact, ...change }).success).toBe(false);
  });
});

describe("a run's input", () => {
  it('is a task, and perhaps a workspace and a run around', () => {
    const parent = { run: 'outer-1', step: 'deploy', token: 'deploy.1.x' };
    expect(runInputSchema.safeParse({ task: {}, workspace: null, parent: null }).success).toBe(true);
    expect(runInputSchema.safeParse({ task: {}, workspace, parent }).success).toBe(true);
    expect(runInputSchema.safeParse({ task: 'a cart', workspace: null, parent: null }).success).toBe(false);
    expect(runInputSchema.safeParse({ task: {} }).success).toBe(false);
  });

  it.each([{ base: 'main' }, { repo: '' }, { branch: '' }, { extra: 1 }])('refuses a workspace with %j', (change) => {
    expect(workspaceSchema.safeParse({ ...workspace, ...change }).success).toBe(false);
  });
});

describe('what the store and the client write', () => {
  const head = { step: 'plan', attempt: 1, token: 't', worker: 'w', begunAt: 1 };
  const claim = { worker: 'w', begunAt: 1, beatAt: 2, progress: '' };
  const cancel = { reason: 'not needed', by: 'ada' };

  it.each([
    ["a reply's head", replyHeadSchema, head],
    ['a claim', claimSchema, claim],
    ['a cancel', cancelBodySchema, cancel],
  ])('%s is complete and has nothing else', (_what, schema, value) => {
    expect(schema.parse(value)).toEqual(value);
    expect(schema.safeParse({ ...value, extra: 1 }).success).toBe(false);
    for (const key of Object.keys(value)) {
      const without = Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
      expect(schema.safeParse(without).success).toBe(false);
    }
  });
});

describe('a timer', () => {
  const name = fc.stringMatching(/^[a-z0-9_-]+$/);

  it('has a name that gives it back', () => {
    fc.assert(
      fc.property(fc.constantFrom(...TIMER_KINDS), name, name, fc.integer({ min: 1 }), (kind, run, step, attempt) => {
        const timer = { kind, run, step, attempt };
        expect(parseTimer(timerId(timer))).toEqual(timer);
      }),
    );
  });

  it.each([
    '',
    'retry',
    'retry|r|s',
    'nap|r|s|1',
    'retry|r|s|0',
    'retry|r|s|01',
    'retry|r|s|1.5',
    'retry|r|s|1|x',
    'retry|r|s|',
  ])('is not read from %j', (id) => {
    expect(parseTimer(id)).toBeNull();
  });
});
