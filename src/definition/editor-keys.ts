/** What may stand behind each key of a step, as JSON Schema with the words that an editor shows beside it. */
import { ASKED_SCHEMA, DECISION_SCHEMAS } from './editor-decision.js';
import { ON_QUOTAS, RESUMES_FROM } from './ask-policy.js';
import { budgetSchema, count, DURATION, EXPRESSION, key, MAP, ref, TEMPLATE, TEXT } from './editor-parts.js';
import { ERROR_CLASSES, RETRYABLE_CLASSES } from '../core/statuses.js';
import type { JsonObject } from '../core/json.js';
import type { CommonKey, TypeKey } from './keys.js';
import { DEFAULTS, END_STATUSES, GIT_OPERATIONS, JOINS, ON_ERRORS, ON_LIMITS, STEP_TYPES, WHENS } from './steps.js';
import { STEP_ID, WORKFLOW_LIMITS } from './workflow.js';

/** Parts that several keys share. */
export const PARTS: Readonly<Record<string, JsonObject>> = {
  name: { type: 'string', pattern: STEP_ID.source },
  names: { anyOf: [ref('name'), { type: 'array', items: ref('name') }] },
  duration: {
    description: 'Seconds, or a number with ms, s, m, h or d, or a template that gives one of them.',
    anyOf: [{ type: 'number', exclusiveMinimum: 0 }, { type: 'string', pattern: DURATION }, TEMPLATE],
  },
  pause: {
    description: 'Seconds from 0, or a number with ms, s, m, h or d.',
    anyOf: [
      { type: 'number', minimum: 0 },
      { type: 'string', pattern: DURATION },
    ],
  },
  schema: { description: 'A JSON Schema; true for anything.', anyOf: [MAP, { const: true }] },
  retryClasses: {
    anyOf: [{ enum: [...RETRYABLE_CLASSES] }, { type: 'array', items: { enum: [...RETRYABLE_CLASSES] } }],
  },
  steps: { type: 'array', items: ref('step') },
  asked: ASKED_SCHEMA,
};

/** Keys that every step has. */
export const COMMON_SCHEMAS: Readonly<Record<CommonKey, JsonObject>> = {
  id: key(
    'Names the step: a letter, then letters, digits, - and _; unique in the whole file.',
    ref('name'),
    'implementation',
  ),
  name: key('What people see; the id when it is left out. May be a template.', TEXT, 'Implement {{ task.title }}'),
  description: key('A note for people.', TEXT),
  type: key('What kind of step it is; persona-request when it is left out.', {
    anyOf: [{ enum: [...STEP_TYPES] }, { description: 'A type of a plugin.', type: 'string' }],
  }),
  dependencies: key(
    'Ids of steps of the same list that must have settled before this one starts.',
    { type: 'array', items: TEXT, uniqueItems: true },
    ['planning'],
  ),
  condition: key(
    'An expression; when it is false, the step is skipped. Of a conditional it chooses the branch.',
    EXPRESSION,
    "context.state.get('qa_status') === 'pass'",
    "task.type !== 'hotfix'",
  ),
  when: key(
    'on_success: only while nothing before it has failed. always: in any case. on_failure: only when a step before it has failed.',
    { enum: [...WHENS], default: DEFAULTS.when },
  ),
  timeout: key(
    'How long one attempt, or a whole block, may take.',
    ref('duration'),
    '30m',
    90,
    '{{ variables.patience }}',
  ),
  on_error: key(
    'fail: its list fails. continue: what depends on it goes on. ask: a person chooses to retry, to continue or to fail.',
    { enum: [...ON_ERRORS], default: DEFAULTS.on_error },
  ),
  enters: key('The state of the work that begins with this step; see "states" of the workflow.', ref('name'), 'ready'),
  compensate: key(
    'The step, or the steps, that undo this one when the run fails or is canceled after it succeeded. Their ids may be left out.',
    { anyOf: [ref('anyStep'), { type: 'array', items: ref('anyStep') }] },
    { persona: 'lead-engineer', params: { task: 'take it back' } },
  ),
};

/** All other keys of steps; keys.ts says which type has which. */
export const TYPE_SCHEMAS: Readonly<Record<TypeKey, JsonObject>> = {
  persona: key('Who does it.', ref('name'), 'lead-engineer'),
  fallback: key('Personas that are asked in turn when the one before has used up its attempts.', ref('names'), [
    'code-reviewer',
  ]),
  params: key('What the persona is handed; texts inside may be templates.', MAP, { branch: '{{ variables.branch }}' }),
  queue_timeout: key('How long a request may wait for a free worker.', ref('duration'), '10m'),
  retries: key(
    'Further attempts after the first: a number, or a map that also says when and for which errors.',
    {
      anyOf: [
        { type: 'integer', minimum: 0, maximum: WORKFLOW_LIMITS.retries },
        TEMPLATE,
        {
          type: 'object',
          additionalProperties: false,
          properties: {
            count: key('Further attempts after the first.', count(0, WORKFLOW_LIMITS.retries)),
            max_attempts: key('Attempts, the first one included.', {
              type: 'integer',
              minimum: 1,
              maximum: WORKFLOW_LIMITS.retries + 1,
            }),
            backoff: key(
              'Pauses before the second, third … attempt; or how they grow.',
              {
                anyOf: [
                  { type: 'array', items: ref('pause'), minItems: 1 },
                  {
                    type: 'object',
                    additionalProperties: false,
                    properties: {
                      initial: key('Before the second attempt.', ref('pause'), '1s'),
                      factor: key(
                        'What each pause is multiplied with.',
                        { type: 'number', minimum: 1, maximum: WORKFLOW_LIMITS.factor },
                        2,
                      ),
                      max: key('The longest pause.', ref('pause'), '1m'),
                      jitter: key(
                        'Part of a pause that is drawn: 0.2 gives 80 % to 100 % of it.',
                        { type: 'number', minimum: 0, maximum: 1 },
                        0.2,
                      ),
                    },
                  },
                ],
              },
              ['1s', '5s', '30s'],
              { initial: '1s', factor: 2, max: '1m' },
            ),
            retry_on: key('Errors that are tried again; all that can be, when it is left out.', ref('retryClasses'), [
              'RATE_LIMIT',
              'TIMEOUT',
            ]),
          },
        },
      ],
    },
    2,
    { count: 3, backoff: ['1s', '5s', '30s'], retry_on: ['RATE_LIMIT', 'TIMEOUT'] },
  ),
  on_quota: key(
    'When the persona has used up its quota. wait: it goes on when there is some again. fallback: the next persona is asked.',
    { enum: [...ON_QUOTAS], default: 'wait' },
  ),
  resume_from: key(
    'What an attempt after a failed one starts from. attempt: what that one left behind. clean: what the steps before left behind.',
    { enum: [...RESUMES_FROM] },
  ),
  budget: key('The most that all attempts of the step may use together.', budgetSchema(), { tokens: 200_000 }),
  run: key(
    'Commands, each a program and its arguments; texts may be templates.',
    { type: 'array', minItems: 1, items: { type: 'array', minItems: 1, items: TEXT } },
    [['npm', 'test']],
  ),
  expect: key(
    'What must be there besides.',
    {
      type: 'object',
      additionalProperties: false,
      required: ['tests'],
      properties: {
        tests: {
          type: 'object',
          additionalProperties: false,
          required: ['min'],
          properties: { min: { type: 'integer', minimum: 1 } },
        },
      },
    },
    { tests: { min: 1 } },
  ),
  protect: key(
    'Globs of files that must be as they were when the run started.',
    { anyOf: [TEXT, { type: 'array', items: TEXT }] },
    ['test/**', 'package.json'],
  ),
  output: key('What the result must look like, as JSON Schema.', ref('schema'), {
    type: 'object',
    required: ['score'],
  }),
  allow: key(
    'What the planned steps may be.',
    {
      type: 'object',
      additionalProperties: false,
      properties: {
        types: key('Types that they may have.', {
          anyOf: [{ enum: [...STEP_TYPES] }, { type: 'array', items: { enum: [...STEP_TYPES] } }],
        }),
        personas: key('Personas that they may ask; all when it is left out.', ref('names')),
      },
    },
    { types: ['persona-request', 'parallel'], personas: ['lead-engineer'] },
  ),
  max_steps: key('Most steps that may be planned.', {
    type: 'integer',
    minimum: 1,
    maximum: WORKFLOW_LIMITS.planned,
    default: DEFAULTS.max_steps,
  }),
  operation: key('What git does in the worktree of the run.', { enum: [...GIT_OPERATIONS] }),
  branch: key(
    'The branch to make or go to, the branch of the remote, or the other side of a merge or rebase.',
    TEXT,
    'feature/{{ task.slug }}',
  ),
  from: key('Where a new branch starts; where the run stands when it is left out.', TEXT, 'main'),
  message: key('The message of the commit.', TEXT, 'Add {{ task.title }}'),
  remote: key('The remote, as git knows it.', TEXT, 'origin'),
  then_steps: key('Done when the condition holds.', ref('steps')),
  else_steps: key('Done when the condition does not hold.', ref('steps')),
  steps: key('The steps inside.', { type: 'array', items: ref('step'), minItems: 1 }),
  wait_for: key('How many must succeed; the others are canceled then.', {
    anyOf: [{ enum: [...JOINS] }, { type: 'integer', minimum: 1 }],
    default: DEFAULTS.wait_for,
  }),
  until: key('Looked at after each round; the loop is done when it is true.', EXPRESSION, "steps.qa.status === 'pass'"),
  while: key(
    'Looked at before each round; the loop is done when it is false.',
    EXPRESSION,
    "loop.previous?.qa?.status !== 'pass'",
  ),
  max_rounds: key('Most rounds.', count(1, WORKFLOW_LIMITS.rounds), 3),
  on_limit: key('What follows when the rounds are used up: the loop fails, or a person chooses.', {
    enum: [...ON_LIMITS],
    default: DEFAULTS.on_limit,
  }),
  items: key(
    'What the steps are done for, one item after the other: a list, or a template that gives one.',
    { anyOf: [{ type: 'array', maxItems: WORKFLOW_LIMITS.items }, TEMPLATE] },
    '{{ task.files }}',
    ['api', 'web'],
  ),
  concurrency: key('Items under way at the same time; all when it is left out.', count(1, WORKFLOW_LIMITS.items), 4),
  workflow: key(
    'The workflow that is run: its name, or the path of its file.',
    { type: 'string', minLength: 1 },
    'hotfix',
  ),
  task: key('What it is started with; the task of this run when it is left out. Texts inside may be templates.', MAP, {
    title: '{{ task.title }}',
  }),
  ...DECISION_SCHEMAS,
  duration: key('How long to wait.', ref('duration'), '10m'),
  signal: key('The signal to wait for.', { type: 'string', minLength: 1 }, 'deployed'),
  status: key('How the run ends.', { enum: [...END_STATUSES] }),
  reason: key('Why, for its history. May be a template.', TEXT, 'not wanted any more'),
  event: key('The name of the event.', { type: 'string', minLength: 1 }, 'phase.completed'),
  lock: key('The name of the lock. May be a template.', { type: 'string', minLength: 1 }, 'ticket/{{ task.ticket }}'),
  data: key('What the event carries; texts inside may be templates.', MAP),
};

/** `until` of a `wait` is a time. */
export const WAIT_UNTIL = key(
  'The time to wait for, in ISO 8601. May be a template.',
  { type: 'string', minLength: 1 },
  '2026-12-01T08:00:00Z',
  '{{ task.release_at }}',
);

/** What stands behind the keys of other documents, where it is not the same as behind ours. */
export const OTHER_VALUES: Readonly<Record<string, JsonObject>> = {
  milliseconds: { anyOf: [{ type: 'number', exclusiveMinimum: 0 }, ref('duration')] },
  groups: { type: 'boolean' },
  'retry config': {
    type: 'object',
    additionalProperties: false,
    properties: {
      maxAttempts: { type: 'integer', minimum: 1 },
      backoffMs: { type: 'array', items: { type: 'number', minimum: 0 } },
      retryOn: { anyOf: [{ enum: [...ERROR_CLASSES] }, { type: 'array', items: { enum: [...ERROR_CLASSES] } }] },
    },
  },
  'retry map': {
    type: 'object',
    additionalProperties: false,
    properties: {
      count: { type: 'integer', minimum: 0 },
      delay_ms: { type: 'number', minimum: 0 },
      backoff_multiplier: { type: 'number', minimum: 1 },
    },
  },
};
