/**
 * JSON Schemas of tasks, results and forms: whether one can be used, and whether a value is as it says. Pure, without
 * any compiler of code, and bounded: neither a schema nor a value can make a check that does not end.
 */
import { CoordError } from '../core/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.js';
import { checkSchema } from './schema-check.js';
import { type CompileInner, listChecks, objectChecks } from './schema-members.js';
import { resolveReference } from './schema-reference.js';
import { type Check, isTooDeep, type SchemaIssue, SchemaRun, shown } from './schema-run.js';
import { numberChecks, textChecks, typeTest, valueChecks } from './schema-scalars.js';
import type { JsonSchema } from './steps.js';

export { checkSchema } from './schema-check.js';
export type { SchemaIssue } from './schema-run.js';
export { type KnownValue, typeOf } from './schema-type.js';

export type SchemaTest = (value: JsonValue) => readonly SchemaIssue[];

const compiled = new WeakMap<JsonObject, SchemaTest>();

/**
 * The test of values: at most 5 issues, none for a value that fits. Compiled once per schema object, which must not be
 * changed afterwards. Throws DEFINITION_INVALID for a schema that `checkSchema` has problems with.
 */
export function compileSchema(schema: JsonSchema): SchemaTest {
  if (schema === true) return () => [];
  let test = compiled.get(schema);
  if (test === undefined) {
    test = testOf(schema);
    compiled.set(schema, test);
  }
  return test;
}

function testOf(schema: JsonObject): SchemaTest {
  const [problem] = checkSchema(schema);
  if (problem !== undefined) {
    const place = problem.path.length === 0 ? '' : ` at ${problem.path.join('.')}`;
    throw new CoordError('DEFINITION_INVALID', `the JSON Schema cannot be used${place}: ${problem.message}`);
  }
  const check = new Compiler(schema).compile(schema);
  return (value) => {
    if (isTooDeep(value)) return [{ path: '', message: 'is nested too deep to be checked' }];
    const run = new SchemaRun();
    run.call(check, value);
    return run.abandoned === null ? run.issues : [{ path: '', message: run.abandoned }];
  };
}

const ACCEPT: Check = () => undefined;
const REFUSE: Check = (_value, run) => run.report('nothing is allowed here');

class Compiler {
  readonly #root: JsonObject;
  /** Targets of `$ref`, which can lead to where they stand. */
  readonly #targets = new Map<string, Check>();

  constructor(root: JsonObject) {
    this.#root = root;
  }

  /** Recursion is bounded by the depth that `checkSchema` accepts. */
  compile(schema: JsonValue): Check {
    if (!isJsonObject(schema)) return schema === false ? REFUSE : ACCEPT;
    const inner: CompileInner = (member) => this.compile(member);
    const type = typeTest(schema);
    const checks = [
      ...this.#reference(schema),
      ...valueChecks(schema),
      ...textChecks(schema),
      ...numberChecks(schema),
      ...objectChecks(schema, inner),
      ...listChecks(schema, inner),
      ...combinations(schema, inner),
    ];
    const nullable = schema['nullable'] === true;
    return (value, run) => {
      if (nullable && value === null) return;
      if (type !== null && !type.fits(value)) {
        run.report(`expected ${type.what}${nullable ? ' or null' : ''}, not ${shown(value)}`);
        return;
      }
      for (const check of checks) {
        if (run.isDone) return;
        check(value, run);
      }
    };
  }

  #reference(schema: JsonObject): readonly Check[] {
    const target = schema['$ref'];
    if (typeof target !== 'string') return [];
    return [(value, run) => run.call(this.#targetOf(target), value)];
  }

  /** Compiled when it is first needed: by then, what leads in a circle is there. */
  #targetOf(target: string): Check {
    let check = this.#targets.get(target);
    if (check === undefined) {
      check = this.compile(resolveReference(this.#root, target) ?? true);
      this.#targets.set(target, check);
    }
    return check;
  }
}

/** Keywords that ask other schemas about the same value. */
function combinations(schema: JsonObject, compile: CompileInner): readonly Check[] {
  const checks: Check[] = [];
  const { allOf, anyOf, oneOf, not, dependentSchemas } = schema;
  if (Array.isArray(allOf)) {
    for (const member of allOf as readonly JsonValue[]) {
      const check = compile(member);
      checks.push((value, run) => run.call(check, value));
    }
  }
  if (Array.isArray(anyOf)) checks.push(alternatives((anyOf as readonly JsonValue[]).map(compile), false));
  if (Array.isArray(oneOf)) checks.push(alternatives((oneOf as readonly JsonValue[]).map(compile), true));
  if (not !== undefined) {
    const check = compile(not);
    checks.push((value, run) => {
      if (run.passes(check, value)) run.report(`${shown(value)} is what the schema rules out (not)`);
    });
  }
  if (schema['if'] !== undefined) checks.push(choice(schema, compile));
  if (isJsonObject(dependentSchemas)) {
    for (const [name, member] of Object.entries(dependentSchemas)) {
      const check = compile(member);
      checks.push((value, run) => {
        if (isJsonObject(value) && Object.hasOwn(value, name)) run.call(check, value);
      });
    }
  }
  return checks;
}

function choice(schema: JsonObject, compile: CompileInner): Check {
  const test = compile(schema['if'] ?? true);
  const yes = compile(schema['then'] ?? true);
  const no = compile(schema['else'] ?? true);
  return (value, run) => run.call(run.passes(test, value) ? yes : no, value);
}

/** `anyOf`, and with `exactlyOne` `oneOf`. */
function alternatives(checks: readonly Check[], exactlyOne: boolean): Check {
  return (value, run) => {
    const failed: (readonly SchemaIssue[])[] = [];
    let passed = 0;
    for (const check of checks) {
      if (run.isDone) return;
      const issues = run.attempt(check, value);
      if (issues.length > 0) failed.push(issues);
      else passed++;
      if (passed > 0 && !exactlyOne) return;
      if (passed > 1) break;
    }
    if (run.abandoned !== null || passed === 1) return;
    if (passed > 1) run.report('fits more than one of the alternatives, but must fit exactly one (oneOf)');
    else reportNearest(failed, run);
  };
}

/** An alternative that the value fits by itself, so that only its members are wrong, is most likely the one that was meant. */
function reportNearest(failed: readonly (readonly SchemaIssue[])[], run: SchemaRun): void {
  const here = run.here;
  const inside = failed.filter((issues) => issues.every(({ path }) => path !== here));
  const [nearest, second] = inside.toSorted((a, b) => a.length - b.length);
  if (nearest !== undefined && second?.length !== nearest.length) {
    for (const issue of nearest) run.take(issue);
    return;
  }
  const reasons = [...new Set(failed.map(([issue]) => reasonOf(issue, here)))].slice(0, 4);
  run.report(`fits none of the ${String(failed.length)} alternatives: ${reasons.join('; or ')}`);
}

function reasonOf(issue: SchemaIssue | undefined, here: string): string {
  if (issue === undefined) return '';
  const inside = issue.path.slice(here.length).replace(/^\./, '');
  return inside === '' ? issue.message : `${inside} ${issue.message}`;
}
