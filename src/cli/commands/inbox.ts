/** `coord inbox`: what people are asked, oldest first, each with the commands that answer. */
import type { OpenQuestion } from '../../coordinator/client-inbox.js';
import { type Call, type Invoke, print, printJson, type Program, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { person } from '../person.js';
import { ago } from '../render/duration.js';
import { oneLine } from '../render/printable.js';
import { decisionLines } from '../render/waiting.js';

export function addInbox(program: Program, invoke: Invoke): void {
  program
    .command('inbox')
    .description('what people are asked, oldest first, each with the commands that answer')
    .option('--mine', 'only what you are asked by name, or what is asked of nobody by name')
    .option('--for <person>', 'the same for somebody else')
    .option('--workflow <name>', 'only runs of this workflow')
    .option('--json', 'print JSON')
    .action(({ mine, for: other, workflow, json }, command) =>
      invoke(command, (call) =>
        withSession(call, 'find', async ({ observer, client }) => {
          const assignee = other ?? (mine === true ? person(call.io) : undefined);
          const inbox = await observer.inbox({ assignee, workflow });
          if (json === true) printJson(call, inbox.questions);
          else print(call, linesOf(call, inbox, await client.time()).join('\n'));
          return EXIT.ok;
        }),
      ),
    );
}

function linesOf(
  { colors }: Call,
  { questions, more }: { readonly questions: readonly OpenQuestion[]; readonly more: boolean },
  now: number,
): readonly string[] {
  const left = more ? ['Only the newest 1000 runs under way were looked at.'] : [];
  if (questions.length === 0) return ['Nobody is asked anything.', ...left];
  const blocks = questions.map(({ run, workflow, step, question, form, since }) => {
    const age = since === null ? '' : `, ${ago(since, now)}`;
    const head = `${colors.bold(oneLine(run))} (${oneLine(workflow)}${age})`;
    const [asks, ...answers] = decisionLines({ run, step, question, form });
    return [head, `? ${asks ?? ''}`, ...answers.map((line) => `  ${line}`)].join('\n');
  });
  return [blocks.join('\n\n'), ...left];
}
