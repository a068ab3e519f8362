/**
 * What a command's end means: its exit and its standard output become a reply. Whatever is not clearly a reply is an
 * error, and the message says what was received, what was expected, and what the command last said on stderr.
 */
import { collectArtifacts } from './artifact-file.js';
import { abbreviate, lastLines } from './plain-text.js';
import { type CheckedReply, checkReply, type DeclaredReply, EXPECTED_REPLY } from './reply.js';
import { errorReply, type RawReply } from './runner.js';

/** How a command ended and what it printed. */
export interface CommandOutcome {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** At most the limit; the end of the output for `text`, its beginning for `json`. */
  readonly stdout: Uint8Array;
  /** Bytes printed, also those that were not kept. */
  readonly printed: number;
  readonly truncated: boolean;
  /** Bytes printed on stderr. */
  readonly complained: number;
  /** The end of stderr. */
  readonly stderr: string;
}

/** Most characters of standard output in the result of a text persona; the whole output is an artifact then. */
const TEXT_RESULT_LIMIT = 32 * 1024;

const STANDS: ReadonlySet<DeclaredReply['status']> = new Set(['fail', 'error']);

export async function interpretJson(outcome: CommandOutcome, directory: string): Promise<RawReply> {
  const checked = checkStdout(outcome);
  const end = endOf(outcome);
  if (end !== null) {
    // What was said against the work before the bad exit stands; that it went well, or could with an answer, does not.
    if (checked.reply === null || !STANDS.has(checked.reply.status)) return errorReply('PERSONA_ERROR', end);
  } else if (checked.reply === null) {
    return errorReply('INVALID_REPLY', invalidMessage(checked.problems, outcome));
  }
  return await collect(checked.reply, { outcome, directory });
}

export function interpretText(outcome: CommandOutcome, name: string): RawReply {
  const { exitCode } = outcome;
  const verdict = exitCode === 0 ? 'pass' : exitCode !== null && exitCode <= 125 ? 'fail' : 'error';
  const all = new TextDecoder().decode(outcome.stdout);
  const long = outcome.truncated || all.length > TEXT_RESULT_LIMIT;
  const text = all.slice(-TEXT_RESULT_LIMIT);
  const artifacts = long ? [{ name: `${name}.out`, type: 'text/plain', content: outcome.stdout }] : [];
  const result = long ? { text, truncated: true } : { text };
  if (verdict === 'pass') return { status: verdict, result, error: null, artifacts };
  const failure = errorReply(verdict === 'fail' ? 'REJECTED' : 'PERSONA_ERROR', endOf(outcome) ?? '');
  return { ...failure, result, artifacts };
}

/** How it ended, when that was not exit code 0; with the last lines of stderr. */
export function endOf(outcome: Pick<CommandOutcome, 'exitCode' | 'signal' | 'stderr'>): string | null {
  const { exitCode, signal } = outcome;
  if (exitCode === 0) return null;
  const how = exitCode === null ? `was ended by ${signal ?? 'a signal'}` : `exited with code ${String(exitCode)}`;
  const hints: Readonly<Record<string, string>> = {
    126: ' (what it called is not executable)',
    127: ' (what it called was not found)',
    137: ' (what it called was killed; perhaps the system had no memory left)',
    // Not by coord: of an attempt that coord ends, this is not what is told.
    SIGKILL: ' (perhaps the system had no memory left)',
    SIGXCPU: ' (it had used up its processor time, "limits: cpu")',
    SIGXFSZ: ' (it wrote a larger file than "limits: file" allows)',
  };
  const said = lastLines(outcome.stderr, 3);
  const last = said.length === 0 ? 'it printed nothing on stderr' : said.join(' | ');
  return `the command ${how}${hints[exitCode ?? signal ?? ''] ?? ''}: ${last}`;
}

function checkStdout(outcome: CommandOutcome): CheckedReply {
  const bad = (problem: string): CheckedReply => ({ reply: null, problems: [problem] });
  if (outcome.truncated) return bad(`it is larger than ${String(outcome.stdout.length)} bytes, the limit`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(outcome.stdout);
  } catch {
    return bad('it is not valid UTF-8');
  }
  const start = text.trimStart();
  if (start === '') return bad('standard output is empty');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return bad(jsonProblem(start, error));
  }
  return checkReply(value);
}

function jsonProblem(text: string, error: unknown): string {
  if (text.includes('\0')) return 'it holds a NUL byte';
  if (!text.startsWith('{')) return 'it does not start with "{" (print logs to stderr, not to stdout)';
  const message = error instanceof Error ? error.message : '';
  if (/after JSON/.test(message)) return 'something follows the JSON object (print nothing else to stdout)';
  if (/end of JSON|Unterminated|Expected .* or '[}\]]'.*$/.test(message) && !/[}\]]\s*$/.test(text)) {
    return 'the JSON object is not complete';
  }
  const position = /position (\d+)/.exec(message)?.[1];
  const token = /^Unexpected token '?(.)/u.exec(message)?.[1];
  if (position !== undefined) return `it is not JSON (at position ${position})`;
  return `it is not JSON${token === undefined ? '' : ` (unexpected "${token}")`}`;
}

function invalidMessage(problems: readonly string[], outcome: CommandOutcome): string {
  const received = new TextDecoder().decode(outcome.stdout.subarray(0, 1_000));
  const last = lastLines(outcome.stderr, 1)[0];
  return [
    `not a valid reply: ${abbreviate(problems.join('; '), 1_500)}`,
    `received ${String(outcome.printed)} bytes: ${received === '' ? '(nothing)' : abbreviate(received, 200)}`,
    `expected on stdout: ${EXPECTED_REPLY}`,
    `last line on stderr: ${last ?? '(nothing)'}`,
  ].join('\n');
}

/** Reads the declared files; one that cannot be taken makes the whole reply invalid. */
async function collect(
  declared: DeclaredReply,
  place: { readonly outcome: CommandOutcome; readonly directory: string },
): Promise<RawReply> {
  const { artifacts, problems } = await collectArtifacts(declared.artifacts, place.directory);
  if (problems.length > 0) return errorReply('INVALID_REPLY', invalidMessage(problems, place.outcome));
  return { ...declared, artifacts };
}
