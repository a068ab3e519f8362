/** What may stand behind the keys of a decision, as JSON Schema with the words that an editor shows beside it. */
import { ASKED_LIMIT, ASKED_TYPES } from '../core/asked.js';
import type { JsonObject } from '../core/json.js';
import { key, MAP, ref, TEMPLATE, TEXT, TEXTS } from './editor-parts.js';
import type { TYPE_KEYS } from './keys.js';
import { WORKFLOW_LIMITS } from './workflow.js';

/** One question that is asked. */
export const ASKED_SCHEMA: JsonObject = {
  type: 'object',
  additionalProperties: false,
  required: ['id', 'ask'],
  properties: {
    id: key('Names the answer.', ref('name'), 'scope'),
    ask: key('The question.', TEXT, 'How far does it go?'),
    reason: key('Why it is asked.', TEXT),
    type: key('What the answer is.', { enum: [...ASKED_TYPES], default: 'text' }),
    options: key('What can be chosen.', { type: 'array', items: TEXT, minItems: 1 }),
    default: key('The answer when nobody gives another one.', {}),
    required: key('Whether it must be answered.', { type: 'boolean', default: false }),
  },
};

export const DECISION_SCHEMAS: Readonly<Record<(typeof TYPE_KEYS)['decision'][number], JsonObject>> = {
  prompt: key(
    'What people are asked. May be a template.',
    { type: 'string', minLength: 1 },
    'Deploy {{ task.version }}?',
  ),
  choices: key(
    'What they can choose: ids, ids with labels, or a map of labels; approve and reject when it is left out.',
    {
      anyOf: [
        {
          type: 'array',
          minItems: 1,
          maxItems: WORKFLOW_LIMITS.choices,
          items: {
            anyOf: [
              ref('name'),
              {
                type: 'object',
                additionalProperties: false,
                required: ['id'],
                properties: { id: ref('name'), label: TEXT },
              },
            ],
          },
        },
        {
          type: 'object',
          minProperties: 1,
          maxProperties: WORKFLOW_LIMITS.choices,
          propertyNames: ref('name'),
          additionalProperties: TEXT,
        },
      ],
    },
    { ship: 'Ship it', hold: 'Hold it back' },
  ),
  reject: key('Choices that fail the step.', ref('names'), ['reject']),
  form: key('What else is asked for, as JSON Schema of the answer.', ref('schema')),
  context: key('What to judge by; texts inside may be templates.', MAP),
  assignees: key('Who is asked. May be templates.', TEXTS, ['{{ task.owner }}']),
  questions: key(
    'What is asked one by one, instead of a form: a list, or a template that gives one.',
    { anyOf: [TEMPLATE, { type: 'array', maxItems: ASKED_LIMIT, items: ref('asked') }] },
    '{{ steps.questions.result.questions }}',
    [{ id: 'scope', ask: 'How far does it go?', type: 'choice', options: ['page', 'site'], default: 'page' }],
  ),
  draft: key(
    'What is judged, and may be edited by the answer.',
    {
      type: 'object',
      additionalProperties: false,
      required: ['value'],
      properties: {
        value: key('The value, or a template that gives it.', {}),
        schema: key('What it must look like, edited or not.', ref('schema')),
      },
    },
    { value: '{{ steps.draft.result }}' },
  ),
  on_timeout: key('The choice that is taken when the time is up; the step fails when it is left out.', TEXT, 'proceed'),
  remind: key(
    'After how long people are told again.',
    { anyOf: [ref('duration'), { type: 'array', items: ref('duration'), maxItems: WORKFLOW_LIMITS.nudges }] },
    ['4h', '1d'],
  ),
  escalate: key(
    'Who is asked too, after how long.',
    {
      type: 'array',
      maxItems: WORKFLOW_LIMITS.nudges,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['after', 'to'],
        properties: { after: key('After it was asked.', ref('duration')), to: key('Who.', TEXTS) },
      },
    },
    [{ after: '8h', to: ['lead'] }],
  ),
  quorum: key('How many people must choose the same; one is enough to reject.', {
    type: 'integer',
    minimum: 1,
    maximum: WORKFLOW_LIMITS.quorum,
  }),
};
