/** `coord incidents`: what the store has lost of what it had confirmed, and what that means. */
import type { NotedIncident } from '../../coordinator/client-operator.js';
import { type Call, type Invoke, print, printJson, type Program, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { dateAndTime } from '../render/duration.js';
import { oneLine } from '../render/printable.js';

export function addIncidents(program: Program, invoke: Invoke): void {
  program
    .command('incidents')
    .description('what the store has lost of what it had confirmed')
    .option('--acknowledge', 'take them off the list: they are known and dealt with')
    .option('--json', 'print JSON')
    .action(({ acknowledge, json }, command) =>
      invoke(command, (call) =>
        withSession(call, 'find', async ({ operator }) => {
          const incidents = await operator.incidents();
          if (acknowledge === true) await operator.acknowledge();
          if (json === true) printJson(call, incidents);
          else print(call, words(call, incidents, acknowledge === true));
          return EXIT.ok;
        }),
      ),
    );
}

const MEANING = `Everything that was started, answered, signaled or finished in that time and is not there any more must be
done again. Repeat it with the same idempotency keys: what is there after all is then not doubled.`;

function words({ colors }: Call, incidents: readonly NotedIncident[], acknowledged: boolean): string {
  if (incidents.length === 0) return 'Nothing that was confirmed is known to be lost.';
  const lines = incidents.flatMap(({ partition, at, from, to, by, lateReplies }) => {
    const count = to - from + 1;
    const changes = count === 1 ? '1 change' : `${String(count)} changes`;
    return [
      `${colors.bad('✗')} partition ${String(partition)}: history rolled back by ${changes} (positions ${String(from)} to ${String(to)})`,
      `    noticed ${dateAndTime(at)} by ${oneLine(by)}`,
      ...(lateReplies.length === 0
        ? []
        : [
            `    ${lateReplies.length === 1 ? '1 reply came' : `${String(lateReplies.length)} replies came`} too late since, and ${lateReplies.length === 1 ? 'is' : 'are'} kept: coord dead`,
          ]),
    ];
  });
  const known = acknowledged
    ? 'They are acknowledged, and not listed any more.'
    : 'Known and dealt with: coord incidents --acknowledge';
  return [...lines, '', MEANING, known].join('\n');
}
