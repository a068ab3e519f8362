/** The type of every part of an expression, as far as schemas and the language itself say it. */
import type { JsonValue } from '../../core/json.js';
import { VERDICTS } from '../../core/statuses.js';
import type { Literal, Syntax } from '../../expression/syntax.js';
import type { JsonSchema, StepDefinition } from '../steps.js';
import type { Outline, Placed } from './outline.js';
import { type Known, type Member, memberOf } from './schema-facts.js';

/** What `steps.<id>.status` can be; `canceled` where a block had no more use for it. */
const STEP_OUTCOMES = [...VERDICTS, 'skipped', 'canceled'] as const;

const STATUS: JsonSchema = { enum: STEP_OUTCOMES };
const BOOLEAN: JsonSchema = { type: 'boolean' };
const NUMBER: JsonSchema = { type: 'number' };
const TEXT: JsonSchema = { type: 'string' };
const LIST: JsonSchema = { type: 'array' };
const LOOP_NUMBERS: ReadonlySet<string> = new Set(['round', 'index', 'count']);
const BOOLEAN_METHODS: ReadonlySet<string> = new Set(['includes', 'startsWith', 'endsWith', 'some', 'every']);
const COMPARISONS: ReadonlySet<string> = new Set(['===', '!==', '==', '!=', '<', '<=', '>', '>=']);

export class Inference {
  readonly #outline: Outline;
  readonly #input: Known;
  readonly #steps = new Map<Placed, JsonSchema>();

  constructor(outline: Outline, input: Known) {
    this.#outline = outline;
    this.#input = input;
  }

  /** Null when nothing is known. A value that is missing is no type: it may be so anywhere. */
  typeOf(syntax: Syntax): Known {
    switch (syntax.kind) {
      case 'literal':
        return syntax.value === undefined ? null : { const: syntax.value };
      case 'root':
        return syntax.name === 'task' ? this.#input : null;
      case 'state':
        return syntax.method === 'has' ? BOOLEAN : this.#typeOfState(syntax.key);
      case 'member':
        return this.member(syntax)?.schema ?? null;
      case 'chain':
        return this.typeOf(syntax.body);
      case 'call':
        return BOOLEAN_METHODS.has(syntax.method) ? BOOLEAN : null;
      case 'unary':
        return syntax.operator === '!' ? BOOLEAN : NUMBER;
      case 'binary':
        if (COMPARISONS.has(syntax.operator)) return BOOLEAN;
        return syntax.operator === '+' ? null : NUMBER;
      case 'list':
        return LIST;
      case 'text':
        return TEXT;
      case 'local':
      case 'logical':
      case 'choice':
        return null;
      default:
        // Kinds of syntax that are added later say nothing here.
        return null;
    }
  }

  /** What a member is of, and what is known of it; null when its name is computed or its object unknown. */
  member(syntax: Extract<Syntax, { kind: 'member' }>): (Member & { readonly object: Known }) | null {
    const { key } = syntax;
    const name =
      key.kind === 'literal' && (typeof key.value === 'string' || typeof key.value === 'number') ? key : null;
    if (name === null) return null;
    const object = withoutChain(syntax.object);
    if (object.kind === 'root' && object.name !== 'task') return this.#memberOfRoot(object.name, String(name.value));
    const known = this.typeOf(object);
    return known === null ? null : { ...memberOf(known, String(name.value)), object: known };
  }

  #memberOfRoot(root: string, name: string): (Member & { readonly object: Known }) | null {
    const yes = (schema: Known): Member & { object: Known } => ({ schema, known: 'yes', names: [], object: null });
    if (root === 'steps') {
      const step = this.#outline.byId.get(name);
      return step === undefined ? null : yes(this.#typeOfStep(step));
    }
    if (root === 'run') return yes(TEXT);
    return root === 'loop' && LOOP_NUMBERS.has(name) ? yes(NUMBER) : null;
  }

  #typeOfState(key: Syntax): Known {
    if (key.kind !== 'literal' || typeof key.value !== 'string') return null;
    const step = this.#outline.byState.get(key.value);
    if (step === undefined) return null;
    return key.value.endsWith('_status') ? STATUS : resultOf(step.draft.definition);
  }

  #typeOfStep(step: Placed): JsonSchema {
    const known = this.#steps.get(step);
    if (known !== undefined) return known;
    const schema: JsonSchema = {
      type: 'object',
      properties: { status: STATUS, result: resultOf(step.draft.definition) ?? true, artifacts: LIST },
      // Names that do not exist are reported by the check of names.
      additionalProperties: true,
    };
    this.#steps.set(step, schema);
    return schema;
  }
}

/** What is known of the result of a step. */
function resultOf(step: StepDefinition): Known {
  if (step.type === 'persona-request') return step.output;
  if (step.type === 'for_each') return LIST;
  if (step.type !== 'decision') return null;
  const properties = {
    choice: { enum: step.choices.map(({ id }) => id) },
    data: step.form ?? true,
    by: true,
  };
  return { type: 'object', properties };
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
