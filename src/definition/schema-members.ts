/** The keywords of a schema that look into lists and objects. */
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.js';
import { type Check, counted, guess, type SchemaRun } from './schema-run.js';
import { identityIn, textTest } from './schema-scalars.js';

/** Makes the check of a schema inside. */
export type CompileInner = (schema: JsonValue) => Check;

type ObjectCheck = (value: JsonObject, run: SchemaRun) => void;
type ListCheck = (value: readonly JsonValue[], run: SchemaRun) => void;

/** Keywords of objects. */
export function objectChecks(schema: JsonObject, compile: CompileInner): readonly Check[] {
  const checks = [
    ...nameChecks(schema, compile),
    ...(hasOne(schema, ['properties', 'patternProperties', 'additionalProperties'])
      ? [memberCheck(schema, compile)]
      : []),
  ];
  return checks.map(
    (check): Check =>
      (value, run) => {
        if (isJsonObject(value)) check(value, run);
      },
  );
}

function hasOne(schema: JsonObject, keywords: readonly string[]): boolean {
  return keywords.some((keyword) => Object.hasOwn(schema, keyword));
}

function nameChecks(schema: JsonObject, compile: CompileInner): readonly ObjectCheck[] {
  const checks: ObjectCheck[] = [];
  const { required, minProperties, maxProperties, propertyNames, dependentRequired } = schema;
  const names = namesOf(required);
  if (names.length > 0) checks.push((value, run) => requireAll(value, names, { run, why: '' }));
  if (typeof minProperties === 'number' || typeof maxProperties === 'number')
    checks.push(countCheck({ minProperties, maxProperties }));
  if (propertyNames !== undefined) {
    const check = compile(propertyNames);
    checks.push((value, run) => {
      for (const name of Object.keys(value)) {
        const [issue] = run.attempt(check, name, 1);
        if (issue !== undefined) run.report(`cannot be a name here: ${issue.message}`, name);
      }
    });
  }
  if (isJsonObject(dependentRequired)) {
    for (const [name, needed] of Object.entries(dependentRequired)) {
      const why = `, which "${name}" needs`;
      checks.push((value, run) => {
        if (Object.hasOwn(value, name)) requireAll(value, namesOf(needed), { run, why });
      });
    }
  }
  return checks;
}

function namesOf(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((name: JsonValue) => typeof name === 'string') : [];
}

function requireAll(value: JsonObject, names: readonly string[], { run, why }: { run: SchemaRun; why: string }): void {
  if (!run.spend(names.length >> 3)) return;
  for (const name of names) if (!Object.hasOwn(value, name)) run.report(`is missing${why}`, name);
}

function countCheck({ minProperties, maxProperties }: { [key: string]: JsonValue | undefined }): ObjectCheck {
  return (value, run) => {
    const count = Object.keys(value).length;
    if (typeof minProperties === 'number' && count < minProperties)
      run.report(`expected at least ${counted(minProperties, 'member')}, not ${String(count)}`);
    if (typeof maxProperties === 'number' && count > maxProperties)
      run.report(`expected at most ${counted(maxProperties, 'member')}, not ${String(count)}`);
  };
}

/** `properties`, `patternProperties` and `additionalProperties` share out the members of an object. */
function memberCheck(schema: JsonObject, compile: CompileInner): ObjectCheck {
  const { properties, patternProperties, additionalProperties } = schema;
  const named = new Map(
    isJsonObject(properties) ? Object.entries(properties).map(([name, inner]) => [name, compile(inner)]) : [],
  );
  const patterns = isJsonObject(patternProperties)
    ? Object.entries(patternProperties).map(([source, inner]) => ({ test: textTest(source), check: compile(inner) }))
    : [];
  const others = additionalProperties === undefined || additionalProperties === true ? null : additionalProperties;
  const otherCheck = others === null || others === false ? null : compile(others);
  const names = [...named.keys()];
  return (value, run) => {
    for (const [name, member] of Object.entries(value)) {
      if (run.isDone || !run.spend(1)) return;
      const own = named.get(name);
      if (own !== undefined) run.callAt(name, own, member);
      // A name that is too long for a pattern is taken as one that does not match.
      const matching = patterns.filter(({ test }) => test(name, run) === 'yes');
      for (const { check } of matching) run.callAt(name, check, member);
      if (own !== undefined || matching.length > 0) continue;
      if (otherCheck !== null) run.callAt(name, otherCheck, member);
      else if (others === false) reportUnknown(name, names, run);
    }
  };
}

const LISTED_NAMES = 20;

function reportUnknown(name: string, names: readonly string[], run: SchemaRun): void {
  if (!run.spend(names.length)) return;
  const meant = guess(name, names).trim();
  const listed = names.slice(0, LISTED_NAMES).join(', ');
  const known = listed === '' ? 'Nothing is.' : `Known are ${listed}${names.length > LISTED_NAMES ? ', …' : ''}.`;
  run.report(`is not known here. ${meant || known}`, name);
}

/** Keywords of lists. */
export function listChecks(schema: JsonObject, compile: CompileInner): readonly Check[] {
  const { minItems, maxItems, uniqueItems } = schema;
  const checks: ListCheck[] = [];
  if (typeof minItems === 'number') {
    checks.push((value, run) => {
      if (value.length < minItems)
        run.report(`expected at least ${counted(minItems, 'item')}, not ${String(value.length)}`);
    });
  }
  if (typeof maxItems === 'number') {
    checks.push((value, run) => {
      if (value.length > maxItems)
        run.report(`expected at most ${counted(maxItems, 'item')}, not ${String(value.length)}`);
    });
  }
  if (uniqueItems === true) checks.push(checkUnique);
  if (schema['contains'] !== undefined) checks.push(containsCheck(schema, compile(schema['contains'])));
  if (hasOne(schema, ['items', 'prefixItems'])) checks.push(itemCheck(schema, compile));
  return checks.map(
    (check): Check =>
      (value, run) => {
        if (Array.isArray(value)) check(value as readonly JsonValue[], run);
      },
  );
}

function checkUnique(value: readonly JsonValue[], run: SchemaRun): void {
  const seen = new Map<JsonValue, number>();
  for (const [index, item] of value.entries()) {
    if (run.isDone || !run.spend(1)) return;
    const identity = identityIn(item, run);
    const before = seen.get(identity);
    if (before === undefined) seen.set(identity, index);
    else run.report(`is the same as item ${String(before)}; each may be there once`, index);
  }
}

function containsCheck(schema: JsonObject, check: Check): ListCheck {
  const least = typeof schema['minContains'] === 'number' ? schema['minContains'] : 1;
  const most = typeof schema['maxContains'] === 'number' ? schema['maxContains'] : Number.POSITIVE_INFINITY;
  return (value, run) => {
    let count = 0;
    for (const item of value) {
      if (run.isDone || count > most) break;
      if (run.passes(check, item)) count++;
    }
    const found = `of its ${counted(value.length, 'item')}, ${String(count)} ${count === 1 ? 'is' : 'are'} as wanted`;
    if (count < least) run.report(`expected at least ${String(least)} (contains): ${found}`);
    if (count > most) run.report(`expected at most ${String(most)} (contains): ${found}`);
  };
}

/** `prefixItems` and `items`; in older drafts a list in `items`, and `additionalItems`. */
function itemCheck(schema: JsonObject, compile: CompileInner): ListCheck {
  const { items, prefixItems, additionalItems } = schema;
  const old = Array.isArray(items);
  const first = old
    ? (items as readonly JsonValue[])
    : Array.isArray(prefixItems)
      ? (prefixItems as readonly JsonValue[])
      : [];
  const checks = first.map((inner) => compile(inner));
  const rest = old ? additionalItems : items;
  const restCheck = rest === undefined || rest === true ? null : compile(rest);
  return (value, run) => {
    for (const [index, item] of value.entries()) {
      if (run.isDone) return;
      const check = checks[index] ?? (index >= checks.length ? restCheck : null);
      if (check === null) continue;
      if (check === restCheck && rest === false) {
        const most = `at most ${counted(checks.length, 'item')}`;
        run.report(`expected ${most}, not ${String(value.length)}`);
        return;
      }
      run.callAt(index, check, item);
    }
  };
}
