/**
 * The JSON Schema of a workflow file, for editors: what they complete, explain and underline while somebody writes.
 * It says what can be said of shapes; `coord validate` says the rest. `schema/workflow.schema.json` is its output.
 */
import type { JsonObject, JsonValue } from '../core/json.js';
import { PARTS } from './editor-keys.js';
import { DEFAULT_SOFT } from './ask-policy.js';
import { budgetSchema, DURATION, MAP, ref, TEXTS } from './editor-parts.js';
import { anyStep, keySchemas, typeSchemas } from './editor-types.js';
import { ERROR_STRATEGIES, type WorkflowKey } from './keys.js';
import { SPELLINGS } from './spelling.js';
import { DEFAULTS } from './steps.js';
import { WORKFLOW_LIMITS } from './workflow.js';

/** JSON Schema 2020-12. The same every time. */
export function editorSchema(): JsonObject {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'coord workflow',
    description: 'Which persona does what, and what waits for what.',
    type: 'object',
    properties: { ...KEY_SCHEMAS, ...otherSpellings() },
    additionalProperties: false,
    required: ['steps'],
    $defs: {
      ...PARTS,
      step: { ...ref('anyStep'), required: ['id'] },
      anyStep: anyStep(),
      ...typeSchemas(),
      ...keySchemas(),
    },
  };
}

const KEY_SCHEMAS: Readonly<Record<WorkflowKey, JsonObject>> = {
  name: {
    description: 'What the workflow is called by; the name of its file when it is left out.',
    type: 'string',
    minLength: 1,
    maxLength: 100,
    examples: ['feature'],
  },
  version: {
    description: 'In quotes, since 1.10 would be a number.',
    type: 'string',
    examples: ['1.0.0'],
    default: DEFAULTS.version,
  },
  description: { description: 'A note for people.', type: 'string' },
  input: {
    description: 'What the task must look like, as JSON Schema; any object when it is left out.',
    ...ref('schema'),
    examples: [{ type: 'object', required: ['title'], properties: { title: { type: 'string' } } }],
  },
  output: { description: 'What the result of the run must look like, as JSON Schema.', ...ref('schema') },
  result: {
    description: 'The result of the run; that of the last step when it is left out. Texts inside may be templates.',
    examples: ['{{ steps.report.result }}', { score: '{{ steps.review.result.score }}' }],
  },
  variables: {
    description: 'Values by name. Texts inside may be templates that read the task and the variables above.',
    ...MAP,
    examples: [{ branch: 'feat/{{ task.slug }}', patience: '20m' }],
  },
  environments: {
    description:
      'What is different in some places: by name of the environment, the variables that take other values there.',
    type: 'object',
    additionalProperties: {
      type: 'object',
      properties: { variables: { description: 'Only variables that the workflow has.', ...MAP } },
      additionalProperties: false,
    },
    examples: [{ staging: { variables: { patience: '5m' } } }],
  },
  timeout: { description: 'How long a run may take.', ...ref('duration'), examples: ['4h'] },
  max_concurrent_steps: {
    description: 'How many requests and inner runs of one run may be under way at the same time.',
    type: 'integer',
    minimum: 1,
    maximum: WORKFLOW_LIMITS.items,
    examples: [4],
  },
  concurrency: {
    description:
      'How many runs may be under way at the same time: of this workflow, or with the same key. Others wait for their turn.',
    anyOf: [
      { type: 'integer', minimum: 1 },
      {
        type: 'object',
        additionalProperties: false,
        required: ['limit'],
        properties: {
          key: { description: 'A template that reads the task and the variables.', type: 'string', minLength: 1 },
          limit: { type: 'integer', minimum: 1 },
        },
      },
    ],
    examples: [1, { key: 'deploy-{{ task.environment }}', limit: 1 }],
  },
  retention: {
    description: 'How long an ended run is kept before it is archived and deleted, or "forever".',
    anyOf: [{ type: 'number', exclusiveMinimum: 0 }, { type: 'string', pattern: DURATION }, { const: 'forever' }],
    examples: ['30d', 'forever'],
  },
  budget: {
    description: 'The most that a run may use. When it is used up, people are asked.',
    ...budgetSchema({
      soft: {
        description: 'The part of it at which people are warned.',
        type: 'number',
        exclusiveMinimum: 0,
        maximum: 1,
        default: DEFAULT_SOFT,
      },
    }),
    examples: [{ tokens: 2_000_000, cost_usd: 20 }],
  },
  evidence: {
    description: 'required: the run completes only with what a verify step has seen to work.',
    const: 'required',
  },
  states: {
    description: 'States of what the workflow works on, the first one first; steps say which they enter.',
    type: 'object',
    minProperties: 1,
    propertyNames: ref('name'),
    additionalProperties: {
      anyOf: [
        { type: 'null' },
        {
          type: 'object',
          additionalProperties: false,
          properties: {
            to: { description: 'What may follow; anything when it is left out.', ...ref('names') },
            requires: {
              description: 'Expressions: what must be there, and not be empty, when a step enters it.',
              ...TEXTS,
            },
          },
        },
      ],
    },
    examples: [{ draft: { to: 'ready' }, ready: { requires: 'steps.draft.result.criteria' } }],
  },
  steps: {
    description: 'What is done. Steps start together, and wait for each other by their dependencies.',
    type: 'array',
    items: ref('step'),
    minItems: 1,
    maxItems: WORKFLOW_LIMITS.steps,
  },
  on_failure: {
    description: 'Done when a step has failed: the same as steps with "when: on_failure".',
    ...ref('steps'),
  },
  error_handling: {
    description: 'For steps that ask a persona and say nothing about errors themselves.',
    type: 'object',
    additionalProperties: false,
    properties: {
      strategy: { enum: [...ERROR_STRATEGIES], default: 'retry_with_fallback' },
      max_retries: {
        description: 'Further attempts after the first.',
        type: 'integer',
        minimum: 0,
        maximum: WORKFLOW_LIMITS.retries,
      },
      fallback_agents: { description: 'Personas that are asked in turn when the first has failed.', ...ref('names') },
    },
    examples: [{ strategy: 'retry_with_fallback', max_retries: 3, fallback_agents: ['code-reviewer'] }],
  },
};

/** Keys of other documents at the top of the file. */
function otherSpellings(): Readonly<Record<string, JsonValue>> {
  const schemas: Readonly<Record<string, JsonObject>> = KEY_SCHEMAS;
  return Object.fromEntries(
    SPELLINGS.filter(({ where }) => where === 'workflow').map(({ from, to, note }): [string, JsonValue] => [
      from,
      { ...schemas[to], description: `Another word for "${to}": ${note}.`, deprecated: true },
    ]),
  );
}
