/** Findings as a person reads them, one below the other. */
import type { Finding } from '../../core/finding.js';
import type { Palette } from './paint.js';
import { oneLine } from './printable.js';
import { pad, widthOf } from './width.js';

const LOOK: Readonly<Record<Finding['level'], { readonly sign: string; readonly paint: keyof Palette }>> = {
  ok: { sign: '✓', paint: 'good' },
  warning: { sign: '!', paint: 'warning' },
  error: { sign: '✗', paint: 'bad' },
};

/** Nothing is cut: whatever is said here is said to be read, and cures to be copied. */
export function findingLines(findings: readonly Finding[], colors: Palette): string {
  const width = Math.max(0, ...findings.map(({ subject }) => widthOf(oneLine(subject))));
  return findings
    .flatMap(({ level, subject, message, cure }) => {
      const { sign, paint } = LOOK[level];
      const line = `${colors[paint](sign)} ${pad(oneLine(subject), width)}  ${oneLine(message)}`;
      return cure === null ? [line] : [line, `  ${pad('', width)}  ${colors.dim('→')} ${oneLine(cure)}`];
    })
    .join('\n');
}
