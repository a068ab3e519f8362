/** The scripted replies of a test: which one a request gets. The most exact key wins; a list goes by occurrence. */
import type { PersonaRequest } from '../core/exchange.js';
import type { Choices } from './choices.js';
import { PASS, type ReplyList, type ScriptedDecision, type ScriptedReply } from './scenario.js';

/** The step's id without the instance: `fix[2]/qa` is `qa`. */
export function idOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export class Script {
  readonly #replies: ReadonlyMap<string, ReplyList>;
  readonly #decisions: ReadonlyMap<string, readonly (readonly ScriptedDecision[])[]>;
  readonly #choices: Choices;
  readonly #used = new Map<string, number>();
  /** Requests that nothing was written for. */
  readonly unscripted: string[] = [];

  constructor(
    written: {
      readonly replies: ReadonlyMap<string, ReplyList>;
      readonly decisions: ReadonlyMap<string, readonly (readonly ScriptedDecision[])[]>;
    },
    choices: Choices,
  ) {
    this.#replies = written.replies;
    this.#decisions = written.decisions;
    this.#choices = choices;
  }

  reply({ step, persona, attempt }: Pick<PersonaRequest, 'step' | 'persona' | 'attempt'>): ScriptedReply {
    const key = [step, idOf(step), `@${persona}`, '*'].find((candidate) => this.#replies.has(candidate));
    if (key === undefined) {
      this.unscripted.push(`${step} (@${persona}, attempt ${String(attempt)})`);
      return PASS;
    }
    const words = (reply: ScriptedReply): string => `${step} answers ${reply.kind}`;
    return this.#next(this.#replies.get(key) ?? [], { key, words }) ?? PASS;
  }

  /** What a person decides about the step; null when nothing is written for it. */
  decision(step: string): ScriptedDecision | null {
    const key = [step, idOf(step), '*'].find((candidate) => this.#decisions.has(candidate));
    if (key === undefined) return null;
    const words = ({ choice }: ScriptedDecision): string => `${step} is decided: ${choice}`;
    return this.#next(this.#decisions.get(key) ?? [], { key: `decision ${key}`, words }) ?? null;
  }

  #next<T>(
    rows: readonly (readonly T[])[],
    { key, words }: { readonly key: string; readonly words: (variant: T) => string },
  ): T | undefined {
    const used = this.#used.get(key) ?? 0;
    this.#used.set(key, used + 1);
    const variants = rows[Math.min(used, rows.length - 1)] ?? [];
    return variants.length === 0 ? undefined : variants[this.#choices.pick(variants.map(words))];
  }
}
