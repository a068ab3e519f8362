/** The type of every part of an expression, as far as schemas and the language itself say it. */
import type { JsonValue } from '../../core/json.js';
import { VERDICTS } from '../../core/statuses.js';
import type { Literal, Syntax } from '../../expression/syntax.js';
import { type Effort, newEffort } from '../schema-type.js';
import type { JsonSchema, StepDefinition } from '../steps.js';
import { type Known, namespaceValue, recordValue, schemaValue, UNKNOWN } from './known.js';
import type { Outline, Placed } from './outline.js';

/** What `steps.<id>.status` can be; `canceled` where a block had no more use for it. */
const STEP_OUTCOMES = [...VERDICTS, 'skipped', 'canceled'] as const;
const LOOP_NUMBERS: ReadonlySet<string> = new Set(['round', 'index', 'count']);
const BOOLEAN_METHODS: ReadonlySet<string> = new Set(['includes', 'startsWith', 'endsWith', 'some', 'every']);
const COMPARISONS: ReadonlySet<string> = new Set(['===', '!==', '==', '!=', '<', '<=', '>', '>=']);

export class Inference {
  readonly #outline: Outline;
  readonly #effort: Effort = newEffort();
  readonly #task: Known;
  readonly #status = this.#typed({ enum: STEP_OUTCOMES });
  readonly #boolean = this.#typed({ type: 'boolean' });
  readonly #number = this.#typed({ type: 'number' });
  readonly #text = this.#typed({ type: 'string' });
  readonly #list = this.#typed({ type: 'array' });

  /** `input` is the schema of the task; null when any task will do. */
  constructor(outline: Outline, input: JsonSchema | null) {
    this.#outline = outline;
    this.#task = this.#typed(input);
  }

  /** A value that is missing is no type: it may be so anywhere. */
  typeOf(syntax: Syntax): Known {
    switch (syntax.kind) {
      case 'literal':
        return syntax.value === undefined ? UNKNOWN : this.#typed({ const: syntax.value });
      case 'root':
        return this.#typeOfRoot(syntax.name);
      case 'state':
        return syntax.method === 'has' ? this.#boolean : this.#typeOfState(syntax.key);
      case 'member': {
        const name = memberName(syntax);
        return name === null ? UNKNOWN : this.typeOf(syntax.object).member(name);
      }
      case 'chain':
        return this.typeOf(syntax.body);
      case 'call':
        return BOOLEAN_METHODS.has(syntax.method) ? this.#boolean : UNKNOWN;
      case 'unary':
        return syntax.operator === '!' ? this.#boolean : this.#number;
      case 'binary':
        if (COMPARISONS.has(syntax.operator)) return this.#boolean;
        return syntax.operator === '+' ? UNKNOWN : this.#number;
      case 'list':
        return this.#list;
      case 'text':
        return this.#text;
      default:
        return UNKNOWN;
    }
  }

  #typed(schema: JsonSchema | null): Known {
    return schema === null ? UNKNOWN : schemaValue(schema, this.#effort);
  }

  #typeOfRoot(root: string): Known {
    switch (root) {
      case 'task':
        return this.#task;
      case 'steps':
        return namespaceValue((id) => this.#typeOfStep(this.#outline.byId.get(id)));
      case 'run':
        return namespaceValue(() => this.#text);
      case 'loop':
        return namespaceValue((name) => (LOOP_NUMBERS.has(name) ? this.#number : UNKNOWN));
      default:
        return UNKNOWN;
    }
  }

  #typeOfState(key: Syntax): Known {
    if (key.kind !== 'literal' || typeof key.value !== 'string') return UNKNOWN;
    const step = this.#outline.byState.get(key.value);
    if (step === undefined) return UNKNOWN;
    return key.value.endsWith('_status') ? this.#status : this.#resultOf(step.draft.definition);
  }

  #typeOfStep(step: Placed | undefined): Known {
    if (step === undefined) return UNKNOWN;
    const result = this.#resultOf(step.draft.definition);
    // Names that do not exist are reported by the check of names.
    return recordValue({ status: this.#status, result, artifacts: this.#list }, 'yes');
  }

  #resultOf(step: StepDefinition): Known {
    if (step.type === 'persona-request') return this.#typed(step.output);
    if (step.type === 'for_each') return this.#list;
    if (step.type !== 'decision') return UNKNOWN;
    const choice = this.#typed({ enum: step.choices.map(({ id }) => id) });
    const draft = step.draft === undefined ? {} : { draft: this.#typed(step.draft.schema), edited: UNKNOWN };
    const votes = step.quorum === undefined ? {} : { votes: this.#list };
    return recordValue({ choice, data: this.#typed(step.form), by: UNKNOWN, ...draft, ...votes }, 'unsaid');
  }
}

/** The name of a member that is not computed, or null. */
export function memberName({ key }: Extract<Syntax, { kind: 'member' }>): string | null {
  return key.kind === 'literal' && (typeof key.value === 'string' || typeof key.value === 'number')
    ? String(key.value)
    : null;
}

export function withoutChain(syntax: Syntax): Syntax {
  return syntax.kind === 'chain' ? withoutChain(syntax.body) : syntax;
}

/** The value of a literal that JSON has. */
export function literalOf(syntax: Syntax): (Literal & { readonly value: Exclude<JsonValue, object> | null }) | null {
  return syntax.kind === 'literal' && syntax.value !== undefined && syntax.value !== null
    ? { ...syntax, value: syntax.value }
    : null;
}
