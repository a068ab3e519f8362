/** Personas of kind `function`: a JavaScript function, imported from a file or handed over by a program. */
import { pathToFileURL } from 'node:url';
import { CoordError, messageOf } from '../core/errors.js';
import type { Finding } from '../core/finding.js';
import type { PersonaRequest } from '../core/exchange.js';
import { collectArtifacts } from './artifact-file.js';
import type { FunctionPersona } from './persona.js';
import { abbreviate } from './plain-text.js';
import { checkReply, EXPECTED_REPLY } from './reply.js';
import { type AttemptContext, errorReply, type PersonaFunction, type PersonaKind, type RawReply } from './runner.js';

export class FunctionRunner implements PersonaKind {
  readonly understandsWords = false;
  readonly #persona: FunctionPersona;
  #imported: Promise<PersonaFunction> | null = null;

  constructor(persona: FunctionPersona) {
    this.#persona = persona;
  }

  /** Stops waiting when the signal is aborted, even when the function goes on. */
  async run(request: PersonaRequest, context: AttemptContext): Promise<RawReply> {
    const { signal, directory, token } = context;
    let giveUp = (): void => undefined;
    const aborted = new Promise<RawReply>((resolve) => {
      giveUp = () => resolve(errorReply('PERSONA_ERROR', 'the attempt was aborted'));
      signal.addEventListener('abort', giveUp, { once: true });
    });
    if (signal.aborted) giveUp();
    const handed = { signal, directory, token, progress: (line: string) => context.progress(line) };
    try {
      return await Promise.race([this.#call(request, handed), aborted]);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  async check(): Promise<readonly Finding[]> {
    const { run, name } = this.#persona;
    const subject = typeof run === 'function' ? name : run.module;
    try {
      await this.#load();
      return [{ level: 'ok', subject, message: 'the function is there', cure: null }];
    } catch (error) {
      const cure = 'correct "module" and "export" of the persona file';
      return [{ level: 'error', subject, message: messageOf(error), cure }];
    }
  }

  async #call(request: PersonaRequest, context: Parameters<PersonaFunction>[1]): Promise<RawReply> {
    let value: unknown;
    try {
      const run = await this.#load();
      value = await run(request, context);
    } catch (error) {
      return errorReply('PERSONA_ERROR', `persona "${this.#persona.name}" threw: ${messageOf(error)}`);
    }
    const checked = checkReply(value);
    if (checked.reply === null) return this.#invalid(checked.problems, value);
    const { artifacts, problems } = await collectArtifacts(checked.reply.artifacts, context.directory);
    return problems.length > 0 ? this.#invalid(problems, value) : { ...checked.reply, artifacts };
  }

  async #load(): Promise<PersonaFunction> {
    const { run } = this.#persona;
    if (typeof run === 'function') return run;
    this.#imported ??= importFunction(run.module, run.export);
    return await this.#imported;
  }

  #invalid(problems: readonly string[], value: unknown): RawReply {
    const lines = [
      `persona "${this.#persona.name}" returned no valid reply: ${abbreviate(problems.join('; '), 1_500)}`,
      `returned: ${abbreviate(shown(value), 200)}`,
      `expected: ${EXPECTED_REPLY}`,
    ];
    return errorReply('INVALID_REPLY', lines.join('\n'));
  }
}

async function importFunction(module: string, name: string): Promise<PersonaFunction> {
  const exports: unknown = await import(pathToFileURL(module).href);
  const found = typeof exports === 'object' && exports !== null ? Reflect.get(exports, name) : undefined;
  if (isFunction(found)) return found;
  throw new CoordError('PERSONA_INVALID', `${module} has no exported function "${name}"`);
}

function isFunction(value: unknown): value is PersonaFunction {
  return typeof value === 'function';
}

function shown(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
