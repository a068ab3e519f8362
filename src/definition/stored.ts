/** The normal form as it is read back from the store: nothing is trusted to be what this version wrote. */
import { z } from 'zod';
import { jsonObjectSchema, jsonValueSchema } from '../core/json.js';
import { ERROR_CLASSES } from '../core/statuses.js';
import { ON_QUOTAS, RESUMES_FROM } from './ask-policy.js';
import { STEP_ID, WORKFLOW_LIMITS } from './limits.js';
import {
  END_STATUSES,
  GIT_OPERATIONS,
  JOINS,
  ON_ERRORS,
  ON_LIMITS,
  STEP_TYPES,
  type StepDefinition,
  WHENS,
} from './steps.js';

export const DEFINITION_FORMAT = 2;

const name = z.string().regex(STEP_ID);
const some = z.union([z.number().positive(), z.string()]);
const duration = some.nullable();
const schema = z.union([jsonObjectSchema, z.literal(true)]).nullable();
const steps = z.lazy(() => z.array(stepSchema));

const retries = z.strictObject({
  count: z.union([z.int().min(0).max(WORKFLOW_LIMITS.retries), z.string()]),
  backoff: z.union([
    z.array(z.number().nonnegative()).min(1),
    z.strictObject({
      initial: z.number().nonnegative(),
      factor: z.number().min(1),
      max: z.number().nonnegative(),
      jitter: z.number().min(0).max(1),
    }),
  ]),
  retry_on: z.array(z.enum(ERROR_CLASSES)).nullable(),
});

const base = {
  id: name,
  name: z.string(),
  description: z.string(),
  dependencies: z.array(z.string()),
  condition: z.string().nullable(),
  when: z.enum(WHENS),
  timeout: duration,
  on_error: z.enum(ON_ERRORS),
  compensate: steps,
  enters: z.string().optional(),
};
const policy = { queue_timeout: duration, retries };
const budget = {
  tokens: z.int().positive().optional(),
  cost_usd: z.number().positive().optional(),
  turns: z.int().positive().optional(),
};
const asking = {
  ...policy,
  persona: name,
  fallback: z.array(name),
  params: jsonObjectSchema,
  on_quota: z.enum(ON_QUOTAS).optional(),
  resume_from: z.enum(RESUMES_FROM).optional(),
  budget: z.strictObject(budget).optional(),
};
const text = z.string().nullable();

const stepSchema: z.ZodType<StepDefinition> = z.discriminatedUnion('type', [
  z.strictObject({ ...base, ...asking, type: z.literal('persona-request'), output: schema }),
  z.strictObject({
    ...base,
    ...asking,
    type: z.literal('plan'),
    allow: z.strictObject({ types: z.array(z.enum(STEP_TYPES)), personas: z.array(name).nullable() }),
    max_steps: z.int().positive(),
  }),
  z.strictObject({
    ...base,
    ...policy,
    type: z.literal('git-operation'),
    operation: z.enum(GIT_OPERATIONS),
    branch: text,
    from: text,
    message: text,
    remote: text,
  }),
  z.strictObject({
    ...base,
    ...policy,
    type: z.literal('verify'),
    run: z.array(z.array(z.string()).min(1)).min(1),
    expect: z.strictObject({ tests: z.strictObject({ min: z.int().positive() }) }).optional(),
    protect: z.array(z.string()).optional(),
  }),
  z.strictObject({
    ...base,
    type: z.literal('conditional'),
    condition: z.string(),
    then_steps: steps,
    else_steps: steps,
  }),
  z.strictObject({
    ...base,
    type: z.literal('parallel'),
    steps,
    wait_for: z.union([z.enum(JOINS), z.int().positive()]),
  }),
  z.strictObject({
    ...base,
    type: z.literal('loop'),
    steps,
    until: text,
    while: text,
    max_rounds: z.union([z.int().positive(), z.string()]),
    on_limit: z.enum(ON_LIMITS),
  }),
  z.strictObject({
    ...base,
    type: z.literal('for_each'),
    items: z.union([z.string(), z.array(jsonValueSchema)]),
    steps,
    concurrency: z.union([z.int().positive(), z.string()]).nullable(),
  }),
  z.strictObject({
    ...base,
    type: z.literal('workflow'),
    workflow: z.string(),
    definition: text,
    task: jsonObjectSchema.nullable(),
    retries,
  }),
  z.strictObject({
    ...base,
    type: z.literal('decision'),
    prompt: z.string(),
    choices: z.array(z.strictObject({ id: name, label: z.string() })).min(1),
    reject: z.array(z.string()),
    form: schema,
    context: jsonObjectSchema,
    assignees: z.array(z.string()),
    questions: z.union([z.string(), z.array(jsonValueSchema)]).optional(),
    draft: z.strictObject({ value: jsonValueSchema, schema }).optional(),
    on_timeout: z.string().optional(),
    remind: z.array(some).optional(),
    escalate: z.array(z.strictObject({ after: some, to: z.array(z.string()) })).optional(),
    quorum: z.int().positive().optional(),
  }),
  z.strictObject({ ...base, type: z.literal('wait'), duration, until: text, signal: text }),
  z.strictObject({ ...base, type: z.literal('end'), status: z.enum(END_STATUSES), reason: text }),
  z.strictObject({ ...base, type: z.literal('lock'), lock: z.string() }),
  z.strictObject({ ...base, type: z.literal('unlock'), lock: z.string() }),
  z.strictObject({ ...base, type: z.literal('emit'), event: z.string(), data: jsonObjectSchema }),
]);

export const stepsSchema: z.ZodType<readonly StepDefinition[]> = z.array(stepSchema);

export const workflowSchema = z.strictObject({
  format: z.literal(DEFINITION_FORMAT),
  name: z.string(),
  version: z.string(),
  description: z.string(),
  input: schema,
  output: schema,
  result: jsonValueSchema,
  variables: jsonObjectSchema,
  timeout: duration,
  max_concurrent_steps: z.int().positive().nullable(),
  concurrency: z.strictObject({ key: z.string(), limit: z.int().positive() }).nullable(),
  retention: z.union([z.number().positive(), z.literal('forever')]).optional(),
  budget: z.strictObject({ ...budget, soft: z.number().positive().max(1).optional() }).optional(),
  evidence: z.literal('required').optional(),
  states: z
    .array(z.strictObject({ name, to: z.array(z.string()).nullable(), requires: z.array(z.string()) }))
    .min(1)
    .optional(),
  steps: stepsSchema,
});
