/**
 * Personas of kind `model`: a large language model, asked over HTTP. Its answer must be a reply; one that is none is shown
 * to it once, with what is wrong.
 */
import type { Clock } from '../core/clock.js';
import type { PersonaRequest, Usage } from '../core/exchange.js';
import type { Finding } from '../core/finding.js';
import type { JsonObject, JsonValue } from '../core/json.js';
import { collectArtifacts } from './artifact-file.js';
import { shownEndpoint } from './endpoint.js';
import { callHttp } from './http-call.js';
import { failureReply } from './http-failure.js';
import { readAnswer } from './model-answer.js';
import { callModel, refusalText } from './model-call.js';
import { repairText, systemText, userText } from './model-prompt.js';
import { type Answer, type Turn, WIRES } from './model-wire.js';
import type { ModelPersona } from './persona.js';
import { abbreviate } from './plain-text.js';
import { Redaction } from './secrets.js';
import { REPLY_STATUSES } from '../core/exchange.js';
import { EXPECTED_REPLY } from './reply.js';
import { type AttemptContext, errorReply, type PersonaKind, type RawReply, type ResultCheck } from './runner.js';

export interface ModelMeans {
  readonly clock: Clock;
  readonly env: NodeJS.ProcessEnv;
  readonly checkResult: ResultCheck;
}

/** The first answer, and one that puts it right. */
const ROUNDS = 2;
/** Characters of a wrong answer that the model is shown again. */
const SHOWN_AGAIN = 64 * 1024;

export class ModelRunner implements PersonaKind {
  readonly understandsWords = true;
  readonly #persona: ModelPersona;
  readonly #means: ModelMeans;

  get endpoint(): string {
    return shownEndpoint(new URL(this.#persona.endpoint));
  }

  constructor(persona: ModelPersona, means: ModelMeans) {
    this.#persona = persona;
    this.#means = means;
  }

  async run(request: PersonaRequest, context: AttemptContext): Promise<RawReply> {
    const { keyVariable, name } = this.#persona;
    const key = this.#key();
    if (key === '') {
      const where = `${keyVariable ?? ''} is not set in the environment of the worker`;
      return errorReply('PERSONA_ERROR', `persona "${name}" has no key for its model: ${where}`);
    }
    const redaction = new Redaction(key === null ? [] : [key]);
    return clean(await this.#converse({ request, context, key, redaction }), redaction);
  }

  /** Whether the endpoint lets coord in: it is asked which models there are, which costs nothing. */
  async check(signal: AbortSignal): Promise<readonly Finding[]> {
    const { endpoint, keyVariable, model } = this.#persona;
    const key = this.#key();
    if (key === '') {
      const subject = keyVariable ?? '';
      const cure = `export ${subject}=… where the worker is started`;
      return [{ level: 'error', subject, message: 'is not set, so there is no key for the model', cure }];
    }
    const url = new URL(endpoint);
    const who = `the endpoint ${shownEndpoint(url)}`;
    url.pathname = url.pathname.replace(/\/(?:chat\/completions|messages)$/, '/models');
    const headers = WIRES[this.#persona.provider].headers(key);
    const response = await callHttp({ url, method: 'GET', headers, signal, who });
    const redaction = new Redaction(key === null ? [] : [key]);
    const subject = shownEndpoint(url);
    if ('failure' in response) {
      const message = redaction.text(response.failure?.message ?? 'was not waited for');
      return [{ level: 'error', subject, message, cure: 'start it, or correct "endpoint" in the persona file' }];
    }
    const { status } = response;
    await response.body?.cancel().catch(() => undefined);
    if (status === 401 || status === 403) {
      const cure =
        keyVariable === null
          ? 'name the variable of its key in "api_key_env"'
          : `set ${keyVariable} to a key that is valid`;
      return [{ level: 'error', subject, message: `does not let coord in (${String(status)})`, cure }];
    }
    return [
      {
        level: 'ok',
        subject,
        message: `answers (${String(status)}); asked for "${model}" when there is work`,
        cure: null,
      },
    ];
  }

  /** Null: it is called without; empty: it should have one, and has not. */
  #key(): string | null {
    const { keyVariable } = this.#persona;
    // A line end behind it comes from a file, and no header may hold one.
    return keyVariable === null ? null : (this.#means.env[keyVariable] ?? '').trim();
  }

  async #converse(attempt: {
    readonly request: PersonaRequest;
    readonly context: AttemptContext;
    readonly key: string | null;
    readonly redaction: Redaction;
  }): Promise<RawReply> {
    const { context, key, redaction } = attempt;
    const persona = this.#persona;
    const output = attempt.request.output ?? persona.role?.output ?? undefined;
    const request = { ...attempt.request, output };
    const system = systemText(persona.prompt, request);
    const turns: Turn[] = [{ role: 'user', content: userText(request) }];
    const answers: Answer[] = [];
    const rounds = Math.min(ROUNDS, request.ceiling?.turns ?? ROUNDS);
    let problems: readonly string[] = [];
    const endWith = (reply: RawReply): RawReply => ({ ...reply, ...this.#used(answers) });
    while (answers.length < rounds) {
      const maxTokens = this.#room(request, { answers, length: system.length + lengthOf(turns) });
      if (maxTokens < 1) {
        const message =
          'what the attempt may use (its ceiling) leaves nothing for an answer after what there is to read';
        return endWith(errorReply('PERSONA_ERROR', message));
      }
      context.progress(
        answers.length === 0 ? `asking ${persona.model}` : `asking ${persona.model} to put its answer right`,
      );
      const outcome = await callModel({
        persona,
        system,
        turns,
        maxTokens,
        key,
        schema: replySchema(output),
        signal: context.signal,
        who: `the endpoint ${shownEndpoint(new URL(persona.endpoint))}`,
        now: this.#means.clock.now(),
        progress: (line) => context.progress(line),
      });
      if ('failure' in outcome)
        return endWith(
          outcome.failure === null
            ? errorReply('PERSONA_ERROR', 'the attempt was aborted')
            : failureReply(outcome.failure),
        );
      const { answer } = outcome;
      answers.push(answer);
      const early = endOf(answer, { persona, maxTokens });
      if (early !== null) return endWith({ ...early, endpoint: 'ok' });
      const read = readAnswer(answer.text, {
        output,
        check: this.#means.checkResult,
        redact: (value) => redaction.value(value),
      });
      if ('reply' in read) {
        const collected = await collectArtifacts(read.reply.artifacts, null);
        if (collected.problems.length === 0)
          return endWith({ ...read.reply, artifacts: collected.artifacts, endpoint: 'ok' });
        ({ problems } = collected);
      } else ({ problems } = read);
      // Providers refuse turns without a text.
      const said = answer.text.trim() === '' ? '(nothing)' : answer.text.slice(0, SHOWN_AGAIN);
      turns.push({ role: 'assistant', content: said }, { role: 'user', content: repairText(problems) });
    }
    const last = answers.at(-1)?.text ?? '';
    const lines = [
      `the model "${persona.model}" gave no valid reply in ${answers.length === 1 ? 'one answer' : `${String(answers.length)} answers`}: ${abbreviate(problems.join('; '), 1_500)}`,
      `answered: ${last === '' ? '(nothing)' : abbreviate(redaction.text(last), 200)}`,
      `expected: ${EXPECTED_REPLY}`,
    ];
    return endWith({ ...errorReply('INVALID_REPLY', lines.join('\n')), endpoint: 'ok' });
  }

  /** Tokens that the next answer may have: the persona's own limit, less where the ceiling leaves less. */
  #room(
    { ceiling }: PersonaRequest,
    { answers, length }: { readonly answers: readonly Answer[]; readonly length: number },
  ): number {
    const { maxTokens, price } = this.#persona;
    const used = this.#used(answers).usage ?? {};
    const [before, after] = [used.inputTokens ?? 0, used.outputTokens ?? 0];
    // About what will be read; only the provider can count it.
    const reads = Math.ceil(length / CHARACTERS_PER_TOKEN);
    const limits = [maxTokens];
    if (ceiling?.tokens !== undefined) limits.push(ceiling.tokens - before - after - reads);
    if (ceiling?.costUsd !== undefined && price !== null && price.output > 0) {
      const left = ceiling.costUsd * MILLION - (before + reads) * price.input - after * price.output;
      limits.push(Math.floor(left / price.output));
    }
    return Math.min(...limits);
  }

  /** Of all answers together; what one of them does not tell is not known of the sum. */
  #used(answers: readonly Answer[]): { readonly usage?: Usage } {
    const [last] = answers.slice(-1);
    if (last === undefined) return {};
    const sum = (key: 'input' | 'output'): number | null =>
      answers.reduce<number | null>((all, answer) => {
        const count = plausible(answer[key]);
        return all === null || count === null ? null : all + count;
      }, 0);
    const [input, output] = [sum('input'), sum('output')];
    const { price } = this.#persona;
    const cost =
      price === null || input === null || output === null
        ? null
        : (input * price.input + output * price.output) / MILLION;
    const model = last.model === null || last.model.trim() === '' ? this.#persona.model : last.model.slice(0, 200);
    return {
      usage: {
        model,
        ...(input !== null && { inputTokens: input }),
        ...(output !== null && { outputTokens: output }),
        ...(cost !== null && { costUsd: cost }),
        turns: answers.length,
      },
    };
  }
}

const MILLION = 1_000_000;
const CHARACTERS_PER_TOKEN = 4;
/** More than any model can read or write in one answer. */
const MOST_TOKENS = 100_000_000;

function plausible(count: JsonValue): number | null {
  return typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= MOST_TOKENS ? count : null;
}

function lengthOf(turns: readonly Turn[]): number {
  return turns.reduce((sum, { content }) => sum + content.length, 0);
}

/** The reply when the answer ended in a way that cannot be put right by asking again. */
function endOf(
  { end, refusal, text }: Answer,
  { persona, maxTokens }: { readonly persona: ModelPersona; readonly maxTokens: number },
): RawReply | null {
  if (end === 'refused')
    return errorReply('PERSONA_ERROR', refusalText(persona.model, refusal === '' ? text : refusal));
  if (end !== 'cut') return null;
  const limit = maxTokens === persona.maxTokens ? 'max_tokens of the persona' : 'what its ceiling leaves';
  return errorReply(
    'INVALID_REPLY',
    `the answer of "${persona.model}" was cut after ${String(maxTokens)} tokens (${limit}); allow more, or ask for less`,
  );
}

/** For providers that have answers follow a schema. */
function replySchema(output: JsonObject | undefined): JsonObject {
  // References of a schema count from its top, which is another one here; the text tells the whole of it.
  const refers = output === undefined || JSON.stringify(output).includes('"$ref"');
  const text = { type: 'string' };
  const list = (properties: JsonObject): JsonObject => ({
    type: 'array',
    items: { type: 'object', properties, required: Object.keys(properties), additionalProperties: false },
  });
  return {
    type: 'object',
    properties: {
      status: { type: 'string', enum: [...REPLY_STATUSES] },
      result: refers ? {} : output,
      error: text,
      artifacts: list({ name: text, content: text }),
      questions: list({ id: text, ask: text }),
    },
    required: ['status'],
    additionalProperties: false,
  };
}

/** Without secrets, whatever the provider has said. */
function clean(reply: RawReply, redaction: Redaction): RawReply {
  const { error, usage } = reply;
  return {
    ...reply,
    ...(error !== null && { error: { ...error, message: redaction.text(error.message) } }),
    ...(usage?.model !== undefined && { usage: { ...usage, model: redaction.text(usage.model) } }),
  };
}
