/** `coord/client`: start, follow and steer runs from a program. */
import { Client } from '../coordinator/client.js';
import { Keeper } from '../coordinator/client-keep.js';
import { Locks } from '../coordinator/client-locks.js';
import { Schedules } from '../coordinator/client-schedules.js';
import { Observer } from '../coordinator/client-observer.js';
import { Operator } from '../coordinator/client-operator.js';
import { systemClock } from '../core/clock.js';
import { noFailpoints } from '../core/failpoints.js';
import { randomIds } from '../core/ids.js';
import { parseAddress } from '../redis/address.js';
import { openRedisStore } from '../redis/store.js';

export interface ConnectOptions {
  /** `redis://…`, `unix:/path`, `redis+sentinel://…`, `redis+cluster://…`, or with `rediss`: see docs/redis.md. */
  readonly redis: string;
  /** Default `coord`. */
  readonly namespace?: string;
}

/** Throws REDIS_UNREACHABLE, USAGE for an address that is none. */
export async function connect({ redis, namespace = 'coord' }: ConnectOptions): Promise<{
  readonly client: Client;
  readonly keeper: Keeper;
  readonly schedules: Schedules;
  readonly locks: Locks;
  readonly observer: Observer;
  readonly operator: Operator;
  close(): Promise<void>;
}> {
  const means = { clock: systemClock, ids: randomIds };
  const address = parseAddress(redis);
  const store = await openRedisStore({ address, namespace, ...means, failpoints: noFailpoints });
  const { partitions } = await store.namespace.open(null);
  const client = new Client({ store, partitions, ...means });
  return {
    client,
    keeper: new Keeper({ store, partitions, clock: means.clock }),
    schedules: new Schedules({ store, partitions, clock: means.clock }),
    operator: new Operator({ store, partitions, ...means }),
    locks: new Locks({ store, partitions, ...means }),
    observer: new Observer({ store, partitions, clock: means.clock, client }),
    close: () => store.close(),
  };
}

export { Client, type DecideRequest, type SignalRequest, type StartRequest } from '../coordinator/client.js';
export type { AnswerOutcome, SentAnswer } from '../coordinator/client-decide.js';
export { Operator } from '../coordinator/client-operator.js';
export type { SteeringOutcome, SteeringRequest } from '../coordinator/client-steer.js';
export { type Collected, type CollectWish, type Diagnosis, Keeper } from '../coordinator/client-keep.js';
export {
  type ListedSchedule,
  type ScheduleRecord,
  type ScheduleRequest,
  Schedules,
} from '../coordinator/client-schedules.js';
export { type HeldLock, type ListedLocks, type LockRequest, Locks } from '../coordinator/client-locks.js';
export type { Eta } from '../coordinator/client-eta.js';
export type { Overview } from '../coordinator/client-overview.js';
export type { Stats, StatsWanted } from '../coordinator/client-stats.js';
export { Observer } from '../coordinator/client-observer.js';
export type { Cause, Chain, Explanation } from '../core/causes.js';
export { CoordError, type ErrorCode, ERRORS } from '../core/errors.js';
export type { Fact, Question, WaitsFor } from '../core/facts.js';
export type { RunSummary, RunView, StepView } from '../core/views.js';
export {
  analyzeCriticalPath,
  type AnalyzedStep,
  createExecutionPlan,
  type CriticalPath,
  type ExecutionPlan,
  findParallelizationOpportunities,
  type Parallelization,
  validateNoCycles,
} from '../definition/analysis.js';
export { defineStepType, defineWorkflow, type StepSource, type WorkflowSource } from '../definition/define.js';
export { type LoadOptions, type LoadedWorkflow, loadWorkflow } from '../definition/load.js';
export { loadStepTypes } from '../definition/load-types.js';
export { parseWorkflow } from '../definition/parse.js';
export type { CustomStepType } from '../definition/step-types.js';
export type { StepDefinition } from '../definition/steps.js';
export type { WorkflowDefinition } from '../definition/workflow.js';
