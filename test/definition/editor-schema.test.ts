/** The schema that editors use: the file is what the code builds, workflows fit it, and it knows the keys that the reader knows. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/core/json.js';
import { editorSchema } from '../../src/definition/editor-schema.js';
import { checkSchema, compileSchema } from '../../src/definition/json-schema.js';
import { parseWorkflow } from '../../src/definition/parse.js';
import { SPELLINGS } from '../../src/definition/spelling.js';
import { STEP_TYPES } from '../../src/definition/steps.js';

const FILE = new URL('../../schema/workflow.schema.json', import.meta.url);
const schema = editorSchema();

function issues(workflow: JsonValue): string[] {
  return compileSchema(schema)(workflow).map(({ path, message }) => `${path}: ${message}`);
}

function step(members: JsonObject): string[] {
  return issues({ steps: [{ id: 'a', ...members }] });
}

function read(folder: string): [string, JsonValue][] {
  const url = new URL(folder, import.meta.url);
  return readdirSync(url)
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => [name, parse(readFileSync(new URL(name, url), 'utf8')) as JsonValue]);
}

describe('schema/workflow.schema.json', () => {
  it('is what the code builds', () => {
    if (process.env['UPDATE_SCHEMA'] === '1') {
      mkdirSync(new URL('.', FILE), { recursive: true });
      writeFileSync(FILE, `${JSON.stringify(schema, null, 2)}\n`);
    }
    const stored: unknown = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : null;
    expect(stored, 'schema/workflow.schema.json is not what the code builds; update it with "npm run schema"').toEqual(
      schema,
    );
  });

  it('is a schema', () => {
    expect(checkSchema(schema)).toEqual([]);
    expect(JSON.stringify(editorSchema())).toBe(JSON.stringify(schema));
  });

  it('fits the workflows of the project', () => {
    const workflows = read('../../workflows/');
    expect(workflows.length).toBeGreaterThan(2);
    expect(workflows.flatMap(([name, workflow]) => issues(workflow).map((issue) => `${name}: ${issue}`))).toEqual([]);
  });

  it('has a description for every key', () => {
    const silent: string[] = [];
    const defs = isJsonObject(schema['$defs']) ? schema['$defs'] : {};
    for (const [name, entry] of Object.entries(defs))
      if (name.startsWith('key-') && isJsonObject(entry) && typeof entry['description'] !== 'string') silent.push(name);
    const keys = isJsonObject(schema['properties']) ? schema['properties'] : {};
    for (const [name, entry] of Object.entries(keys))
      if (isJsonObject(entry) && typeof entry['description'] !== 'string') silent.push(name);
    expect(silent).toEqual([]);
  });
});

describe('every type of step', () => {
  const inner = [{ id: 'b', persona: 'p' }];
  it.each<[string, JsonObject]>([
    ['a request without a type', { persona: 'p' }],
    [
      'a request',
      { type: 'persona-request', persona: 'p', fallback: 'q', params: { any: ['{{ task }}'] }, output: true },
    ],
    [
      'retries',
      {
        persona: 'p',
        retries: { count: '{{ variables.n }}', backoff: { initial: '1s', jitter: 0.2 }, retry_on: ['TIMEOUT'] },
      },
    ],
    ['pauses', { persona: 'p', retries: { max_attempts: 3, backoff: [1, '5s'], retry_on: 'TIMEOUT' } }],
    [
      'what all have',
      {
        persona: 'p',
        name: 'n',
        description: 'd',
        dependencies: ['b'],
        condition: 'task.x',
        when: 'always',
        timeout: '1.5h',
        on_error: 'ask',
        compensate: { persona: 'p' },
      },
    ],
    [
      'several to undo it',
      {
        persona: 'p',
        compensate: [
          { type: 'git-operation', operation: 'push' },
          { id: 'c', persona: 'p' },
        ],
      },
    ],
    ['git', { type: 'git-operation', operation: 'branch', branch: 'a', from: 'main', queue_timeout: 5 }],
    ['conditional', { type: 'conditional', condition: 'task.x', then_steps: inner, else_steps: [] }],
    ['parallel', { type: 'parallel', steps: inner, wait_for: 1 }],
    ['loop', { type: 'loop', steps: inner, until: 'task.x', max_rounds: '{{ variables.n }}', on_limit: 'ask' }],
    ['for_each', { type: 'for_each', items: [1, { a: 2 }], steps: inner, concurrency: 2 }],
    ['for_each of a template', { type: 'for_each', items: '{{ task.files }}', steps: inner }],
    ['workflow', { type: 'workflow', workflow: 'hotfix', task: { a: 1 }, retries: 1 }],
    [
      'decision',
      {
        type: 'decision',
        prompt: 'Go?',
        choices: ['yes', { id: 'no', label: 'No' }],
        reject: 'no',
        form: { type: 'object' },
        assignees: ['a'],
        context: {},
      },
    ],
    ['decision with labels', { type: 'decision', prompt: 'Go?', choices: { yes: 'Yes', no: 'No' } }],
    ['wait', { type: 'wait', until: '{{ task.at }}' }],
    ['emit', { type: 'emit', event: 'done', data: { a: 1 } }],
    ['plan', { type: 'plan', persona: 'p', allow: { types: ['parallel'], personas: ['p'] }, max_steps: 5 }],
    ['a type of a plugin', { type: 'deploy', params: { to: 'here' }, timeout: 5 }],
    [
      'a step of another document',
      {
        type: 'analysis',
        agent: 'claude-code',
        depends_on: ['b'],
        timeout: 60_000,
        retry_count: 2,
        parallel: true,
        config: { a: 1 },
      },
    ],
    [
      'retries of other documents',
      { agent: 'a', retryConfig: { maxAttempts: 3, backoffMs: [1000], retryOn: ['RATE_LIMIT'] }, timeout_ms: 5000 },
    ],
  ])('has its keys: %s', (_name, members) => {
    expect(step(members)).toEqual([]);
  });

  it('is told what is wrong in the words of its type', () => {
    expect(
      [
        {},
        { persona: '1x' },
        { persona: 'p', timeout: 'soon' },
        { persona: 'p', wait_for: 'all' },
        { persona: 'p', dependencys: [] },
        { type: 'paralel', steps: inner },
        { type: 'loop', steps: inner, until: 'a', while: 'b', max_rounds: 3 },
        { type: 'loop', steps: inner, until: 'a' },
        { type: 'parallel', steps: [{ id: 'b', type: 'wait', signals: 'x' }] },
        { type: 'git-operation', operation: 'comit' },
        { type: 'git-operation', operation: 'commit' },
        { persona: 'p', retries: { count: 3, retry_on: ['REJECTED'] } },
        { type: 'wait' },
      ].flatMap((members) => step(members as JsonObject)),
    ).toMatchInlineSnapshot(`
      [
        "steps[0]: fits none of the 2 alternatives: persona is missing; or agent is missing",
        "steps[0].persona: the text "1x" does not match the pattern ^[A-Za-z][A-Za-z0-9_-]{0,63}$",
        "steps[0].timeout: fits none of the 3 alternatives: expected a number, not the text "soon"; or the text "soon" does not match the pattern ^\\s*\\d{1,12}(\\.\\d{1,6})?\\s*(ms|s|m|h|d)?\\s*$; or the text "soon" does not match the pattern \\{\\{|\\$\\{",
        "steps[0].wait_for: is not known here. Known are id, name, description, type, dependencies, condition, when, timeout, on_error, enters, compensate, persona, fallback, params, queue_timeout, retries, on_quota, resume_from, budget, output, ….",
        "steps[0].dependencys: is not known here. Did you mean "dependencies"?",
        "steps[0].steps: is not known here. Known are id, name, description, type, dependencies, condition, when, timeout, on_error, enters, compensate, params, depends_on, config, timeout_ms, parallel.",
        "steps[0]: fits more than one of the alternatives, but must fit exactly one (oneOf)",
        "steps[0].max_rounds: is missing",
        "steps[0].steps[0].signals: is not known here. Did you mean "signal"?",
        "steps[0].steps[0]: fits none of the 3 alternatives: duration is missing; or until is missing; or signal is missing",
        "steps[0].operation: expected one of "branch", "switch", "commit", "push", "merge", "rebase", "sync", not the text "comit". Did you mean "commit"?",
        "steps[0].message: is missing",
        "steps[0].retries.retry_on[0]: expected one of "PERSONA_ERROR", "INVALID_REPLY", "RATE_LIMIT", "QUOTA", "TIMEOUT", "QUEUE_TIMEOUT", "WORKER_LOST", "RUN_FAILED", not the text "REJECTED"",
        "steps[0]: fits none of the 3 alternatives: duration is missing; or until is missing; or signal is missing",
      ]
    `);
  });
});

describe('the top of the file', () => {
  it('has its keys', () => {
    expect(
      issues({
        id: 'x',
        name: 'n',
        version: '1',
        input: { type: 'object' },
        output: true,
        result: ['any', 'thing'],
        variables: { a: 1 },
        environments: { staging: { variables: { a: 2 } } },
        timeout: '4h',
        max_concurrent_steps: 2,
        concurrency: { key: 'k', limit: 1 },
        retention: '30d',
        steps: [{ id: 'a', persona: 'p' }],
        on_failure: [{ id: 'b', persona: 'p' }],
        error_handling: { strategy: 'retry_with_fallback', max_retries: 2, fallback_agents: ['goose'] },
      }),
    ).toEqual([]);
    expect(issues({ nam: 'x' })).toEqual(['steps: is missing', 'nam: is not known here. Did you mean "name"?']);
    expect(issues({ steps: [{ persona: 'p' }] })).toEqual(['steps[0].id: is missing']);
    expect(issues('text')).toEqual([': expected an object, not the text "text"']);
  });
});

describe('the reader', () => {
  /** What it lists when it is given a key that is like none. */
  function knownKeys(workflow: JsonObject): readonly string[] {
    const result = parseWorkflow(JSON.stringify(workflow), { file: 'x.yml', personas: null });
    const problem = result.ok ? undefined : result.problems.find(({ code }) => code === 'unknown-key');
    return /^Known keys are (.*)\.$/.exec(problem?.hint ?? '')?.[1]?.split(', ') ?? [];
  }

  /** Without the spellings of other documents, which it reads as our own. */
  function keysOf(entry: JsonValue | undefined): readonly string[] {
    const properties = isJsonObject(entry) && isJsonObject(entry['properties']) ? entry['properties'] : {};
    const respelled = new Set(SPELLINGS.map(({ from }) => from));
    return Object.keys(properties).filter((key) => key === 'id' || !respelled.has(key));
  }

  it.each(STEP_TYPES.map((type) => [type]))('knows the same keys of %s', (type) => {
    const defs = isJsonObject(schema['$defs']) ? schema['$defs'] : {};
    const known = knownKeys({ steps: [{ id: 'a', type, qwxyzqwxyz: 1 }] });
    expect(known.toSorted()).toEqual(keysOf(defs[type]).toSorted());
  });

  it('knows the same keys of the workflow', () => {
    const known = knownKeys({ qwxyzqwxyz: 1, steps: [{ id: 'a', persona: 'p' }] });
    expect(known.toSorted()).toEqual(
      keysOf(schema)
        .filter((key) => key !== 'id')
        .toSorted(),
    );
  });
});
