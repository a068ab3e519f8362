/**
 * Personas of kind `human`: people are asked instead of anything being done. The first attempt asks; the one that comes
 * with their answers hands them on.
 */
import { type Asked, whyNotAsked, askedListSchema } from '../core/asked.js';
import type { InputAnswer, PersonaRequest } from '../core/exchange.js';
import type { Finding } from '../core/finding.js';
import type { JsonValue } from '../core/json.js';
import type { HumanPersona } from './persona.js';
import { abbreviate } from './plain-text.js';
import { errorReply, type PersonaKind, type RawReply } from './runner.js';

/** Ids of the questions of a verdict, beside those of the persona. */
export const VERDICT_IDS = { verdict: 'verdict', reason: 'reason' } as const;

const VERDICT: readonly Asked[] = [
  { id: VERDICT_IDS.verdict, ask: 'Does it pass?', type: 'choice', options: ['pass', 'fail'], required: true },
  { id: VERDICT_IDS.reason, ask: 'Why?', type: 'text', required: false },
];

export class HumanRunner implements PersonaKind {
  readonly understandsWords = false;
  readonly #persona: HumanPersona;

  constructor(persona: HumanPersona) {
    this.#persona = persona;
  }

  run(request: PersonaRequest): Promise<RawReply> {
    return Promise.resolve(request.answers === undefined ? this.#ask(request) : this.#tell(request.answers));
  }

  check(): Promise<readonly Finding[]> {
    const message = 'people are asked: coord inbox shows them what';
    return Promise.resolve([{ level: 'ok', subject: this.#persona.name, message, cure: null }]);
  }

  #ask({ name, params }: PersonaRequest): RawReply {
    const listed = params['questions'];
    const why = listed === undefined ? null : whyNotAsked(listed);
    if (why !== null) {
      const message = `the step's "questions" cannot be asked: ${abbreviate(why, 500)}`;
      return errorReply('PERSONA_ERROR', message);
    }
    const { questions: own, verdict, prompt } = this.#persona;
    const asked =
      listed === undefined ? own.map((one) => ({ ...one, type: 'text' as const })) : askedListSchema.parse(listed);
    const taken = asked.find(({ id }) => verdict && Object.hasOwn(VERDICT_IDS, id));
    if (taken !== undefined) {
      const message = `the step's "questions" hold "${taken.id}", which persona "${this.#persona.name}" asks itself`;
      return errorReply('PERSONA_ERROR', message);
    }
    const every = [...asked, ...(verdict ? VERDICT : [])];
    const plain: Asked = {
      id: 'answer',
      ask: prompt === '' ? name.slice(0, 2_000) : 'What is your answer?',
      type: 'text',
    };
    const about = [prompt, textIn(params['prompt'])].filter((text) => text !== '').join('\n\n');
    return {
      status: 'needs_input',
      result: null,
      error: null,
      artifacts: [],
      questions: every.length === 0 ? [plain] : every,
      ...(about !== '' && { prompt: about.slice(0, PROMPT_LIMIT) }),
    };
  }

  /** Of a question that was asked again, the last answer counts. */
  #tell(answers: readonly InputAnswer[]): RawReply {
    const said = new Map(answers.map(({ id, answer }) => [id, answer]));
    const { verdict } = this.#persona;
    if (!verdict) return passed(said);
    const [word, reason] = [said.get(VERDICT_IDS.verdict), textIn(said.get(VERDICT_IDS.reason))];
    if (word === 'pass') return passed(said);
    // A pass is only ever made of an explicit one.
    const message = word === 'fail' ? reason || 'no reason was given' : 'nobody has given a verdict';
    return { ...errorReply('REJECTED', message), result: resultOf(said) };
  }
}

/** Characters of the text above the questions. */
export const PROMPT_LIMIT = 8_000;

function passed(said: ReadonlyMap<string, JsonValue>): RawReply {
  return { status: 'pass', result: resultOf(said), error: null, artifacts: [] };
}

function resultOf(said: ReadonlyMap<string, JsonValue>): JsonValue {
  return { answers: Object.fromEntries(said) };
}

function textIn(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value.trim() : '';
}
