/**
 * Every error that coord raises on purpose: one closed catalogue, one class. `docs/errors.md` lists the same
 * codes, and a test compares both. Messages name the thing, its state, and what to do.
 */

interface ErrorKind {
  /** What is wrong, in general; the message says what is wrong in particular. */
  readonly summary: string;
  /** Process exit code of a command that ends with this error. */
  readonly exit: 1 | 2 | 3 | 4;
  /** Whether the same call may succeed later without anything being changed. */
  readonly retryable: boolean;
}

export const ERRORS = {
  USAGE: { summary: 'A command was called with wrong or missing arguments.', exit: 2, retryable: false },
  DEFINITION_INVALID: {
    summary: 'A workflow definition has problems; each is listed with its place.',
    exit: 2,
    retryable: false,
  },
  DEFINITION_NOT_FOUND: { summary: 'No workflow of that name or path exists.', exit: 2, retryable: false },
  DEFINITION_MISSING: { summary: 'A run names a definition that the store does not hold.', exit: 1, retryable: false },
  EXPRESSION_INVALID: {
    summary: 'A condition or template cannot be parsed or uses a name it may not use.',
    exit: 2,
    retryable: false,
  },
  EXPRESSION_FAILED: { summary: 'A condition or template failed while it was evaluated.', exit: 1, retryable: false },
  PERSONA_INVALID: {
    summary: 'A persona file has problems; each is listed with its place.',
    exit: 2,
    retryable: false,
  },
  PERSONA_NOT_FOUND: { summary: 'No persona of that name is known.', exit: 2, retryable: false },
  TASK_INVALID: { summary: 'The task given to a run is not a JSON or YAML object.', exit: 2, retryable: false },
  TEST_INVALID: {
    summary: 'A file of workflow tests has problems; each is listed with its place.',
    exit: 2,
    retryable: false,
  },
  WORKSPACE_INVALID: {
    summary: 'The folder is not a git repository that a run can branch from.',
    exit: 2,
    retryable: false,
  },
  GIT_REFUSED: {
    summary: 'A git operation may not be done, or cannot be as it was asked for.',
    exit: 2,
    retryable: false,
  },
  GIT_FAILED: { summary: 'A git command failed.', exit: 1, retryable: false },
  RUN_NOT_FOUND: { summary: 'No run with that id exists in the namespace.', exit: 2, retryable: false },
  RUN_UNREADABLE: {
    summary: 'A stored run cannot be read; it is set aside and other runs go on.',
    exit: 1,
    retryable: false,
  },
  RUN_ENDED: { summary: 'The run has ended already, so nothing can be done to it.', exit: 2, retryable: false },
  LOCK_HELD: { summary: 'A named lock is held by somebody else.', exit: 1, retryable: true },
  LOCK_NOT_HELD: { summary: 'Nobody holds a lock of that name.', exit: 2, retryable: false },
  LOCK_LOST: {
    summary: 'A lock was not renewed in time or was taken away, so it is not held any more.',
    exit: 1,
    retryable: false,
  },
  DECISION_REFUSED: {
    summary: 'An answer was not taken: nothing is asked, or it is none of the choices, or does not fit the form.',
    exit: 2,
    retryable: false,
  },
  STEERING_REFUSED: {
    summary: 'The run cannot be steered like that as it stands; nothing was changed.',
    exit: 2,
    retryable: false,
  },
  MIGRATION_REFUSED: {
    summary: 'The run cannot go on with the other definition: steps of it do not fit.',
    exit: 2,
    retryable: false,
  },
  INTEGRITY: {
    summary: 'What is stored is not what was stored: a history, a record or a backup was changed.',
    exit: 1,
    retryable: false,
  },
  BACKUP_REFUSED: {
    summary: 'A backup cannot be made or restored here; the message says what is in the way.',
    exit: 2,
    retryable: false,
  },
  SCHEDULE_INVALID: {
    summary: 'A schedule has problems; each is listed with its place.',
    exit: 2,
    retryable: false,
  },
  SCHEDULE_NOT_FOUND: { summary: 'No schedule of that name is stored in the namespace.', exit: 2, retryable: false },
  SCHEDULE_UNREADABLE: { summary: 'A stored schedule cannot be read; it starts nothing.', exit: 1, retryable: false },
  IDEMPOTENCY_CONFLICT: {
    summary: 'An idempotency key was used again with a different request.',
    exit: 2,
    retryable: false,
  },
  ARTIFACT_NOT_FOUND: {
    summary: 'No artifact with that name or hash is stored for the run.',
    exit: 2,
    retryable: false,
  },
  ARTIFACT_TOO_LARGE: { summary: 'An artifact is larger than the limit.', exit: 1, retryable: false },
  PARTITION_MISMATCH: {
    summary: 'The namespace was created with another number of partitions.',
    exit: 2,
    retryable: false,
  },
  FORMAT_UNKNOWN: {
    summary: 'The namespace, or the run, was written by a newer version of coord.',
    exit: 1,
    retryable: false,
  },
  NAMESPACE_GONE: {
    summary: 'The store does not hold the namespace any more that this process opened.',
    exit: 1,
    retryable: false,
  },
  REDIS_UNREACHABLE: { summary: 'The Redis server does not answer.', exit: 1, retryable: true },
  REDIS_NOT_WRITABLE: {
    summary: 'The Redis server answers and takes no writes for now.',
    exit: 1,
    retryable: true,
  },
  REDIS_DENIED: {
    summary: 'The Redis server does not let this user in, or not do what coord does.',
    exit: 1,
    retryable: true,
  },
  REDIS_FULL: {
    summary: 'Redis is short of memory, so no new run is taken in; those that run go on.',
    exit: 1,
    retryable: false,
  },
  REDIS_UNSUITABLE: {
    summary: 'The Redis server runs with a setting or version that would break a promise.',
    exit: 1,
    retryable: false,
  },
  REDIS_SCRIPT: { summary: 'A Redis script gave a reply that its header does not name.', exit: 1, retryable: false },
  REDIS_START_FAILED: { summary: 'The private Redis server could not be started.', exit: 1, retryable: false },
  OUTCOME_UNKNOWN: {
    summary: 'A write was sent but its answer never came: it may or may not have been applied.',
    exit: 1,
    retryable: true,
  },
  NOT_CONFIRMED: {
    summary: 'A write is stored on the master, and on fewer replicas than confirmed mode asks for.',
    exit: 1,
    retryable: true,
  },
  HOST_START_FAILED: {
    summary: 'The background process that hosts runs could not be started.',
    exit: 1,
    retryable: false,
  },
  FAILPOINT: { summary: 'A failpoint asked for this error; only tests set failpoints.', exit: 1, retryable: true },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

export class CoordError extends Error {
  override readonly name = 'CoordError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }

  get exit(): number {
    return ERRORS[this.code].exit;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}

export function hasCode(error: unknown, code: ErrorCode): error is CoordError {
  return error instanceof CoordError && error.code === code;
}

/** The text of whatever was thrown, for messages and records; never a stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
