/** Forking a run: another one begins where it stood before a step, with its own id, branch and, if wanted, task and personas. */
import { CoordError } from '../core/errors.js';
import { partitionOf, runIdFor } from '../core/ids.js';
import { canonicalJson, type JsonObject, sha256 } from '../core/json.js';
import type { ArtifactRef } from '../core/exchange.js';
import type { RunInput } from '../core/messages.js';
import type { Store } from '../core/ports.js';
import { didYouMean } from '../core/suggest.js';
import { allSteps, isAsking } from '../definition/steps.js';
import { type WorkflowDefinition } from '../definition/workflow.js';
import { pastBefore } from '../machines/forking.js';
import { newRunRecord } from '../machines/records.js';
import { checkKey, checkTask, slotOf } from './client-requests.js';
import { load, type SteeringMeans } from './client-steer.js';
import { stateOf } from './codec.js';
import { untilKnown } from './until-known.js';

export interface ForkRequest {
  /** Path of the step that the new run begins with. */
  readonly from: string;
  /** Fields of the task that are other ones. */
  readonly task: JsonObject;
  /** Personas that are asked instead, by id of the step. */
  readonly personas: Readonly<Record<string, string>>;
  readonly by: string;
  readonly idempotencyKey?: string | undefined;
}

export type ForkMeans = SteeringMeans & { readonly store: Pick<Store, 'namespace' | 'artifacts'> };

/** Most bytes of JSON that a run is started with, its past included. */
const INPUT_LIMIT_BYTES = 8 * 1024 * 1024;

/**
 * Starts a run that shares the past of another one; `created` is false when this key has done so before. Throws
 * STEERING_REFUSED when there is no such past, RUN_NOT_FOUND, RUN_UNREADABLE, TASK_INVALID, IDEMPOTENCY_CONFLICT, USAGE.
 */
export async function fork(
  means: ForkMeans,
  source: string,
  request: ForkRequest,
): Promise<{ readonly run: string; readonly created: boolean }> {
  const { store, partitions, ids } = means;
  checkKey(request.idempotencyKey);
  const stored = await load(means, source);
  const plan = await means.plans.get(stored.definition);
  const state = stateOf(stored, plan);
  const past = pastBefore(state, request.from);
  if ('refused' in past) throw new CoordError('STEERING_REFUSED', `run ${source}: ${past.refused}`);
  const definition = withPersonas(plan.definition, request.personas);
  const task = { ...state.input.task, ...request.task };
  checkTask(definition, task);
  const slot = slotOf(definition, task);
  const key = `fork\n${source}\n${request.idempotencyKey ?? ids.nonce()}`;
  const home = partitionOf(source, partitions);
  const run =
    slot === null
      ? idIn(home, { name: definition.name, key, partitions })
      : runIdFor(definition.name, key, { text: slot.key, partitions });
  const { workspace } = state.input;
  const base = past.head ?? workspace?.base ?? '';
  const input: RunInput = {
    task,
    workspace: workspace === null ? null : { ...workspace, base, branch: `coord/${run}` },
    parent: null,
    past: { run: source, step: request.from, by: request.by, steps: past.steps },
  };
  const inputText = canonicalJson(input as unknown as JsonObject);
  const bytes = Buffer.byteLength(inputText);
  if (bytes > INPUT_LIMIT_BYTES)
    throw new CoordError(
      'TASK_INVALID',
      `what run ${source} came to before step ${request.from} has ${String(bytes)} bytes of JSON, more than ${String(INPUT_LIMIT_BYTES)}`,
    );
  const json = canonicalJson(definition as unknown as JsonObject);
  const hash = sha256(json);
  const partition = partitionOf(run, partitions);
  const createdAt = await untilKnown(means.clock, () => store.namespace.time());
  const head = input.workspace?.base ?? null;
  const record = newRunRecord({ id: run, workflow: definition.name, createdAt, head, slot, parent: null });
  const answer = await untilKnown(means.clock, async () => {
    await store.namespace.putDefinition(hash, json);
    if (partition !== home) await copyArtifacts(store, { past: past.steps, from: home, to: partition });
    return store.admission.admit({
      kind: 'start',
      partition,
      run,
      idempotencyKey: `start:${run}`,
      requestHash: sha256(`${hash}\n${inputText}`),
      definition: hash,
      input: inputText,
      record: JSON.stringify(record),
      slot,
    });
  });
  if (answer.outcome === 'conflict')
    throw new CoordError(
      'IDEMPOTENCY_CONFLICT',
      `the key has forked run ${source} as run ${run} in another way, or the run has moved on since; use another key`,
    );
  return { run, created: answer.outcome === 'admitted' };
}

/** Throws USAGE for a step that there is not, or that asks nobody. */
function withPersonas(definition: WorkflowDefinition, personas: ForkRequest['personas']): WorkflowDefinition {
  const changed = structuredClone(definition);
  const steps = [...allSteps(changed.steps)];
  for (const [id, persona] of Object.entries(personas)) {
    const step = steps.find((one) => one.id === id);
    const known = steps.filter(isAsking).map((one) => one.id);
    if (step === undefined || !('persona' in step))
      throw new CoordError('USAGE', `no step "${id}" asks a persona.${didYouMean(id, known)}`);
    Object.assign(step, { persona });
  }
  return changed;
}

/** An id in the partition of the run that it shares its artifacts with. */
function idIn(wanted: number, { name, key, partitions }: { name: string; key: string; partitions: number }): string {
  for (let count = 0; ; count++) {
    const id = runIdFor(name, `${key}\n${String(count)}`);
    if (partitionOf(id, partitions) === wanted) return id;
  }
}

async function copyArtifacts(
  { artifacts }: ForkMeans['store'],
  { past, from, to }: { past: Readonly<Record<string, JsonObject>>; from: number; to: number },
): Promise<void> {
  for (const record of Object.values(past))
    for (const { sha256: hash } of record['artifacts'] as unknown as readonly ArtifactRef[]) {
      const content = await artifacts.get(from, hash);
      if (content !== null) await artifacts.put(to, content);
    }
}
