/**
 * Personas of kind `agent`: a coding-agent CLI works in the run's worktree without a terminal, and its last message is
 * the reply. What it says is checked like what any command says; how it fails is named.
 */
import type { Clock } from '../core/clock.js';
import { durationText } from '../core/duration.js';
import type { PersonaRequest, Usage } from '../core/exchange.js';
import type { Finding } from '../core/finding.js';
import { type AgentMeans, callAgent, type CallEnd, programOf } from './agent-call.js';
import { failureOf, type Failure, notStarted } from './agent-failure.js';
import { agentPrompt, repairPrompt, wakePrompt } from './agent-prompt.js';
import { questionIn, replyIn } from './agent-reply.js';
import { PRESETS } from './agents/presets.js';
import { collectArtifacts } from './artifact-file.js';
import { type AttemptPlace, inPlace, withLog } from './attempt-place.js';
import { COMMAND_LIMITS, type CommandLimits } from './command.js';
import { variablesAsked } from './environment.js';
import { limitsLookedAt } from './limits.js';
import type { AgentPersona } from './persona.js';
import { abbreviate } from './plain-text.js';
import { lookForProgram } from './program.js';
import { checkReply, EXPECTED_REPLY } from './reply.js';
import { type AttemptContext, errorReply, type PersonaKind, type RawReply } from './runner.js';

export class AgentRunner implements PersonaKind {
  readonly understandsWords = true;
  readonly #means: AgentMeans;

  constructor(persona: AgentPersona, means: { readonly clock: Clock; readonly limits?: Partial<CommandLimits> }) {
    const limits = { ...COMMAND_LIMITS, ...means.limits };
    this.#means = { persona, preset: PRESETS[persona.agent], clock: means.clock, limits };
  }

  run(request: PersonaRequest, context: AttemptContext): Promise<RawReply> {
    return inPlace(request, context, (place) => new AgentAttempt(this.#means, place).run());
  }

  /** Whether somebody is logged in is known by asking only. */
  async check(): Promise<readonly Finding[]> {
    const { persona, preset } = this.#means;
    const program = await lookForProgram(programOf(this.#means)[0] ?? '');
    const own = persona.command === null && program.level === 'error';
    const found = own ? { ...program, cure: `to get it: ${preset.install}` } : program;
    return [found, ...variablesAsked(persona.env), ...(await limitsLookedAt(persona.limits))];
  }
}

type Ended = Exclude<CallEnd, { readonly failure: unknown }>;

/** What a call came to: a reply, or what to say of the message that is none. */
type Judged = { readonly reply: RawReply } | { readonly problems: readonly string[] };

class AgentAttempt {
  readonly #means: AgentMeans;
  readonly #place: AttemptPlace;
  #session: string | null = null;
  #usage: Usage = {};

  constructor(means: AgentMeans, place: AttemptPlace) {
    this.#means = means;
    this.#place = place;
  }

  async run(): Promise<RawReply> {
    const { preset, persona } = this.#means;
    const { request, context } = this.#place;
    const known = preset.resumes ? (request.session ?? null) : null;
    let end = await this.#call(agentPrompt(persona, request, known !== null), known);
    if (known !== null && 'said' in end && this.#failure(end)?.trouble === 'session') {
      context.progress('the conversation is gone; beginning a new one');
      this.#session = null;
      end = await this.#call(agentPrompt(persona, request, false), null);
    }
    if ('said' in end && end.stalled && this.#canGoOn()) {
      context.progress('stalled; going on in the same conversation');
      end = await this.#call(wakePrompt(durationText(persona.stall.killMs)), this.#session);
    }
    if ('failure' in end) return errorReply('PERSONA_ERROR', notStarted(this.#means, end.failure));
    const first = await this.#judge(end);
    if ('reply' in first) return this.#told(first.reply, end);
    const again = this.#canGoOn() && !context.signal.aborted ? await this.#repair(first.problems) : null;
    if (again !== null && 'reply' in again.judged) return this.#told(again.judged.reply, again.end);
    const problems = again === null || !('problems' in again.judged) ? first.problems : again.judged.problems;
    return this.#told(this.#invalid(problems, end), end);
  }

  /** Once: the work is done, and only its last message has to be put right. */
  async #repair(problems: readonly string[]): Promise<{ readonly judged: Judged; readonly end: Ended } | null> {
    this.#place.context.progress('its last message is no reply; asking for that alone');
    const end = await this.#call(repairPrompt(problems), this.#session);
    return 'said' in end ? { judged: await this.#judge(end), end } : null;
  }

  #canGoOn(): boolean {
    return this.#means.preset.resumes && this.#session !== null;
  }

  async #call(prompt: string, session: string | null): Promise<CallEnd> {
    const end = await callAgent(this.#means, this.#place, { prompt, session });
    if ('said' in end) {
      this.#session = end.said.session ?? this.#session;
      this.#usage = sum(this.#usage, end.said.usage);
    }
    return end;
  }

  #failure({ said, outcome }: Ended): Failure | null {
    return failureOf(this.#means, { said, outcome });
  }

  async #judge(end: Ended): Promise<Judged> {
    const { said, outcome, stalled, flooded } = end;
    const { persona } = this.#means;
    if (stalled) {
      const silent = durationText(persona.stall.killMs);
      return {
        reply: errorReply('TIMEOUT', `stalled: ${persona.agent} has printed nothing for ${silent} and was ended`),
      };
    }
    if (flooded) {
      const bytes = String(Math.max(outcome.printed, outcome.complained));
      return { reply: errorReply('PERSONA_ERROR', `${persona.agent} was ended after it had printed ${bytes} bytes`) };
    }
    const clean = outcome.exitCode === 0 && said.failure === null;
    const found = replyIn(said.text);
    const checked = 'value' in found ? checkReply(found.value) : null;
    const reply = checked?.reply ?? null;
    // As of any command: what was said against the work before a bad end stands, that it went well does not.
    if (reply !== null && (clean || reply.status === 'fail' || reply.status === 'error')) {
      const { artifacts, problems } = await collectArtifacts(reply.artifacts, this.#place.directory);
      return problems.length > 0 ? { problems } : { reply: { ...reply, artifacts } };
    }
    const failure = this.#failure(end);
    if (failure !== null) return { reply: failure.reply };
    const question = 'value' in found ? null : questionIn(said.text);
    if (question !== null) return { reply: asking(question) };
    return { problems: checked === null ? ['problem' in found ? found.problem : ''] : checked.problems };
  }

  #invalid(problems: readonly string[], { said }: Ended): RawReply {
    const text = said.text.trim();
    const lines = [
      `not a valid reply: ${abbreviate(problems.join('; '), 1_500)}`,
      `last message: ${text === '' ? '(nothing)' : abbreviate(text.slice(-400), 400)}`,
      `expected in it: ${EXPECTED_REPLY}`,
    ];
    return errorReply('INVALID_REPLY', lines.join('\n'));
  }

  /** What is measured, not said, comes from the CLI. */
  #told(reply: RawReply, end: Ended): RawReply {
    const { context, name } = this.#place;
    const { resumes } = this.#means.preset;
    const { usage: _usage, session: _session, ...said } = reply;
    const denied = this.#usage.denied ?? 0;
    const calls = denied === 1 ? '1 call of a tool was' : `${String(denied)} calls of tools were`;
    if (denied > 0) context.progress(`${calls} denied`);
    const error =
      said.error === null || denied === 0
        ? said.error
        : { ...said.error, message: `${said.error.message.slice(0, 8_000)}\n${calls} denied` };
    const session = resumes && this.#session !== null && this.#session.length <= 200 ? this.#session : null;
    const full: RawReply = {
      ...said,
      error,
      ...(Object.keys(this.#usage).length > 0 && { usage: this.#usage }),
      ...(session !== null && { session }),
    };
    return withLog(full, name, logOf(end));
  }
}

function asking(question: string): RawReply {
  const questions = [{ id: 'question', ask: question, type: 'text' }] as const;
  return { status: 'needs_input', result: null, error: null, artifacts: [], questions };
}

function logOf({ outcome, said }: Ended): string {
  const parts = [outcome.stderr, said.text === '' ? '' : `--- last message ---\n${said.text}\n`];
  return parts.filter((part) => part !== '').join('\n');
}

/** Of calls one after the other. */
function sum(a: Usage, b: Usage): Usage {
  const add = (one: number | undefined, other: number | undefined): number | undefined =>
    one === undefined ? other : one + (other ?? 0);
  const model = b.model ?? a.model;
  const inputTokens = add(a.inputTokens, b.inputTokens);
  const outputTokens = add(a.outputTokens, b.outputTokens);
  const costUsd = add(a.costUsd, b.costUsd);
  const turns = add(a.turns, b.turns);
  const denied = add(a.denied, b.denied);
  return {
    ...(model !== undefined && { model: model.slice(0, 200) }),
    ...(inputTokens !== undefined && { inputTokens }),
    ...(outputTokens !== undefined && { outputTokens }),
    ...(costUsd !== undefined && { costUsd }),
    ...(turns !== undefined && { turns }),
    ...(denied !== undefined && { denied }),
  };
}
