/** Personas of kind `command`: a program that gets the request on standard input and answers on standard output. */
import type { Clock } from '../core/clock.js';
import type { PersonaRequest } from '../core/exchange.js';
import type { Finding } from '../core/finding.js';
import { attemptMarks } from './attempt-files.js';
import { type AttemptPlace, inPlace, placeEnvironment, startFailure, withLog } from './attempt-place.js';
import { type ChildEnd, type ChildWant, runChild } from './child.js';
import { interpretJson, interpretText } from './command-reply.js';
import { variablesAsked } from './environment.js';
import { limitsLookedAt, limitsRefused, withLimits } from './limits.js';
import type { CommandPersona } from './persona.js';
import { cleanLine } from './plain-text.js';
import { lookForProgram } from './program.js';
import { type AttemptContext, errorReply, type PersonaKind, type RawReply } from './runner.js';

export interface CommandLimits {
  /** From SIGTERM to SIGKILL, ms. */
  readonly graceMs: number;
  /** Bytes of standard output that are kept. More is an error for `output: json`. */
  readonly stdoutBytes: number;
  /** Bytes printed after which a program is killed, unless its persona says another number. */
  readonly floodBytes: number;
  /** Bytes of the end of stderr that are kept, as the artifact `<step>.<attempt>.log`. */
  readonly stderrBytes: number;
}

export const COMMAND_LIMITS: CommandLimits = {
  graceMs: 5_000,
  stdoutBytes: 1024 * 1024,
  floodBytes: 64 * 1024 * 1024,
  stderrBytes: 64 * 1024,
};

export class CommandRunner implements PersonaKind {
  readonly understandsWords = false;
  readonly #persona: CommandPersona;
  readonly #clock: Clock;
  readonly #limits: CommandLimits;

  constructor(persona: CommandPersona, means: { readonly clock: Clock; readonly limits?: Partial<CommandLimits> }) {
    this.#persona = persona;
    this.#clock = means.clock;
    this.#limits = { ...COMMAND_LIMITS, ...means.limits };
  }

  run(request: PersonaRequest, context: AttemptContext): Promise<RawReply> {
    return inPlace(request, context, (place) => this.#runIn(place));
  }

  async check(): Promise<readonly Finding[]> {
    return [
      await lookForProgram(this.#persona.command[0] ?? ''),
      ...variablesAsked(this.#persona.env),
      ...(await limitsLookedAt(this.#persona.limits)),
    ];
  }

  async #runIn(place: AttemptPlace): Promise<RawReply> {
    const { request, context, directory } = place;
    const { command, limits, env } = this.#persona;
    const argv = await withLimits(command, limits);
    if (argv === null) return errorReply('PERSONA_ERROR', limitsRefused(this.#persona.name));
    const { graceMs, stderrBytes } = this.#limits;
    const end = await runChild({
      argv,
      directory,
      environment: await placeEnvironment(place, this.#persona, { names: env }),
      input: `${JSON.stringify(request)}\n`,
      signal: context.signal,
      clock: this.#clock,
      graceMs,
      stdout: this.#stdout(),
      stderrLimit: stderrBytes,
      stderrKillAt: this.#floodBytes(),
      marks: attemptMarks(context.token, context.worker),
      line: (text) => {
        // Not cut yet: secrets are taken out first, and half of one would not be found.
        const line = cleanLine(text);
        if (line !== '') context.progress(line);
      },
      started: (pid) => context.groupStarted(pid),
    });
    return await this.#interpret(end, place);
  }

  #stdout(): ChildWant['stdout'] {
    const { stdoutBytes } = this.#limits;
    const flood = this.#floodBytes();
    const json = this.#persona.output === 'json';
    return { keep: json ? 'head' : 'tail', limit: stdoutBytes, killAt: json ? Math.min(stdoutBytes, flood) : flood };
  }

  #floodBytes(): number {
    return this.#persona.limits.output ?? this.#limits.floodBytes;
  }

  async #interpret(end: ChildEnd, { directory, name }: AttemptPlace): Promise<RawReply> {
    if ('failure' in end) {
      const program = this.#persona.command[0] ?? '';
      const named = `the command "${program}" of persona "${this.#persona.name}"`;
      return errorReply('PERSONA_ERROR', startFailure(named, program, end.failure));
    }
    const { outcome } = end;
    const flood = this.#floodBytes();
    if (outcome.printed > flood || outcome.complained > flood) {
      const bytes = String(Math.max(outcome.printed, outcome.complained));
      return withLog(
        errorReply('PERSONA_ERROR', `the command was ended after it had printed ${bytes} bytes`),
        name,
        outcome.stderr,
      );
    }
    // A flood of JSON was ended by coord itself, so its exit says nothing: the reply is what is wrong.
    const shown =
      outcome.truncated && this.#persona.output === 'json' ? { ...outcome, exitCode: 0, signal: null } : outcome;
    const reply = this.#persona.output === 'json' ? await interpretJson(shown, directory) : interpretText(shown, name);
    return withLog(reply, name, outcome.stderr);
  }
}
