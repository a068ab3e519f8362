/**
 * The corpus of hostile expressions and templates: what each must be refused with, and that none of them changes
 * anything, reaches anything, or takes more than the budget. An input that ever got further belongs in here.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CoordError, hasCode } from '../../src/core/errors.js';
import type { JsonObject, JsonValue } from '../../src/core/json.js';
import { compile } from '../../src/expression/compile.js';
import { parseExpression } from '../../src/expression/expression.js';
import type { Frame } from '../../src/expression/frame.js';
import { parseSyntax } from '../../src/expression/grammar.js';
import { EXPRESSION_LIMITS } from '../../src/expression/limits.js';
import type { Scope } from '../../src/expression/scope.js';
import { compileValue, parseTemplate } from '../../src/expression/template.js';
import { sampleScope } from './sample-scope.js';

const LONG = Array.from({ length: 2_000 }, (_, index) => index);
const TASK: JsonObject = {
  ...sampleScope().task,
  admin: false,
  long: LONG,
  text: 'a'.repeat(250_000),
  digits: '1'.repeat(250_000),
  zeros: '0'.repeat(250_000),
  big: Array.from({ length: 20_000 }, (_, index) => `item ${String(index)}`),
};

/** A scope that throws when anybody tries to change it. */
class FrozenMap extends Map<string, JsonValue> {
  override set(key: string, value: JsonValue): this {
    if (this.sealed === true) throw new CoordError('USAGE', `the state ${key} was written`);
    return super.set(key, value);
  }
  override delete(): boolean {
    throw new CoordError('USAGE', 'a state was deleted');
  }
  override clear(): void {
    throw new CoordError('USAGE', 'the state was cleared');
  }
  declare sealed?: boolean;
}

function frozenScope(): Scope {
  const scope = sampleScope();
  const state = new FrozenMap(scope.context.state);
  state.sealed = true;
  return freeze({ ...scope, task: structuredClone(TASK), context: { state } });
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const member of Object.values(value)) freeze(member);
  return value;
}

function textOf(scope: Scope): string {
  return JSON.stringify({ ...scope, context: [...scope.context.state] });
}

interface Outcome {
  readonly what: 'failed' | 'refused' | 'value';
  readonly text: string;
  /** Units of work. */
  readonly steps: number;
}

/** As `parseExpression(source).evaluate(scope)`, with the work that was counted. */
function outcomeOf(source: string, scope: Scope): Outcome {
  const frame: Frame = { scope, locals: [], steps: 0 };
  try {
    parseExpression(source);
    const { syntax } = parseSyntax(source);
    compile(syntax, source)(frame);
  } catch (error) {
    if (hasCode(error, 'EXPRESSION_INVALID')) return { what: 'refused', text: error.message, steps: 0 };
    if (!hasCode(error, 'EXPRESSION_FAILED')) throw error;
    return { what: 'failed', text: error.message, steps: frame.steps };
  }
  try {
    return {
      what: 'value',
      text: JSON.stringify(parseExpression(source).evaluate(scope)) ?? 'undefined',
      steps: frame.steps,
    };
  } catch (error) {
    if (!hasCode(error, 'EXPRESSION_FAILED')) throw error;
    return { what: 'failed', text: error.message, steps: frame.steps };
  }
}

const BLOCKED = /the name "\w+" may not be read/;
const NOT_PART = /is not part of the expression language/;
const UNKNOWN = /unknown name/;
const ONLY_METHODS = /only a method of a value can be called/;
const STATE_ONLY = /context can only be read as/;

/** Refused when they are compiled. */
const REFUSED: readonly (readonly [string, RegExp])[] = [
  // S1: from data to the language's own objects.
  ['task.constructor', BLOCKED],
  ['task["constructor"]', BLOCKED],
  ['task.__proto__', BLOCKED],
  ["task['__proto__'].admin", BLOCKED],
  ['task.owners[0].__proto__', BLOCKED],
  ['task.prototype', BLOCKED],
  ['task.toString()', BLOCKED],
  ['task.valueOf', BLOCKED],
  ['task.hasOwnProperty("x")', BLOCKED],
  ['task.__defineGetter__("x", 1)', BLOCKED],
  ['task.__lookupGetter__("x")', BLOCKED],
  ['task.isPrototypeOf(task)', BLOCKED],
  ['task?.constructor', BLOCKED],
  ['task.tags.map.constructor', BLOCKED],
  ['task.tags.some(x => x.constructor)', BLOCKED],
  ['steps["code-review"].constructor', BLOCKED],
  ['artifacts.constructor', BLOCKED],
  ["artifacts['__proto__'].sha256", BLOCKED],
  ['loop.constructor', BLOCKED],
  ['loop.previous?.__proto__', BLOCKED],
  ['"".constructor', BLOCKED],
  ['[].constructor', BLOCKED],
  ['(0).constructor', BLOCKED],
  ['true.constructor.constructor', BLOCKED],
  // The same, spelled in escapes.
  ['task.\\u0063onstructor', BLOCKED],
  ['task.\\u{63}onstructor', BLOCKED],
  ['task.\\u{000063}onstructor', BLOCKED],
  ['task.const\\u0072uctor', BLOCKED],
  ['task["\\u0063onstructor"]', BLOCKED],
  ["task['\\x63onstructor']", BLOCKED],
  ["task['\\u{63}\\u{6f}nstructor']", BLOCKED],
  ["task['\\\nconstructor']", BLOCKED],
  ["task['\\x5f\\x5fproto\\x5f\\x5f']", BLOCKED],
  ['task.\\u005f_proto__', BLOCKED],
  ['\\u0074ask.\\u0063onstructor', BLOCKED],
  ['cons\\u{74}ructor', UNKNOWN],
  ['task.ｃonstructor()', /unknown method/],
  ['\\u0070rocess.env', UNKNOWN],
  ['tаsk.type', UNKNOWN],
  // S2: code.
  ['"".constructor.constructor("return process")()', ONLY_METHODS],
  ['constructor.constructor("return this")()', ONLY_METHODS],
  ['process.exit(1)', UNKNOWN],
  ['process', UNKNOWN],
  ['globalThis', UNKNOWN],
  ['global.process', UNKNOWN],
  ['window', UNKNOWN],
  ['self', UNKNOWN],
  ['require("fs")', ONLY_METHODS],
  ['import("node:fs")', NOT_PART],
  ['import.meta.url', NOT_PART],
  ['this', NOT_PART],
  ['this.constructor', NOT_PART],
  ['arguments', UNKNOWN],
  ['arguments.callee', UNKNOWN],
  ['new.target', /new\.target|not part/],
  ['super.x', /super/],
  ['eval("1")', ONLY_METHODS],
  ['Function("return 1")()', ONLY_METHODS],
  ['new Function("return 1")', NOT_PART],
  ['new Proxy({}, {})', NOT_PART],
  ['Reflect.get(task, "x")', UNKNOWN],
  ['Object.keys(task)', UNKNOWN],
  ['JSON.parse("{}")', UNKNOWN],
  ['Math.random()', UNKNOWN],
  ['Date.now()', UNKNOWN],
  ['new Date()', NOT_PART],
  ['Intl.DateTimeFormat()', UNKNOWN],
  ['task.slug.toLocaleUpperCase()', /unknown method/],
  ['task.slug.localeCompare("a")', /unknown method/],
  ['fetch("http://169.254.169.254/")', ONLY_METHODS],
  ['setTimeout(x => x)', ONLY_METHODS],
  ['(() => 1)()', ONLY_METHODS],
  ['(x => x)(1)', ONLY_METHODS],
  ['(function () { return this })()', ONLY_METHODS],
  ['function () {}', NOT_PART],
  ['class {}', NOT_PART],
  ['async () => 1', NOT_PART],
  ['await task', NOT_PART],
  ['yield', /reserved|yield/],
  ['task.tags.map(x => { return x })', /body in braces/],
  ['task.tags.map(async x => x)', /async function/],
  ['task.tags.map(function (x) { return x })', NOT_PART],
  ['task.tags.map((x = process) => x)', /assignment/],
  ['task.tags.map(({ constructor }) => constructor)', /parameter can only be a name/],
  ['task.tags.map(([x]) => x)', /parameter can only be a name/],
  ['task.tags.map((...x) => x)', /parameter can only be a name/],
  ['task.tags.map(constructor => constructor)', /cannot be called "constructor"/],
  ['task.tags.map(loop => loop)', /cannot be called "loop"/],
  ['task.tags["map"](x => x)', ONLY_METHODS],
  ['task.tags.map.call(task)', /unknown method/],
  ['task.tags.map.apply(task)', /unknown method/],
  ['task.tags.map.bind(task)', /unknown method/],
  ['`${this}`', NOT_PART],
  ['`${`${process}`}`', UNKNOWN],
  ['String.raw`x`', NOT_PART],
  ['task`x`', NOT_PART],
  ['/(a+)+$/.test(task.text)', /regular expression/],
  ['task.slug.match("x")', /unknown method/],
  ['task.slug.replace("x", "y")', /unknown method/],
  ['task.slug.repeat(1e9)', /unknown method/],
  ['task.slug.padEnd(1e9)', /unknown method/],
  ['range(1e9)', ONLY_METHODS],
  ['{}', NOT_PART],
  ['({ toString: 1 })', NOT_PART],
  ['[...task.tags]', NOT_PART],
  ['typeof task', NOT_PART],
  ['void 0', NOT_PART],
  ['"x" in task', NOT_PART],
  ['task instanceof task', NOT_PART],
  ['1, process', NOT_PART],
  ['1; process', /after the expression/],
  ['1 // x', /comment/],
  ['1 /* x */', /comment/],
  ['<!-- x', /comment|unexpected/],
  ['#!x', /unexpected/],
  ['task.#x', /private/],
  ['context', STATE_ONLY],
  ['context.constructor', STATE_ONLY],
  ['context.state.constructor', STATE_ONLY],
  ['context["state"].get("x")', STATE_ONLY],
  ['context.state["get"]("x")', ONLY_METHODS],
  ['context.state.get.constructor', STATE_ONLY],
  ['context.state.get.call(context)', STATE_ONLY],
  ['context.state.entries()', STATE_ONLY],
  // S3: writing.
  ['task = 1', /assignment/],
  ['task.admin = true', /assignment/],
  ['task.admin ||= true', /assignment/],
  ['task.score += 1', /assignment/],
  ['task.score++', NOT_PART],
  ['--task.score', NOT_PART],
  ['delete task.admin', NOT_PART],
  ['[task.score] = [1]', /assignment/],
  ['({ a: task.admin } = task)', /assignment/],
  ['loop.round = 99', /assignment/],
  ['artifacts.x = 1', /assignment/],
  ['task.tags.push("x")', /unknown method/],
  ['task.tags.splice(0)', /unknown method/],
  ['task.tags.sort()', /unknown method/],
  ['task.tags.reverse()', /unknown method/],
  ['task.tags.fill(0)', /unknown method/],
  ['context.state.set("qa_status", "pass")', STATE_ONLY],
  ['context.state.delete("qa_status")', STATE_ONLY],
  ['context.state.clear()', STATE_ONLY],
  // S6: size and depth.
  [`${'('.repeat(5_000)}1${')'.repeat(5_000)}`, /more than 2000/],
  [`${'('.repeat(100_000)}1${')'.repeat(100_000)}`, /more than 2000/],
  [`'${'x'.repeat(1_000_000)}'`, /more than 2000/],
  [Array.from({ length: 20_000 }, () => '1').join('+'), /more than 2000/],
  [Array.from({ length: 300 }, () => '1').join('+'), /more than 200 parts/],
  [`${'('.repeat(65)}1${')'.repeat(65)}`, /deeper than 64/],
  [`${'['.repeat(100)}${']'.repeat(100)}`, /deeper than 64/],
  [`${'`${'.repeat(100)}1${'}`'.repeat(100)}`, /deeper than 64/],
  [`${'!'.repeat(1_900)}1`, /more than 200 parts/],
  [`task${'.a'.repeat(900)}`, /more than 200 parts/],
  [`${'1?1:'.repeat(400)}1`, /more than 200 parts/],
  ['1e999', /too large/],
  ['9'.repeat(400), /too large/],
  ['\u0000', /unexpected/],
  ['\ud800', /unexpected/],
];

/** Compiled, and fail when they are evaluated. */
const FAILED: readonly (readonly [string, RegExp])[] = [
  ['task[`constructor`]', BLOCKED],
  ["task['con' + 'structor']", BLOCKED],
  ["task['__pro' + 'to__']", BLOCKED],
  ['task[`${"proto"}type`]', BLOCKED],
  ["task[['constructor'][0]]", BLOCKED],
  ["task['CONSTRUCTOR'.toLowerCase()]", BLOCKED],
  ["task[' constructor '.trim()]", BLOCKED],
  ["task['xconstructor'.slice(1)]", BLOCKED],
  ["task[['con', 'structor'].join('')]", BLOCKED],
  ["['constructor'].map(k => task[k])", BLOCKED],
  ["task[true ? 'constructor' : 'x']", BLOCKED],
  ["artifacts['const' + 'ructor']", BLOCKED],
  ["loop['const' + 'ructor']", BLOCKED],
  ["task.tags['const' + 'ructor']", /has no property "constructor"/],
  ["task.slug['to' + 'String']", /has no property "toString"/],
  ["(1)['to' + 'Fixed']", /has no property/],
  ['task[task.tags]', /a name is a text or a number/],
  ['task[task.nested]', /a name is a text or a number/],
  ['task[null]', /a name is a text or a number/],
  ['task.slug.map(x => x)', /has no method/],
  ['task.owners.toUpperCase()', /has no method/],
  ['context.state.get(task.nested)', /name of a state is a text/],
  ['task.tags + task.tags', /adds two numbers or joins texts/],
  ["'' + task.nested", /adds two numbers or joins texts/],
  ['`${task.nested}`', /cannot be part of a text/],
  ['task.nested < 1', /compares two numbers or two texts/],
  ['1 / 0', /not a number/],
  ['0 / 0', /not a number/],
  ['1e308 * 10', /not a number/],
  ['task.gone.x', /cannot be read from a value that is missing/],
  // S5: more work, or larger values, than anybody needs.
  ['task.long.every(a => task.long.every(b => task.long.every(c => true)))', /more than 10000 steps/],
  ['task.long.map(a => task.long.slice(0)).length > 0', /more than 10000 steps/],
  ['task.long.every(i => task.digits != i)', /more than 10000 steps/],
  ['task.long.every(i => +task.zeros === 0)', /more than 10000 steps/],
  ['task.long.every(i => task.long[task.digits] === i)', /no property/],
  ['task.long.every(i => task.text.includes(task.digits))', /more than 10000 steps/],
  ['task.long.every(i => task.text.trim() !== i)', /more than 10000 steps/],
  ['task.long.map(i => `${i}${task.text}`)', /would be made, more than/],
  ['task.text + task.text', /would be made, more than/],
  ['task.big.join(task.text)', /would be made, more than|more than 10000 steps/],
  ["task.slug + 'x' + task.text", /would be made, more than/],
  [`['${'x'.repeat(100)}']${'.map(x => x + x)'.repeat(16)}`, /would be made, more than/],
  [`[1]${'.map(a => [a, a])'.repeat(25)}`, /a list of more than 1000000 characters/],
  ['task.long.map(i => task.big)', /a list of more than 1000000 characters/],
  ['[task, task, task, task, task]', /a list of more than 1000000 characters/],
];

describe('the corpus', () => {
  it('has all kinds of inputs', () => {
    expect(REFUSED.length + FAILED.length).toBeGreaterThan(150);
    expect(REFUSED.filter(([source]) => /\\u|\\x/.test(source)).length).toBeGreaterThan(10);
    expect(new Set([...REFUSED, ...FAILED].map(([source]) => source)).size).toBe(REFUSED.length + FAILED.length);
  });

  it('escapes nowhere, changes nothing, and ends in time', () => {
    const scope = frozenScope();
    const before = textOf(scope);
    const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype].map((prototype) =>
      Object.getOwnPropertyNames(prototype).join(),
    );
    const start = performance.now();
    const wrong: string[] = [];
    const check = (what: Outcome['what'], [source, reason]: readonly [string, RegExp]): void => {
      const outcome = outcomeOf(source, scope);
      const shown = `${source.slice(0, 80)} ⟶ ${outcome.what} ${outcome.text.slice(0, 200)}`;
      if (outcome.what !== what || !reason.test(outcome.text)) wrong.push(shown);
      if (outcome.text.length > 500)
        wrong.push(`${shown} … has a message of ${String(outcome.text.length)} characters`);
      expect(outcomeOf(source, scope)).toEqual(outcome);
    };
    for (const row of REFUSED) check('refused', row);
    for (const row of FAILED) check('failed', row);
    expect(wrong).toEqual([]);
    expect(textOf(scope)).toBe(before);
    expect(
      [Object.prototype, Array.prototype, Function.prototype, String.prototype].map((prototype) =>
        Object.getOwnPropertyNames(prototype).join(),
      ),
    ).toEqual(prototypes);
    // All of it, twice; one that hangs would take longer by far.
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  it('costs no memory to speak of', () => {
    const scope = frozenScope();
    const heavy = FAILED.filter(([, reason]) => /more than/.test(reason.source));
    expect(heavy.length).toBeGreaterThan(10);
    const greedy: string[] = [];
    for (const [source] of heavy) {
      outcomeOf(source, scope);
      // The least of some: the collector of garbage makes any one of them larger or smaller.
      const growth = [1, 2, 3, 4, 5].map(() => {
        const before = process.memoryUsage().heapUsed;
        outcomeOf(source, scope);
        return process.memoryUsage().heapUsed - before;
      });
      if (Math.min(...growth) > 10 * 1024 * 1024) greedy.push(source.slice(0, 80));
    }
    expect(greedy).toEqual([]);
  });
});

describe('the budget', () => {
  const scope = frozenScope();

  it.each([
    ['a condition', "context.state.get('qa_status') === 'pass' && task.score >= 70", 0],
    ['a list is looked through', 'task.long.some(i => i === 1999)', 6_000],
    ['a text is read', "task.text.includes('b')", 977],
    ['a number is made of a text', 'task.slug == 5', 1],
  ])('of %s', (_name, source, steps) => {
    const outcome = outcomeOf(source, scope);
    expect(outcome.what).toBe('value');
    expect(outcome.steps).toBeLessThanOrEqual(steps * 1.4);
    expect(outcome.steps).toBeGreaterThanOrEqual(steps * 0.6);
  });

  it('is what ends an evaluation: nothing that ends well spends more', () => {
    const spent = SOURCES.map((source) => outcomeOf(source, scope)).filter(({ what }) => what === 'value');
    expect(Math.max(...spent.map(({ steps }) => steps))).toBeLessThanOrEqual(EXPRESSION_LIMITS.steps);
  });
});

describe('random evaluations', () => {
  it('leave the data alone, and come out the same', () => {
    const scope = frozenScope();
    const other = frozenScope();
    const before = textOf(scope);
    const kinds = { failed: 0, refused: 0, value: 0 };
    for (const source of SOURCES) {
      const outcome = outcomeOf(source, scope);
      kinds[outcome.what]++;
      expect(outcomeOf(source, other)).toEqual(outcome);
      expect(outcome.text).not.toContain('the evaluation broke');
    }
    expect(SOURCES).toHaveLength(1_000);
    expect(textOf(scope)).toBe(before);
    // Otherwise the grammar would only try one of the three ways out.
    expect(Math.min(...Object.values(kinds))).toBeGreaterThan(50);
  });
});

describe('S13: templates', () => {
  const scope = (task: JsonObject): Scope => ({ ...sampleScope(), task });
  const HOSTILE = [
    '{{ variables.secret }}',
    '${process.env.HOME}',
    '{{',
    '}}',
    "{{ '}}' }}",
    '`${1}`',
    '<%= 1 %>',
    '#{1}',
    '{{{{x}}}}',
    '\\u007b\\u007b x }}',
    '{% x %}',
  ];

  it.each(HOSTILE)('a value that looks like %s stays what it is', (text) => {
    expect(parseTemplate('{{ task.x }}').render(scope({ x: text }))).toBe(text);
    expect(parseTemplate('<{{ task.x }}{{ task.x }}>').render(scope({ x: text }))).toBe(`<${text}${text}>`);
    const rendered = compileValue({ [text]: ['{{ task.x }}', 'a {{ task.x }}'] }).render(scope({ x: text }));
    expect(rendered).toEqual({ [text]: [text, `a ${text}`] });
  });

  it('are limited together', () => {
    const big = 'x'.repeat(90_000);
    const many = compileValue(Array.from({ length: 50 }, () => '{{ task.big }}'));
    expect(() => many.render(scope({ big }))).toThrow(/more than 4000000 characters together/);
    expect(many.render(scope({ big: 'x' }))).toHaveLength(50);
    const doubled = compileValue({ a: `{{ [1]${'.map(a => [a, a])'.repeat(25)} }}` });
    expect(() => doubled.render(scope({}))).toThrow(/a list of more than 1000000 characters/);
  });

  it.each([
    ['{{ task.constructor }}'],
    ['a {{ task.\\u0063onstructor }} b'],
    ['{{ {{ task.x }} }}'],
    ['{{ task.x = 1 }}'],
    ['{{ `${process}` }}'],
    ['{{ "}}" + process }}'],
    ['{{ }}'],
    ['{{'],
    ["{{ '"],
    [`{{ ${'('.repeat(5_000)} }}`],
    ['{{'.repeat(50_000)],
    ["{{ '".repeat(20_000)],
  ])('that are hostile themselves are refused: %.40s', (text) => {
    const start = performance.now();
    expect(() => parseTemplate(text)).toThrow(CoordError);
    expect(performance.now() - start).toBeLessThan(3_000);
  });
});

/** The same thousand every time. */
const SOURCES: readonly string[] = sources();

function sources(): readonly string[] {
  const names = fc.constantFrom(
    'type',
    'tags',
    'x',
    'constructor',
    '__proto__',
    'length',
    '\\u0063onstructor',
    'item',
    'sha256',
  );
  const { expression } = fc.letrec<{ expression: string }>((tie) => {
    const inner = tie('expression');
    return {
      expression: fc.oneof(
        { maxDepth: 5, withCrossShrink: false },
        fc.constantFrom(
          'task.tags',
          'task.long',
          'task.slug',
          'task.text',
          'task.digits',
          'task.gone',
          'task',
          "context.state.get('qa_status')",
          "artifacts['report.md'].sha256",
          'loop.round',
          'loop',
          'run.id',
          "'x'",
          "'constructor'",
          '0',
          '-1.5',
          'null',
          'undefined',
          '[]',
          'process',
        ),
        fc
          .tuple(inner, fc.constantFrom('===', '==', '<', '+', '-', '*', '/', '%', '&&', '||', '??', '=', ','), inner)
          .map(([a, operator, b]) => `((${a}) ${operator} (${b}))`),
        fc.tuple(inner, fc.constantFrom('.', '?.'), names).map(([a, dot, name]) => `(${a})${dot}${name}`),
        fc.tuple(inner, inner).map(([a, b]) => `(${a})[${b}]`),
        fc
          .tuple(inner, fc.constantFrom('map', 'filter', 'some', 'every', 'find', 'forEach'), inner)
          .map(([a, method, b]) => `(${a}).${method}(x => [x, ${b}])`),
        fc
          .tuple(inner, fc.constantFrom('includes', 'slice', 'join', 'indexOf', 'startsWith', 'push', 'call'), inner)
          .map(([a, method, b]) => `(${a}).${method}(${b})`),
        fc.tuple(inner, inner, inner).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
        fc.array(inner, { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
        inner.map((a) => `\`<\${${a}}>\``),
        inner.map((a) => `!(${a})`),
      ),
    };
  });
  return fc.sample(expression, { numRuns: 1_000, seed: 20_261_120 });
}
