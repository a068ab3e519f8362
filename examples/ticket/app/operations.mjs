/**
 * What a run does to its ticket. Each operation takes the ticket (null when there is none) and `by`: the run, step,
 * attempt and token that ask, with their params; it returns the ticket as it is then, or throws.
 *
 * A step may be asked more than once for the same thing, and a program that hung may wake up when its step has long been
 * done again. So the ticket keeps the token and attempt of each step that has written: the same token changes nothing
 * more, and an attempt that is older than one that has written is refused.
 */
import { Refusal } from './lifecycle.mjs';

/** The ticket is not held by this run at this moment: worth another try, since the run may be about to take it. */
export class NotHeld extends Error {}

const STEPS = 11;

/** What a run may write into the ticket; the rest is the application's own. */
const FIELDS = [
  'intent',
  'type',
  'findings',
  'repositoryContext',
  'apiContext',
  'draft',
  'questions',
  'answers',
  'acceptanceCriteria',
  'assumptions',
  'repositoryPaths',
];

const OPERATIONS = {
  /** Makes the ticket when there is none. One that is there keeps what its author has written. */
  open(ticket, { params }) {
    if (ticket !== null) return ticket;
    if (!params.title)
      throw new Refusal(`there is no ticket ${params.ticket}, and the task has no title to make one of`);
    return newTicket(params);
  },

  /** From now on only this run writes. */
  lock(ticket, by) {
    return taken(existing(ticket, by), by);
  },

  /** How far the generation is, and what it has found so far. */
  progress(ticket, by) {
    const { at, status, message, set } = by.params;
    const held = taken(existing(ticket, by), by);
    return {
      ...held,
      ...written(set),
      status: status ?? held.status,
      generation: {
        ...held.generation,
        state: status?.startsWith('suspended') ? 'suspended' : 'running',
        currentStep: at,
        message: message ?? null,
      },
    };
  },

  /** What the generation came to. */
  save(ticket, by) {
    const held = taken(existing(ticket, by), by);
    return {
      ...held,
      ...written(by.params.set),
      status: 'ready',
      failure: null,
      generation: { ...held.generation, state: 'complete', currentStep: STEPS, message: null },
    };
  },

  unlock(ticket, by) {
    return isHeld(ticket, by) ? closed(ticket, by) : (ticket ?? null);
  },

  /** The generation has failed. A ticket that is held by another run, or by none, is not this run's to mark. */
  'mark-failed'(ticket, by) {
    if (!isHeld(ticket, by)) return ticket ?? null;
    if (ticket.status === 'ready') return closed(ticket, by);
    const failure = { run: by.run, ...failedStep(by.params.statuses) };
    return closed(
      {
        ...ticket,
        status: 'failed',
        failure,
        generation: { ...ticket.generation, state: 'failed', message: failure.message },
      },
      by,
    );
  },

  /** The generation was given up: the ticket is its author's again. */
  release(ticket, by) {
    if (!isHeld(ticket, by)) return ticket ?? null;
    if (ticket.status === 'ready') return closed(ticket, by);
    const message = by.params.message ?? 'the run was canceled';
    return closed({ ...ticket, status: 'draft', generation: { ...ticket.generation, state: 'canceled', message } }, by);
  },

  delete(ticket, by) {
    if (ticket === null) return null;
    return { id: ticket.id, deleted: true, applied: taken(ticket, by).applied, closed: [...ticket.closed, by.run] };
  },
};

/** Carries an operation out; a repeated one changes nothing. */
export function operate(ticket, by) {
  const operation = Object.hasOwn(OPERATIONS, by.params.operation) ? OPERATIONS[by.params.operation] : null;
  if (operation === null)
    throw new Refusal(`"${by.params.operation}" is no operation; there are ${Object.keys(OPERATIONS).join(', ')}`);
  const before = ticket?.applied[place(by)];
  if (before?.token === by.token) return ticket;
  if (before !== undefined && before.attempt > by.attempt)
    throw new Refusal(
      `attempt ${by.attempt} of ${by.step} comes too late: attempt ${before.attempt} has written already`,
    );
  const after = operation(ticket, by);
  if (after === ticket) return ticket;
  return { ...after, applied: { ...after.applied, [place(by)]: { attempt: by.attempt, token: by.token } } };
}

export function newTicket({ ticket, title, description, repository, api }) {
  return {
    id: ticket,
    status: 'draft',
    title,
    description: description ?? '',
    repository: repository ?? null,
    api: api ?? null,
    ...Object.fromEntries(FIELDS.map((field) => [field, null])),
    findings: [],
    questions: [],
    acceptanceCriteria: [],
    assumptions: [],
    repositoryPaths: [],
    failure: null,
    lock: null,
    generation: null,
    applied: {},
    closed: [],
  };
}

function existing(ticket, by) {
  if (ticket === null) throw new Refusal(`there is no ticket ${by.params.ticket}`);
  return ticket;
}

function isHeld(ticket, by) {
  return ticket?.lock?.run === by.run;
}

/**
 * The ticket, held by this run. A run takes one that is free; but one that it has given back, because it had failed or
 * was canceled, only with `lock` or with a step that runs again: what comes late from before must not take it again.
 */
function taken(ticket, by) {
  if (isHeld(ticket, by)) return ticket;
  if (ticket.lock !== null) throw new Refusal(lockedMessage(ticket));
  const again = (ticket.applied[place(by)]?.attempt ?? by.attempt) < by.attempt;
  if (by.params.operation !== 'lock' && ticket.closed.includes(by.run) && !again)
    throw new NotHeld(`run ${by.run} has given ${ticket.id} back`);
  return {
    ...ticket,
    status: 'generating',
    failure: null,
    lock: { run: by.run, since: new Date().toISOString() },
    generation: { run: by.run, state: 'running', currentStep: 0, totalSteps: STEPS, message: null },
  };
}

/** Which step failed; none did when the time of the run was over. */
function failedStep(statuses) {
  const [step = null] = Object.entries(statuses).find(([, status]) => status === 'error' || status === 'fail') ?? [];
  return { step, message: step === null ? 'the time of the run was over' : `step ${step} failed` };
}

export function lockedMessage({ id, lock }) {
  return `${id} is being generated by run ${lock.run}; wait for it, or cancel it: coord cancel ${lock.run}`;
}

function closed(ticket, { run }) {
  return { ...ticket, lock: null, closed: [...ticket.closed.filter((one) => one !== run), run] };
}

function written(set = {}) {
  const unknown = Object.keys(set).filter((field) => !FIELDS.includes(field));
  if (unknown.length > 0)
    throw new Refusal(`a run may not write ${unknown.join(', ')}; it may write ${FIELDS.join(', ')}`);
  return set;
}

function place({ run, step }) {
  return `${run}/${step}`;
}
