/** Workflows written in TypeScript: the same keys as in a file, with types, and zod schemas where a file has JSON Schema. */
import type { JsonValue } from '../core/json.js';
import type { ErrorClass } from '../core/statuses.js';
import { isZod, type SchemaSource, schemaOf } from './step-types.js';
import type { Budget, OnQuota, ResumesFrom, RunBudget } from './ask-policy.js';
import type { ErrorStrategy } from './keys.js';
import type {
  BackoffCurve,
  END_STATUSES,
  GitOperation,
  Join,
  JsonSchema,
  OnError,
  OnLimit,
  StepType,
  When,
} from './steps.js';

type Time = number | string;
interface Values {
  readonly [key: string]: JsonValue | undefined;
}

interface CommonSource {
  readonly id: string;
  readonly name?: string;
  readonly description?: string;
  readonly dependencies?: readonly string[];
  readonly condition?: string;
  readonly when?: When;
  readonly timeout?: Time;
  readonly on_error?: OnError;
  readonly compensate?: UndoSource | readonly UndoSource[];
}

type Without<T> = T extends unknown ? Omit<T, 'id'> & { readonly id?: string } : never;
type UndoSource = Without<StepSource>;

export interface RetriesSource {
  readonly count?: Time;
  readonly max_attempts?: number;
  readonly backoff?: readonly Time[] | { readonly [key in keyof BackoffCurve]?: Time };
  readonly retry_on?: readonly ErrorClass[];
}

interface PolicySource {
  readonly queue_timeout?: Time;
  readonly retries?: Time | RetriesSource;
}

interface AskingSource extends CommonSource, PolicySource {
  readonly persona: string;
  readonly fallback?: string | readonly string[];
  readonly params?: Values;
  readonly on_quota?: OnQuota;
  readonly resume_from?: ResumesFrom;
  readonly budget?: Budget;
}

export type StepSource =
  | (AskingSource & { readonly type?: 'persona-request'; readonly output?: SchemaSource })
  | (AskingSource & {
      readonly type: 'plan';
      readonly allow?: { readonly types?: readonly StepType[]; readonly personas?: readonly string[] };
      readonly max_steps?: number;
    })
  | (CommonSource &
      PolicySource & {
        readonly type: 'git-operation';
        readonly operation: GitOperation;
        readonly branch?: string;
        readonly from?: string;
        readonly message?: string;
        readonly remote?: string;
      })
  | (CommonSource &
      PolicySource & {
        readonly type: 'verify';
        readonly run: readonly (readonly string[])[];
        readonly expect?: { readonly tests: { readonly min: number } };
        readonly protect?: string | readonly string[];
      })
  | (CommonSource & {
      readonly type: 'conditional';
      readonly condition: string;
      readonly then_steps?: readonly StepSource[];
      readonly else_steps?: readonly StepSource[];
    })
  | (CommonSource & {
      readonly type: 'parallel';
      readonly steps: readonly StepSource[];
      readonly wait_for?: Join | number;
    })
  | (CommonSource & {
      readonly type: 'loop';
      readonly steps: readonly StepSource[];
      readonly until?: string;
      readonly while?: string;
      readonly max_rounds: number | string;
      readonly on_limit?: OnLimit;
    })
  | (CommonSource & {
      readonly type: 'for_each';
      readonly items: string | readonly JsonValue[];
      readonly steps: readonly StepSource[];
      readonly concurrency?: number | string;
    })
  | (CommonSource & {
      readonly type: 'workflow';
      readonly workflow: string;
      readonly task?: Values;
      readonly retries?: Time | RetriesSource;
    })
  | (CommonSource & {
      readonly type: 'decision';
      readonly prompt: string;
      readonly choices?: readonly (string | { readonly id: string; readonly label?: string })[] | Values;
      readonly reject?: string | readonly string[];
      readonly form?: SchemaSource;
      readonly questions?: string | readonly Values[];
      readonly draft?: { readonly value: JsonValue; readonly schema?: SchemaSource };
      readonly context?: Values;
      readonly assignees?: string | readonly string[];
      readonly on_timeout?: string;
      readonly remind?: Time | readonly Time[];
      readonly escalate?: readonly { readonly after: Time; readonly to: string | readonly string[] }[];
      readonly quorum?: number;
    })
  | (CommonSource & {
      readonly type: 'wait';
      readonly duration?: Time;
      readonly until?: string;
      readonly signal?: string;
    })
  | (CommonSource & {
      readonly type: 'end';
      readonly status: (typeof END_STATUSES)[number];
      readonly reason?: string;
    })
  | (CommonSource & { readonly type: 'emit'; readonly event: string; readonly data?: Values })
  | (CommonSource & { readonly type: 'lock' | 'unlock'; readonly lock: string })
  // A type of a plugin. A mistake in a built-in type may pass for one; it is found when the workflow is loaded.
  | (CommonSource & { readonly type: string & Record<never, never>; readonly params?: Values });

export interface WorkflowSource {
  readonly name?: string;
  readonly version?: string;
  readonly description?: string;
  readonly input?: SchemaSource;
  readonly output?: SchemaSource;
  readonly result?: JsonValue;
  readonly variables?: Values;
  readonly environments?: { readonly [name: string]: { readonly variables?: Values } };
  readonly timeout?: Time;
  readonly max_concurrent_steps?: number;
  readonly concurrency?: number | { readonly key?: string; readonly limit: number };
  readonly retention?: Time;
  readonly budget?: RunBudget;
  readonly evidence?: 'required';
  readonly states?: {
    readonly [name: string]: {
      readonly to?: string | readonly string[];
      readonly requires?: string | readonly string[];
    } | null;
  };
  readonly steps: readonly StepSource[];
  readonly on_failure?: readonly StepSource[];
  readonly error_handling?: {
    readonly strategy?: ErrorStrategy;
    readonly max_retries?: number;
    readonly fallback_agents?: readonly string[];
  };
}

/** The workflow as a program exports it; whatever is wrong with it is said when it is loaded. */
export function defineWorkflow(workflow: WorkflowSource): WorkflowSource {
  return workflow;
}

export { defineStepType } from './step-types.js';

const DEEPEST = 60;

/** The value with every zod schema in it as JSON Schema. Throws DEFINITION_INVALID for one that has no such form. */
export function plainOf(value: unknown, path = 'the workflow', depth = 0): unknown {
  if (isZod(value)) return schemaOf(value, path) satisfies JsonSchema;
  // What is deeper, or a circle, is refused by whoever turns the value into JSON.
  if (depth > DEEPEST || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value))
    return value.map((item: unknown, index) => plainOf(item, `${path}[${String(index)}]`, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, plainOf(member, `${path}.${key}`, depth + 1)]),
  );
}
