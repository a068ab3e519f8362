/** What is asked of a persona: one attempt of one step as a request, with what the steps before it came to. */
import { type JsonObject, sha256 } from '../core/json.js';
import { type Ceiling, type PersonaRequest, PROTOCOL_VERSION, RESULTS_LIMIT } from '../core/exchange.js';
import { stepIsSettled } from '../core/statuses.js';
import type { Scope } from '../expression/scope.js';
import { isWithin } from '../expression/size.js';
import type { PlannedStep } from '../definition/plan.js';
import { type RenderedRequest, renderDuration, renderField, renderObject, renderText } from '../definition/render.js';
import { hasPersona, isAsking, personasOf } from '../definition/steps.js';
import { reserve } from './budgets.js';
import { handoverTo } from './handover.js';
import { planned, prefixOf, resolve } from './instances.js';
import type { StepRecord } from './records.js';
import { scopeOf } from './scope.js';
import type { Draft } from './state.js';
import { outcomeOf } from './values.js';

/** The texts of a request. Throws EXPRESSION_FAILED, naming step and field. */
export function renderRequest(step: PlannedStep, scope: Scope): RenderedRequest {
  const { definition } = step;
  return {
    name: renderText(step, 'name', scope) ?? definition.id,
    params: paramsOf(step, scope),
    timeoutMs: renderDuration(step, 'timeout', scope),
    queueMs: renderDuration(step, 'queue_timeout', scope),
  };
}

function paramsOf(step: PlannedStep, scope: Scope): JsonObject {
  switch (step.definition.type) {
    case 'git-operation':
      return gitParams(step, scope);
    case 'verify': {
      const { expect, protect = [] } = step.definition;
      return { run: renderField(step, 'run', scope), tests: expect?.tests.min ?? null, protect: [...protect] };
    }
    default:
      return renderObject(step, 'params', scope);
  }
}

function gitParams(step: PlannedStep, scope: Scope): JsonObject {
  const { definition } = step;
  const operation = definition.type === 'git-operation' ? definition.operation : '';
  const text = (field: string): string | null => renderText(step, field, scope);
  return { operation, branch: text('branch'), from: text('from'), message: text('message'), remote: text('remote') };
}

/** The persona that is asked now; empty for a step that asks none. */
export function askedPersona(draft: Draft, path: string): string {
  const { definition } = planned(draft, path);
  const personas = isAsking(definition) ? personasOf(definition) : [];
  return personas[draft.step(path).more.asked ?? 0] ?? personas[0] ?? '';
}

/** Puts the step's next attempt on the persona's stream. Throws EXPRESSION_FAILED. */
export function dispatch(draft: Draft, path: string, step: PlannedStep): { queueMs: number | null } {
  const { definition } = step;
  if (!isAsking(definition)) return { queueMs: null };
  const rendered = draft.rendered.get(path) ?? renderRequest(step, scopeOf(draft, path, step));
  draft.rendered.delete(path);
  const persona = askedPersona(draft, path);
  const attempt = draft.step(path).attempt + 1;
  const { workspace } = draft.state.input;
  const { answers } = draft.step(path).more;
  const request: Omit<PersonaRequest, 'token' | 'results' | 'omitted'> = {
    protocol: PROTOCOL_VERSION,
    run: draft.record.id,
    workflow: draft.record.workflow,
    step: path,
    name: rendered.name,
    persona,
    attempt,
    params: rendered.params,
    task: draft.state.input.task,
    workspace: workspace === null ? null : { ...workspace, commit: startOf(draft, path) ?? workspace.base },
    timeoutMs: rendered.timeoutMs,
    ...(answers !== undefined && { answers }),
  };
  const text = `${JSON.stringify(request).slice(1, -1)},${outcomesBefore(draft, path, step)}`;
  const token = `${path}.${String(attempt)}.${sha256(text).slice(0, 16)}`;
  const rest = besides(draft, path, { step, persona, ceiling: reserve(draft, path) });
  draft.requests.push({ persona, body: `{"token":${JSON.stringify(token)},${text}${rest}}` });
  draft.asked += text.length + rest.length;
  draft.setStep(path, {
    attempt,
    token,
    queuedAt: draft.cause.at,
    begunAt: null,
    endedAt: null,
    worker: null,
    verdict: null,
    result: null,
    artifacts: [],
    commit: null,
  });
  const at = { run: draft.record.id, at: draft.cause.at, cause: draft.cause.id };
  draft.facts.push({ ...at, type: 'step.queued', step: path, attempt, persona, token });
  return { queueMs: rendered.queueMs };
}

/**
 * What the token does not name: it follows from the pinned definition, or says how to go on with what the token names.
 * Members of the request, each with a comma before it.
 */
function besides(
  draft: Draft,
  path: string,
  {
    step: { definition },
    persona,
    ceiling,
  }: { readonly step: PlannedStep; readonly persona: string; readonly ceiling: Ceiling | undefined },
): string {
  const output = definition.type === 'persona-request' && definition.output !== true ? definition.output : null;
  const rest: Partial<PersonaRequest> = {
    ...(output !== null && { output }),
    ...goingOn(draft, path, persona),
    ...(ceiling !== undefined && { ceiling }),
    ...(hasPersona(definition) && definition.resume_from === 'attempt' && { keep: true }),
  };
  const text = JSON.stringify(rest).slice(1, -1);
  return text === '' ? '' : `,${text}`;
}

function goingOn(draft: Draft, path: string, persona: string): Pick<PersonaRequest, 'session' | 'handover'> {
  const session = draft.step(path).more.sessions?.[persona];
  const handover = handoverTo(draft, path, persona);
  return { ...(session !== undefined && { session }), ...(handover !== null && { handover }) };
}

/** The commit that the attempt starts from: where the run stands, or what the attempt before it had done. */
function startOf(draft: Draft, path: string): string | null {
  return draft.step(path).more.work ?? draft.record.head;
}

/** The outcomes that a request carries, as its members `results` and `omitted`: the nearest steps before it, as many as fit. */
function outcomesBefore(draft: Draft, path: string, step: PlannedStep): string {
  const results: string[] = [];
  const omitted: string[] = [];
  const from = { prefix: prefixOf(path), frames: step.frames };
  let bytes = 0;
  for (const id of step.ancestors) {
    const at = resolve(draft, id, from);
    const outcome = at === null ? null : outcomeText(draft, at);
    if (outcome === null) continue;
    if (bytes + outcome.bytes > RESULTS_LIMIT.bytes) {
      omitted.push(id);
      continue;
    }
    bytes += outcome.bytes;
    results.push(`${JSON.stringify(id)}:${outcome.text}`);
  }
  return `"results":{${results.join(',')}},"omitted":${JSON.stringify([...omitted, ...step.ancestorsOmitted])}`;
}

interface OutcomeText {
  readonly text: string;
  readonly bytes: number;
}

/** By record: what a settled step came to stands in many requests, and is written out once. */
const texts = new WeakMap<StepRecord, OutcomeText>();

function outcomeText(draft: Draft, path: string): OutcomeText | null {
  const record = draft.step(path);
  const known = texts.get(record);
  if (known !== undefined) return known;
  const outcome = outcomeOf(draft, path);
  if (outcome === null) return null;
  // Never written out when it is too large to be carried: what ten thousand items came to may be.
  const text = isWithin(outcome, RESULTS_LIMIT.bytes) ? JSON.stringify(outcome) : '';
  const written = { text, bytes: text === '' ? Number.POSITIVE_INFINITY : Buffer.byteLength(text) };
  // The value of an open block is that of the steps in it.
  if (record.more.block === undefined || stepIsSettled(record.status)) texts.set(record, written);
  return written;
}
