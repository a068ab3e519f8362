/** What it means when a coding-agent CLI ends without an answer: a class, and a sentence that says what to do. */
import { durationText } from '../core/duration.js';
import { RESUME_LIMIT_MS } from '../core/exchange.js';
import { type AgentMeans, programOf } from './agent-call.js';
import type { AgentSaid } from './agents/preset.js';
import { type Recognised, recognise, type Trouble } from './agents/wordings.js';
import { startFailure } from './attempt-place.js';
import { type CommandOutcome, endOf } from './command-reply.js';
import { limitsRefused } from './limits.js';
import { abbreviate, lastLines, plainLine } from './plain-text.js';
import { errorReply, type RawReply } from './runner.js';

export interface Failure {
  /** Null: none that is known. */
  readonly trouble: Trouble | null;
  readonly reply: RawReply;
}

/** A message that is longer than this talks about something else, even when it has the words. */
const SHORT = 600;
const TAIL = 4_000;

/** Null when nothing went wrong but for the reply that is missing. */
export function failureOf(
  means: AgentMeans,
  { said, outcome }: { readonly said: AgentSaid; readonly outcome: CommandOutcome },
): Failure | null {
  const { persona, clock } = means;
  const clean = outcome.exitCode === 0 && said.failure === null;
  const texts = clean
    ? [said.text.length <= SHORT ? said.text : '']
    : [said.failure ?? '', outcome.stderr.slice(-TAIL), said.text.slice(-TAIL)];
  const here = { now: clock.now(), zone: new Intl.DateTimeFormat().resolvedOptions().timeZone };
  for (const text of texts) {
    const known = text === '' ? null : recognise(text, persona.agent, here);
    if (known === null) continue;
    const resumeInMs = said.resumesAt === null ? known.resumeInMs : Math.max(1_000, said.resumesAt - here.now);
    return { trouble: known.trouble, reply: replyTo(means, { ...known, resumeInMs }) };
  }
  return clean ? null : { trouble: null, reply: errorReply('PERSONA_ERROR', unknownEnd(means, { said, outcome })) };
}

export function notStarted(means: AgentMeans, failure: NodeJS.ErrnoException | 'limits'): string {
  const { persona, preset } = means;
  if (failure === 'limits') return limitsRefused(persona.name);
  const program = programOf(means)[0] ?? '';
  const why = startFailure(`the command "${program}" of persona "${persona.name}"`, program, failure);
  return failure.code === 'ENOENT' && persona.command === null ? `${why}; to get it: ${preset.install}` : why;
}

function replyTo({ persona, preset }: AgentMeans, { trouble, line, resumeInMs }: Recognised): RawReply {
  const { agent } = persona;
  const quoted = `it said: ${abbreviate(plainLine(line), 400)}`;
  switch (trouble) {
    case 'login':
      return errorReply(
        'PERSONA_ERROR',
        `${agent} is not logged in where the worker runs; run: ${preset.login}; ${quoted}`,
      );
    case 'dialog':
      return errorReply(
        'PERSONA_ERROR',
        `${agent} wants something answered at a terminal first; run "${preset.program}" there once as the user of the worker, or change "permission"; ${quoted}`,
      );
    case 'session':
      return errorReply('PERSONA_ERROR', `the conversation that ${agent} was to go on with is gone; ${quoted}`);
    case 'quota':
    case 'rate_limit': {
      const what =
        trouble === 'quota' ? 'has used up what its account may use' : 'was told that it asks too much at once';
      const when = resumeInMs === null ? 'for how long is not said' : `for ${durationText(resumeInMs)}`;
      return {
        ...errorReply(trouble === 'quota' ? 'QUOTA' : 'RATE_LIMIT', `${agent} ${what}, ${when}; ${quoted}`),
        ...(resumeInMs !== null && { resumeInMs: Math.min(Math.max(1, Math.ceil(resumeInMs)), RESUME_LIMIT_MS) }),
      };
    }
  }
}

function unknownEnd(
  { persona, preset }: AgentMeans,
  { said, outcome }: { readonly said: AgentSaid; readonly outcome: CommandOutcome },
): string {
  const meaning = preset.exits[outcome.exitCode ?? -1];
  const meant = meaning === undefined ? '' : ` (${meaning})`;
  const { exitCode } = outcome;
  if (said.failure !== null) {
    const code = exitCode === 0 || exitCode === null ? '' : `, exit code ${String(exitCode)}${meant}`;
    return `${persona.agent} ended with an error${code}: ${abbreviate(said.failure, 2_000)}`;
  }
  const printed = outcome.stderr.trim() === '' ? new TextDecoder().decode(outcome.stdout) : outcome.stderr;
  const end = endOf({ ...outcome, stderr: lastLines(printed, 3).join('\n') }) ?? '';
  return `${persona.agent}: ${end}${meant}`;
}
