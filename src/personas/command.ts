/** Personas of kind `command`: a program that gets the request on standard input and answers on standard output. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../core/clock.js';
import type { PersonaRequest } from '../core/exchange.js';
import { attemptMarks, fileSafe } from './attempt-files.js';
import type { Finding } from '../core/finding.js';
import { type ChildEnd, runChild } from './child.js';
import { interpretJson, interpretText } from './command-reply.js';
import { personaEnvironment, variablesAsked } from './environment.js';
import type { CommandPersona } from './persona.js';
import { cleanLine } from './plain-text.js';
import { lookForProgram } from './program.js';
import { type AttemptContext, errorReply, type PersonaKind, type RawReply } from './runner.js';

export interface CommandLimits {
  /** From SIGTERM to SIGKILL, ms. */
  readonly graceMs: number;
  /** Bytes of standard output that are kept. More is an error for `output: json`. */
  readonly stdoutBytes: number;
  /** Bytes of standard output after which a persona with `output: text` is killed. */
  readonly floodBytes: number;
  /** Bytes of the end of stderr that are kept, as the artifact `<step>.<attempt>.log`. */
  readonly stderrBytes: number;
}

const COMMAND_LIMITS: CommandLimits = {
  graceMs: 5_000,
  stdoutBytes: 1024 * 1024,
  floodBytes: 256 * 1024 * 1024,
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

  async run(request: PersonaRequest, context: AttemptContext): Promise<RawReply> {
    if (process.platform === 'win32') {
      return errorReply('PERSONA_ERROR', 'personas of kind "command" need Linux or macOS');
    }
    const scratch = await realpath(await mkdtemp(join(tmpdir(), 'coord-attempt-')));
    try {
      const directory = context.directory ?? join(scratch, 'work');
      if (context.directory === null) await mkdir(directory);
      return await this.#runIn(directory, { request, context, scratch });
    } finally {
      await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
    }
  }

  async check(): Promise<readonly Finding[]> {
    return [await lookForProgram(this.#persona.command[0] ?? ''), ...variablesAsked(this.#persona.env)];
  }

  async #runIn(
    directory: string,
    attempt: { readonly request: PersonaRequest; readonly context: AttemptContext; readonly scratch: string },
  ): Promise<RawReply> {
    const { request, context } = attempt;
    const json = this.#persona.output === 'json';
    const { stdoutBytes, floodBytes, stderrBytes, graceMs } = this.#limits;
    const end = await runChild({
      argv: this.#persona.command,
      directory,
      environment: await this.#environment(attempt),
      input: `${JSON.stringify(request)}\n`,
      signal: context.signal,
      clock: this.#clock,
      graceMs,
      stdout: { keep: json ? 'head' : 'tail', limit: stdoutBytes, killAt: json ? stdoutBytes : floodBytes },
      stderrLimit: stderrBytes,
      marks: attemptMarks(context.token, context.worker),
      line: (text) => {
        // Not cut yet: secrets are taken out first, and half of one would not be found.
        const line = cleanLine(text);
        if (line !== '') context.progress(line);
      },
      started: (pid) => context.groupStarted(pid),
    });
    return await this.#interpret(end, { directory, name: `${fileSafe(request.step)}.${String(request.attempt)}` });
  }

  async #interpret(end: ChildEnd, place: { readonly directory: string; readonly name: string }): Promise<RawReply> {
    if ('failure' in end) return errorReply('PERSONA_ERROR', this.#startFailure(end.failure));
    const { outcome } = end;
    if (outcome.printed > this.#limits.floodBytes) {
      return errorReply('PERSONA_ERROR', `the command was ended after it had printed ${String(outcome.printed)} bytes`);
    }
    // A flood of JSON was ended by coord itself, so its exit says nothing: the reply is what is wrong.
    const shown =
      outcome.truncated && this.#persona.output === 'json' ? { ...outcome, exitCode: 0, signal: null } : outcome;
    const reply =
      this.#persona.output === 'json' ? await interpretJson(shown, place.directory) : interpretText(shown, place.name);
    const log = `${place.name}.log`;
    if (outcome.stderr === '' || reply.artifacts.some((artifact) => artifact.name === log)) return reply;
    const content = new TextEncoder().encode(outcome.stderr);
    return { ...reply, artifacts: [...reply.artifacts, { name: log, type: 'text/plain', content }] };
  }

  #startFailure(failure: NodeJS.ErrnoException): string {
    const program = this.#persona.command[0] ?? '';
    const named = `the command "${program}" of persona "${this.#persona.name}"`;
    if (failure.code === 'ENOENT') {
      const where = program.includes('/') ? '' : `; PATH is ${process.env['PATH'] ?? '(not set)'}`;
      return `${named} was not found${where}`;
    }
    if (failure.code === 'EACCES') return `${named} may not be executed; is its file mode right (chmod +x)?`;
    return `${named} could not be started: ${failure.message}`;
  }

  async #environment(attempt: {
    readonly request: PersonaRequest;
    readonly context: AttemptContext;
    readonly scratch: string;
  }): Promise<Record<string, string>> {
    const { request, context, scratch } = attempt;
    const { prompt, file, env } = this.#persona;
    const set: Record<string, string> = {
      COORD_RUN: request.run,
      COORD_STEP: request.step,
      COORD_ATTEMPT: String(request.attempt),
      COORD_PERSONA: request.persona,
      ...attemptMarks(context.token, context.worker),
    };
    if (file !== null) set['COORD_PERSONA_FILE'] = file;
    if (context.directory !== null) {
      set['COORD_WORKSPACE'] = context.directory;
      // Should the worktree's link to the repository be deleted, git must not find the user's checkout around it.
      set['GIT_CEILING_DIRECTORIES'] = join(context.directory, '..');
    }
    if (prompt !== '') {
      set['COORD_PROMPT_FILE'] = join(scratch, 'prompt.md');
      await writeFile(join(scratch, 'prompt.md'), `${prompt}\n`);
    }
    return personaEnvironment(env, set);
  }
}
