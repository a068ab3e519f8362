/** What people are asked in a namespace: every question that is open, oldest first. */
import { hasCode } from '../core/errors.js';
import type { Question } from '../core/facts.js';
import type { RunStatus } from '../core/statuses.js';
import type { RunView, StepView } from '../core/views.js';
import type { Client } from './client.js';

export interface OpenQuestion {
  readonly run: string;
  readonly workflow: string;
  /** Path of the step that asks. */
  readonly step: string;
  readonly question: Question;
  readonly form: StepView['form'];
  /** Since when it is open, ms; null when the record does not say. */
  readonly since: number | null;
}

export interface InboxWanted {
  /** Only what this person is asked by name, or what is asked of nobody by name. */
  readonly assignee?: string | undefined;
  readonly workflow?: string | undefined;
  /** Only this step: its path, or its id. */
  readonly step?: string | undefined;
}

export interface Inbox {
  readonly questions: readonly OpenQuestion[];
  /** Whether there were more runs under way than were looked at. */
  readonly more: boolean;
}

/** Newest runs that are looked at. */
const RUNS = 1_000;
const AT_ONCE = 16;
/** In which a run can ask. */
const ASKING: readonly RunStatus[] = ['waiting', 'running', 'compensating', 'paused'];

/** Of the newest 1,000 runs under way. One that cannot be read asks nothing. Throws REDIS_UNREACHABLE. */
export async function openQuestions(client: Client, { assignee, workflow, step }: InboxWanted): Promise<Inbox> {
  const runs = await client.list({ statuses: ASKING, limit: RUNS + 1 });
  const looked = runs
    .slice(0, RUNS)
    .filter((run) => run.quarantined === null && (workflow === undefined || run.workflow === workflow));
  const questions: OpenQuestion[] = [];
  for (let first = 0; first < looked.length; first += AT_ONCE) {
    const views = await Promise.all(looked.slice(first, first + AT_ONCE).map(async ({ id }) => viewOf(client, id)));
    for (const view of views) if (view !== null) questions.push(...questionsOf(view));
  }
  const isMine = ({ question: { assignees } }: OpenQuestion): boolean =>
    assignee === undefined || assignees.length === 0 || assignees.includes(assignee);
  const isMeant = ({ step: path }: OpenQuestion): boolean =>
    step === undefined || path === step || path.endsWith(`/${step}`);
  return {
    questions: questions
      .filter((one) => isMine(one) && isMeant(one))
      .toSorted((a, b) => (a.since ?? 0) - (b.since ?? 0)),
    more: runs.length > RUNS,
  };
}

async function viewOf(client: Client, run: string): Promise<RunView | null> {
  try {
    return await client.get(run);
  } catch (error) {
    // Collected meanwhile, damaged, or of a newer coord.
    const codes = ['RUN_NOT_FOUND', 'RUN_UNREADABLE', 'DEFINITION_MISSING', 'FORMAT_UNKNOWN'] as const;
    if (!codes.some((code) => hasCode(error, code))) throw error;
    return null;
  }
}

function questionsOf({ id: run, workflow, steps }: RunView): readonly OpenQuestion[] {
  return steps.flatMap(({ id: step, status, waitsFor, form, begunAt }) =>
    status === 'waiting' && waitsFor?.kind === 'decision'
      ? [{ run, workflow, step, question: waitsFor.question, form, since: waitsFor.question.at ?? begunAt }]
      : [],
  );
}
