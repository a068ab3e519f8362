/** What the program's exit code says. `docs/cli.md` has the same table. */
import type { RunStatus } from '../core/statuses.js';

export const EXIT = {
  ok: 0,
  /** A run failed, or something went wrong while it was done. */
  failed: 1,
  /** Called wrongly, or a definition, persona or task that is not valid: nothing was done. */
  usage: 2,
  canceled: 3,
  /** The run waits for a person. */
  waiting: 4,
  /** Ctrl-C: the command left, whatever the run does. */
  interrupted: 130,
} as const;

/** Of a command that followed a run, by the status it left the run in. Only `--detach` leaves one that moves by itself. */
export const EXIT_OF_RUN: Readonly<Record<RunStatus, number>> = {
  pending: EXIT.ok,
  running: EXIT.ok,
  waiting: EXIT.waiting,
  paused: EXIT.waiting,
  compensating: EXIT.ok,
  completed: EXIT.ok,
  failed: EXIT.failed,
  canceled: EXIT.canceled,
};
