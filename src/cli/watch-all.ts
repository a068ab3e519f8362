/** `coord watch` without a run: what happens to all runs of the namespace from now on, one line per fact. */
import type { Fact } from '../core/facts.js';
import type { Session } from './application.js';
import { type Call, print } from './call.js';
import { EXIT } from './exit-codes.js';
import { FactTeller } from './render/fact-line.js';
import { oneLine } from './render/printable.js';

/** Runs whose beginnings are remembered; of the longest forgotten one a duration is not told. */
const TELLERS = 1_000;

/** Until Ctrl-C, which is how one leaves it. */
export async function watchAll(call: Call, { observer }: Session, json: boolean): Promise<number> {
  const stop = new AbortController();
  const release = call.io.onInterrupt(() => stop.abort());
  const tellers = new Map<string, FactTeller>();
  try {
    for await (const fact of observer.watch(stop.signal)) {
      if (json) print(call, JSON.stringify(fact));
      else tell(call, fact, tellers);
    }
    return EXIT.ok;
  } finally {
    release();
  }
}

function tell(call: Call, fact: Fact, tellers: Map<string, FactTeller>): void {
  const teller = tellers.get(fact.run) ?? new FactTeller();
  tellers.set(fact.run, teller);
  const line = teller.line(fact);
  if (line !== null) print(call, `${call.colors.dim(oneLine(fact.run))}  ${line}`);
  const [oldest] = tellers.keys();
  if (fact.type === 'run.completed' || fact.type === 'run.failed' || fact.type === 'run.canceled')
    tellers.delete(fact.run);
  else if (tellers.size > TELLERS && oldest !== undefined) tellers.delete(oldest);
}
