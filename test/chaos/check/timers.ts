/** Timers: each fires once at most, and never before its time by the store's clock. */
import { timerId } from '../../../src/core/messages.js';
import type { Dump } from '../dump.js';
import { runsOf } from './journals.js';
import { Found, type Violation } from './violation.js';

/** I9. Returns how late those were whose time is known, too: it says what the faults cost. */
export function timersFireOnce(dump: Dump): {
  readonly violations: readonly Violation[];
  readonly lateMs: readonly number[];
} {
  const found = new Found('I9');
  const lateMs: number[] = [];
  for (const { run, entries } of runsOf(dump)) {
    const fired = new Set<string>();
    const due = new Map<string, number>();
    for (const { messages, facts } of entries) {
      for (const message of messages) {
        if (message.kind !== 'timer') continue;
        const id = timerId(message.timer);
        if (fired.has(id)) found.duplicated(`${run}: the timer ${id} fired twice`);
        fired.add(id);
        const time = due.get(id);
        if (time === undefined) continue;
        if (message.at < time) found.duplicated(`${run}: the timer ${id} fired ${String(time - message.at)} ms early`);
        lateMs.push(message.at - time);
      }
      for (const fact of facts) {
        if (fact.type === 'step.waiting' && fact.waitsFor.kind === 'time')
          due.set(timerId({ kind: 'wait', run, step: fact.step, attempt: 1 }), Math.floor(fact.waitsFor.until));
        if (fact.type === 'step.retrying' && fact.delayMs > 0)
          due.set(
            timerId({ kind: 'retry', run, step: fact.step, attempt: fact.attempt }),
            Math.floor(fact.at + fact.delayMs),
          );
      }
    }
  }
  return { violations: found.violations, lateMs };
}
