/** Asks a persona once, without a run and without a store: to see whether it works, and what it makes of a task. */
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { type PersonaRequest, PROTOCOL_VERSION } from '../core/exchange.js';
import type { Finding } from '../core/finding.js';
import type { Ids } from '../core/ids.js';
import type { Trial } from '../core/trial.js';
import { abbreviate } from './plain-text.js';
import { errorReply, type PersonaKind, type RawReply } from './runner.js';
import { type Redaction, withoutSecrets } from './secrets.js';

export interface TrialMeans {
  readonly kind: PersonaKind;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly redaction: Redaction;
}

export interface TrialReply extends RawReply {
  readonly tookMs: number;
}

/** Never rejects: what goes wrong is the reply. */
export async function tryPersona(trial: Trial, { kind, clock, ids, redaction }: TrialMeans): Promise<TrialReply> {
  const nonce = ids.nonce();
  const over = new AbortController();
  const cancel = clock.after(trial.timeoutMs, () => over.abort());
  const began = clock.now();
  const request: PersonaRequest = {
    protocol: PROTOCOL_VERSION,
    run: `trial-${nonce.slice(0, 10)}`,
    workflow: 'trial',
    step: 'trial',
    name: 'A trial',
    persona: trial.persona,
    attempt: 1,
    token: `trial.1.${nonce}`,
    params: trial.params,
    task: trial.task,
    results: {},
    omitted: [],
    workspace: null,
    timeoutMs: trial.timeoutMs,
  };
  try {
    const said = await kind.run(request, {
      signal: AbortSignal.any([trial.signal, over.signal]),
      directory: trial.directory,
      token: request.token,
      worker: `trial-${nonce}`,
      progress: (line) => trial.progress(redaction.piece(line)),
      groupStarted: () => undefined,
    });
    const reply = withoutSecrets(said, redaction);
    const tookMs = clock.now() - began;
    if (!over.signal.aborted) return { ...reply, tookMs };
    const late = errorReply('TIMEOUT', `not done after ${String(trial.timeoutMs)} ms, the limit of this trial`);
    return { ...late, artifacts: reply.artifacts, tookMs };
  } catch (error) {
    return { ...errorReply('PERSONA_ERROR', redaction.text(messageOf(error))), tookMs: clock.now() - began };
  } finally {
    cancel();
  }
}

/** How long a persona may take to say that it is there, ms. */
const ROUND_TRIP_MS = 120_000;
const ROUND_TRIP_TASK = {
  description:
    'This only tests the connection. Do nothing, change no file and use no tool; reply with status "pass" and the result "ok".',
};

/** Asks it for something small, and says what came of it. */
export async function roundTrip(persona: string, means: TrialMeans, signal: AbortSignal): Promise<Finding> {
  const trial = { persona, task: ROUND_TRIP_TASK, params: {}, directory: null, timeoutMs: ROUND_TRIP_MS, signal };
  const { status, error, tookMs, usage } = await tryPersona({ ...trial, progress: () => undefined }, means);
  const seconds = `${(tookMs / 1_000).toFixed(1)} s`;
  const model = usage?.model === undefined ? '' : `, ${usage.model}`;
  if (status === 'pass')
    return { level: 'ok', subject: 'round trip', message: `it answers in ${seconds}${model}`, cure: null };
  const said = error === null ? `it replied ${status}` : `${error.class}: ${abbreviate(error.message, 1_000)}`;
  return {
    level: 'error',
    subject: 'round trip',
    message: `${said} (after ${seconds})`,
    cure: `coord persona try ${persona} "…" shows all that it says`,
  };
}
