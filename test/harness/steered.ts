/** Steers a run of the fold bench by what stands alone: retry, skip, restart. */
import type { SteeringMessage } from '../../src/core/steering.js';
import { applyFold } from '../../src/machines/state.js';
import { foldSteering } from '../../src/machines/steering.js';
import type { Bench } from './fold-bench.js';

type Wanted = SteeringMessage extends infer M ? (M extends SteeringMessage ? Omit<M, 'by' | 'reason'> : never) : never;

/** Folds what stands alone as the coordinator does. Returns why it was refused, or null. */
function steer(bench: Bench, wanted: Wanted): string | null {
  const message = { ...wanted, ...bench.stamp(), by: 'ada', reason: 'because' } as SteeringMessage & {
    id: string;
    at: number;
  };
  const { state, result } = foldSteering(bench.state, message);
  bench.last = result;
  bench.facts.push(...result.facts);
  bench.state = applyFold(state, result, '');
  const [fact] = result.facts;
  return fact?.type === 'message.ignored' ? fact.reason : null;
}

export const retry = (bench: Bench): string | null => steer(bench, { kind: 'retry' });
export const skip = (bench: Bench, path: string): string | null => steer(bench, { kind: 'skip', step: path });
export const restart = (bench: Bench, path: string): string | null => steer(bench, { kind: 'restart', step: path });
