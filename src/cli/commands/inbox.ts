/** `coord inbox`: what people are asked, oldest first, each with the commands that answer; and one answer to all of it. */
import type { InboxWanted, OpenQuestion } from '../../coordinator/client-inbox.js';
import { CoordError, messageOf } from '../../core/errors.js';
import type { JsonObject, JsonValue } from '../../core/json.js';
import { outcomeWords, sendAnswer } from '../answering.js';
import type { Session } from '../application.js';
import { type Call, type Invoke, note, print, printJson, type Program, withSession } from '../call.js';
import { dataOf, setField } from '../data-option.js';
import { EXIT } from '../exit-codes.js';
import { person } from '../person.js';
import { ago } from '../render/duration.js';
import { oneLine } from '../render/printable.js';
import { decisionLines } from '../render/waiting.js';

interface Flags {
  readonly mine?: true | undefined;
  readonly for?: string | undefined;
  readonly workflow?: string | undefined;
  readonly step?: string | undefined;
  readonly answer?: string | undefined;
  readonly data?: string | undefined;
  readonly set?: JsonObject | undefined;
  readonly yes?: true | undefined;
  readonly json?: true | undefined;
}

export function addInbox(program: Program, invoke: Invoke): void {
  program
    .command('inbox')
    .description('what people are asked, oldest first, each with the commands that answer')
    .option('--mine', 'only what you are asked by name, or what is asked of nobody by name')
    .option('--for <person>', 'the same for somebody else')
    .option('--workflow <name>', 'only runs of this workflow')
    .option('--step <id>', 'only this step')
    .option('--answer <choice>', 'answer all of it with this choice')
    .option('--data <json|@file>', 'what goes with the answer: JSON, or a file with JSON')
    .option('--set <key=value>', 'set one field of the data; the value is JSON, else text (repeatable)', setField)
    .option('--yes', 'answer without asking whether to')
    .option('--json', 'print JSON')
    .action((flags, command) => invoke(command, (call) => inbox(call, flags)));
}

async function inbox(call: Call, flags: Flags): Promise<number> {
  const { answer, json } = flags;
  const data = await dataOf(call, flags);
  if (answer === undefined && (data !== null || flags.yes === true))
    throw new CoordError('USAGE', '--data, --set and --yes go with --answer <choice>');
  return withSession(call, answer === undefined ? 'find' : 'start', async (session) => {
    const { questions, more } = await session.observer.inbox(wantedBy(call, flags));
    if (answer !== undefined)
      return answerAll(call, { session, questions, choice: answer, data, yes: flags.yes === true });
    if (json === true) printJson(call, questions);
    else print(call, linesOf(call, { questions, more }, await session.client.time()).join('\n'));
    return EXIT.ok;
  });
}

function wantedBy(call: Call, { mine, for: other, workflow, step }: Flags): InboxWanted {
  return { assignee: other ?? (mine === true ? person(call.io) : undefined), workflow, step };
}

interface Batch {
  readonly session: Session;
  readonly questions: readonly OpenQuestion[];
  readonly choice: string;
  readonly data: JsonValue;
  readonly yes: boolean;
}

/** Each is answered for itself: one that somebody else answers meanwhile, or that does not take it, leaves the others alone. */
async function answerAll(call: Call, { session, questions, choice, data, yes }: Batch): Promise<number> {
  const meant = questions.filter(({ question }) => question.choices.some(({ id }) => id === choice));
  const others = questions.length - meant.length;
  if (others > 0) note(call, `${String(others)} of them cannot be answered with ${choice}, and are left alone.`);
  if (meant.length === 0) {
    print(call, `Nothing is asked that can be answered with ${choice}.`);
    return EXIT.ok;
  }
  if (!yes && !(await isSure(call, meant, choice))) return EXIT.interrupted;
  let refused = 0;
  for (const { run, step, question } of meant) {
    try {
      const outcome = await sendAnswer(call, { session, run }, { step, token: question.token, choice, data });
      print(call, `Step ${oneLine(step)} of run ${run} ${outcomeWords(choice, outcome)}`);
    } catch (error) {
      if (!(error instanceof CoordError) || error.code !== 'DECISION_REFUSED') throw error;
      refused++;
      note(call, messageOf(error));
    }
  }
  return refused === 0 ? EXIT.ok : EXIT.failed;
}

/** Throws USAGE when nobody can be asked. */
async function isSure({ io }: Call, meant: readonly OpenQuestion[], choice: string): Promise<boolean> {
  const what = meant.length === 1 ? '1 question' : `${String(meant.length)} questions`;
  if (io.prompts === null)
    throw new CoordError('USAGE', `${what} would be answered with ${choice}; say --yes to do so without being asked`);
  const listed = meant.slice(0, LISTED).map(({ run, step }) => `${oneLine(run)} ${oneLine(step)}`);
  const more = meant.length > LISTED ? ['…'] : [];
  return (await io.prompts.confirm(`Answer ${what} with ${choice}? (${[...listed, ...more].join(', ')})`)) === true;
}

const LISTED = 10;

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
