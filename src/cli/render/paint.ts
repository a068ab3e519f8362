/** Colors by meaning; every status looks the same wherever it is shown. */
import picocolors from 'picocolors';
import type { RunStatus, StepStatus } from '../../core/statuses.js';

type Paint = (text: string) => string;

export interface Palette {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly good: Paint;
  readonly bad: Paint;
  readonly warning: Paint;
  readonly active: Paint;
}

export function palette(color: boolean): Palette {
  const { bold, dim, green, red, yellow, cyan } = picocolors.createColors(color);
  return { bold, dim, good: green, bad: red, warning: yellow, active: cyan };
}

const LOOK: Readonly<Record<RunStatus | StepStatus, keyof Palette>> = {
  pending: 'dim',
  queued: 'dim',
  running: 'active',
  working: 'active',
  waiting: 'warning',
  paused: 'warning',
  retrying: 'warning',
  compensating: 'warning',
  completed: 'good',
  succeeded: 'good',
  failed: 'bad',
  skipped: 'dim',
  canceled: 'warning',
};

export const STEP_SIGN: Readonly<Record<StepStatus, string>> = {
  pending: '·',
  queued: '○',
  working: '●',
  waiting: '?',
  retrying: '↻',
  succeeded: '✓',
  failed: '✗',
  skipped: '-',
  canceled: '⊘',
};

export function paintStatus(colors: Palette, status: RunStatus | StepStatus, text: string = status): string {
  return colors[LOOK[status]](text);
}
