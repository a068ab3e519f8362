/** Which steering a run takes as it stands. The client asks before it sends it, the fold when it arrives. */
import { refusedWhile, type SteeringMessage } from '../core/steering.js';
import type { RunState } from './state.js';

/** Why it would change nothing, or null. */
export function refusalOfSteering({ record }: Pick<RunState, 'record'>, { kind }: SteeringMessage): string | null {
  return refusedWhile(record.status, kind);
}
