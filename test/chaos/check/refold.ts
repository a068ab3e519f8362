/** I12: every run is what its history says, to the byte, when that is folded once more through the pinned definition. */
import type { RunVerdict } from '../../../src/coordinator/client-verify.js';
import { Found, type Violation } from './violation.js';

export function historiesGiveTheRuns(verdicts: readonly RunVerdict[]): readonly Violation[] {
  const found = new Found('I12');
  for (const { run, problems, unchecked } of verdicts) {
    for (const { field, version, expected, found: is } of problems)
      found.lost(`${run} version ${String(version)}: ${field} is ${shown(is)}, by its history ${shown(expected)}`);
    for (const what of unchecked) found.lost(`${run}: ${what}`);
  }
  return found.violations;
}

function shown(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
