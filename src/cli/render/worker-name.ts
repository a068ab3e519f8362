/** Workers are named `host:pid:nonce`; for people the last part tells them apart. */
import { oneLine } from './printable.js';

const LONGEST = 20;

export function workerName(worker: string | null): string {
  if (worker === null || worker === '') return '';
  const last = worker.split(':').findLast((part) => part !== '') ?? worker;
  return oneLine(last.slice(0, LONGEST));
}
