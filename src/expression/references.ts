/**
 * What an expression reads, found without evaluating it, and whether those names exist. This is how a misspelt
 * variable or step is reported when a workflow is loaded and not in the middle of a run.
 */
import { didYouMean } from '../core/suggest.js';
import { type ExpressionProblem, quoted } from './problem.js';
import { ARTIFACT_FIELDS, ROOT_NAMES, RUN_FIELDS, type RootName, STEP_FIELDS } from './scope.js';
import { partsOf, type Syntax } from './syntax.js';

/** One name of a path; `name` is null when it is computed. */
export interface ReferenceKey {
  readonly name: string | null;
  readonly offset: number;
  readonly length: number;
}

/** `variables.x` is root `variables` and key `x`; `context.state.get('x')` is root `context` and key `x`. */
export interface Reference {
  readonly root: RootName;
  readonly keys: readonly ReferenceKey[];
  readonly offset: number;
  readonly length: number;
}

/** The names an expression may use at its place. `task` and the names of artifacts are open. */
export interface KnownNames {
  readonly roots: readonly RootName[];
  readonly variables: ReadonlySet<string>;
  /** Names for `context.state`. */
  readonly states: ReadonlySet<string>;
  /** Step ids. */
  readonly steps: ReadonlySet<string>;
  /** Fields that `loop` has here; null, or left out, when no loop or for_each is around. */
  readonly loop?: readonly string[] | null;
}

export function referencesOf(syntax: Syntax): readonly Reference[] {
  const found: Reference[] = [];
  collect(syntax, found);
  return found;
}

/** Words the hint for a misspelt name; empty for no guess. */
export type Suggest = (word: string, known: ReadonlySet<string>) => string;

const RUN_NAMES: ReadonlySet<string> = new Set(RUN_FIELDS);
const STEP_NAMES: ReadonlySet<string> = new Set(STEP_FIELDS);
const ARTIFACT_NAMES: ReadonlySet<string> = new Set(ARTIFACT_FIELDS);

/** Problems of every reference, in order of their place. */
export function checkNames(
  expression: { readonly references: readonly Reference[] },
  known: KnownNames,
  suggest: Suggest = (word, names) => didYouMean(word, names).trim(),
): readonly ExpressionProblem[] {
  return expression.references.flatMap((reference) => problemOf(reference, known, suggest) ?? []);
}

function problemOf(reference: Reference, known: KnownNames, suggest: Suggest): ExpressionProblem | null {
  const { root, keys, offset, length } = reference;
  const [first, second] = keys;
  if (!known.roots.includes(root)) {
    const names = ROOT_NAMES.filter((name) => known.roots.includes(name)).join(' and ');
    return { message: `"${root}" cannot be read here`, hint: `Only ${names} can.`, offset, length };
  }
  const unknown = (
    what: string,
    key: ReferenceKey | undefined,
    names: ReadonlySet<string>,
  ): ExpressionProblem | null => {
    if (key === undefined || key.name === null || names.has(key.name)) return null;
    const listed = names.size > 0 && names.size <= 12 ? `Known are ${[...names].join(', ')}.` : null;
    const hint = suggest(key.name, names) || listed;
    return { message: `unknown ${what} ${quoted(key.name)}`, hint, offset: key.offset, length: key.length };
  };
  switch (root) {
    case 'task':
      return null;
    case 'variables':
      return unknown('variable', first, known.variables);
    case 'artifacts':
      return unknown('field of an artifact', second, ARTIFACT_NAMES);
    case 'loop':
      return known.loop === undefined || known.loop === null
        ? {
            message: '"loop" cannot be read here: there is no loop or for_each around',
            hint: 'Only steps inside one, and its "until" and "while", can read it.',
            offset,
            length,
          }
        : unknown('field of loop', first, new Set(known.loop));
    case 'run':
      return unknown('field of run', first, RUN_NAMES);
    case 'context':
      if (first === undefined || first.name === null)
        return notLiteral(first ?? reference, "context.state.get('planning_result')");
      return unknown('state', first, known.states);
    default:
      if (first === undefined || first.name === null) return notLiteral(first ?? reference, "steps['code-review']");
      return unknown('step', first, known.steps) ?? unknown('field of a step', second, STEP_NAMES);
  }
}

function notLiteral(at: { readonly offset: number; readonly length: number }, example: string): ExpressionProblem {
  const { offset, length } = at;
  return {
    message: 'the step must be named with a text in quotes, so that it can be checked',
    hint: `For example ${example}.`,
    offset,
    length,
  };
}

function collect(syntax: Syntax, found: Reference[]): void {
  switch (syntax.kind) {
    case 'root':
      found.push({ root: syntax.name, keys: [], ...placeOf(syntax) });
      return;
    case 'state':
      found.push({ root: 'context', keys: [keyOf(syntax.key)], ...placeOf(syntax) });
      collect(syntax.key, found);
      return;
    case 'member':
      collectPath(syntax, found);
      return;
    default:
      for (const part of partsOf(syntax)) collect(part, found);
  }
}

/** `a.b.c`: one reference with its keys when it starts at a root, and whatever its computed keys read. */
function collectPath(syntax: Syntax, found: Reference[]): void {
  const keys: ReferenceKey[] = [];
  const computed: Syntax[] = [];
  let base = syntax;
  for (;;) {
    if (base.kind === 'chain') base = base.body;
    else if (base.kind === 'member') {
      keys.unshift(keyOf(base.key));
      computed.unshift(base.key);
      base = base.object;
    } else break;
  }
  if (base.kind === 'root') found.push({ root: base.name, keys, ...placeOf(syntax) });
  else collect(base, found);
  for (const key of computed) collect(key, found);
}

function keyOf(syntax: Syntax): ReferenceKey {
  const name = syntax.kind === 'literal' && typeof syntax.value === 'string' ? syntax.value : null;
  return { name, ...placeOf(syntax) };
}

function placeOf(syntax: Syntax): { offset: number; length: number } {
  return { offset: syntax.start, length: syntax.end - syntax.start };
}
