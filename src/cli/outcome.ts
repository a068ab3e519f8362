/** What `run` and `watch` have in common: following to the end, and saying how it went. */
import { askInPlace } from './asking-in-place.js';
import { type Call, note, print, printJson } from './call.js';
import { exitOf, follow, type Followed, type FollowWant, type Teller } from './follow.js';
import { summary } from './render/summary.js';
import { lineTeller, liveTeller, silentTeller } from './tellers.js';

export interface OutcomeWant extends Omit<FollowWant, 'teller'> {
  /** One document on stdout at the end, and nothing else there. */
  readonly json: boolean;
}

/** Returns the exit code. */
export async function followToTheEnd(call: Call, want: OutcomeWant): Promise<number> {
  const { session, run, json } = want;
  const { io } = call;
  const followOn = (untilWaiting: boolean | undefined): Promise<Followed> =>
    follow(call, { ...want, untilWaiting, teller: tellerFor(call, want) });
  const followed =
    io.prompts === null || !io.isTTY || json || want.untilWaiting === true
      ? await followOn(want.untilWaiting)
      : await askInPlace(call, { session, prompts: io.prompts, follow: followOn });
  const exitCode = exitOf(followed);
  if (followed.detached) note(call, wayBack({ run, durable: session.durable, hosting: want.hosting }));
  if (json) printJson(call, { ...document(followed, run), exitCode });
  else if (!followed.detached) print(call, summary(followed.view, { ...call, durable: session.durable }));
  return exitCode;
}

function tellerFor(call: Call, { session, run, json }: OutcomeWant): Teller {
  if (json) return silentTeller(call);
  return call.io.isTTY ? liveTeller(call, { client: session.client, run }) : lineTeller(call);
}

function document({ view }: Followed, run: string): object {
  return view ?? { id: run };
}

function wayBack({ run, durable, hosting }: { run: string; durable: boolean } & Pick<OutcomeWant, 'hosting'>): string {
  if (!durable) return `The run ${run} ended with this process.`;
  if (hosting?.kind === 'in-process') return `The run stands still until it is hosted again: coord watch ${run}`;
  return `Detached. The run goes on: coord watch ${run}`;
}
