import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CoordError, hasCode } from '../../src/core/errors.js';
import type { JsonValue } from '../../src/core/json.js';
import { parseExpression } from '../../src/expression/expression.js';
import { ExpressionError, type ExpressionProblem } from '../../src/expression/problem.js';
import { sampleScope } from './sample-scope.js';

function evaluate(source: string): JsonValue | undefined {
  return parseExpression(source).evaluate(sampleScope());
}

function failure(source: string): string {
  try {
    parseExpression(source).evaluate(sampleScope());
  } catch (error) {
    if (error instanceof CoordError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no failure';
}

function problemsIn(source: string): ExpressionProblem[] {
  try {
    parseExpression(source);
  } catch (error) {
    if (error instanceof ExpressionError) return [error.problem];
    throw error;
  }
  return [];
}

describe('values', () => {
  it.each<[string, unknown]>([
    ["context.state.get('qa_status') === 'pass'", true],
    ["context.state.get('planning_result')", { plan: 'p' }],
    ["context.state.get('planning_result').plan", 'p'],
    ["context.state.get('gone')", undefined],
    ["context?.state?.has('qa_status')", true],
    ["context.state.has('gone')", false],
    ["task.type === 'hotfix'", true],
    ["task.type !== 'hotfix'", false],
    ['task.score < 80', true],
    ['task.score >= 80 || task.urgent', true],
    ['task.score > 10 && !task.urgent', false],
    ["task.missing ?? 'x'", 'x'],
    ["task.nested?.deep?.value ?? 'x'", 7],
    ['task.gone?.deep.value.of.anything', undefined],
    ['task.gone?.list.some(x => x.y)', undefined],
    ["(task.gone?.deep) ?? 'x'", 'x'],
    ["task.urgent ? 'now' : 'later'", 'now'],
    ["task.tags.includes('auth')", true],
    ["task.tags.some(t => t === 'urgent')", true],
    ['task.owners.every((owner) => owner.age > 36)', false],
    ['task.owners.filter(o => o.age > 40).map(o => o.name)', ['lin']],
    ["task.owners.find(o => o.name === 'ada').age", 36],
    ['task.owners.map((o, i) => i)', [0, 1]],
    ['task.owners.map(o => o.gone)', [null, null]],
    ['task.owners.some(a => task.owners.some(b => b.age - a.age === 5))', true],
    ['task.tags[1]', 'urgent'],
    ['task.tags[task.tags.length - 1]', 'urgent'],
    ["task['ty' + 'pe']", 'hotfix'],
    ['task.slug.length', 10],
    ["task.slug.slice(0, 5).toUpperCase() + '!'", 'LOGIN!'],
    ["task.tags.join(' ')", 'auth urgent'],
    ['`${task.slug}-${task.score}`', 'login-loop-79'],
    ["['hotfix', 'feature'].includes(task.type)", true],
    ["steps['code-review'].result.score > 90", true],
    ["run.workflow === 'feature'", true],
    ["artifacts['report.md'].size", 120],
    ["artifacts['report.md'].step", 'code-review'],
    ["artifacts['gone.md']?.size ?? 0", 0],
    ['loop.round', 2],
    ["loop.previous?.qa.status === 'fail'", true],
    ["loop?.item ?? 'none'", 'none'],
    ['variables.timeout_base / 60', 30],
    ['-task.score + 80', 1],
    ["+'12' * 2", 24],
    ['7 % 4', 3],
    ['task.nothing == undefined', true],
    ['task.nothing === undefined', false],
    ["task.score == '79'", true],
    ['task.tags == task.tags', true],
    ["  (  task.type  )  === ('hotfix')  ", true],
    ['task.toStringX', undefined],
  ])('%s', (source, expected) => {
    expect(evaluate(source)).toEqual(expected);
  });

  it('short-circuits', () => {
    expect(evaluate('task.urgent || task.gone.x')).toBe(true);
    expect(evaluate('task.score > 80 && task.gone.x')).toBe(false);
    expect(evaluate('task.score ?? task.gone.x')).toBe(79);
  });

  it('says whether it ends in ?? null', () => {
    expect(parseExpression('task.x ?? null').mayBeNull).toBe(true);
    expect(parseExpression('task.x ?? task.y').mayBeNull).toBe(false);
  });
});

describe('where no loop is around', () => {
  it('loop is null', () => {
    const scope = { ...sampleScope(), loop: null };
    expect(parseExpression('loop?.round ?? 1').evaluate(scope)).toBe(1);
    expect(parseExpression('loop === null').evaluate(scope)).toBe(true);
    expect(() => parseExpression('loop.round').evaluate(scope)).toThrow(/cannot be read from a value that is missing/);
  });
});

describe('evaluations that fail', () => {
  it('say why and where', () => {
    expect(
      [
        'task.gone.deep',
        'task.nothing.deep === 1',
        'task.gone < 80',
        "task.score < '80'",
        'task.tags + 1',
        "'a' + task.nested",
        '1 / 0',
        "+'abc'",
        "task.tags.toUpperCase() === 'X'",
        'task.score.slice(1)',
        'task.slug.size',
        'task.tags.size',
        'task.score.size',
        'task.slug.includes(7)',
        'task.gone.some(x => x)',
        "task['con' + 'structor']",
        'task[task.nested]',
        'context.state.get(7)',
        '`a ${task.gone}`',
      ].map(failure),
    ).toMatchInlineSnapshot(`
      [
        "EXPRESSION_FAILED: "deep" cannot be read from a value that is missing; write "?." where it may be: "task.gone.deep"",
        "EXPRESSION_FAILED: "deep" cannot be read from a value that is missing; write "?." where it may be: "task.nothing.deep" in "task.nothing.deep === 1"",
        "EXPRESSION_FAILED: "<" compares two numbers or two texts, not nothing and a number: "task.gone < 80"",
        "EXPRESSION_FAILED: "<" compares two numbers or two texts, not a number and a text: "task.score < '80'"",
        "EXPRESSION_FAILED: "+" adds two numbers or joins texts, not a list and a number: "task.tags + 1"",
        "EXPRESSION_FAILED: "+" adds two numbers or joins texts, not a text and an object: "'a' + task.nested"",
        "EXPRESSION_FAILED: the result is not a number: "1 / 0"",
        "EXPRESSION_FAILED: the result is not a number: "+'abc'"",
        "EXPRESSION_FAILED: a list has no method "toUpperCase": "task.tags.toUpperCase()" in "task.tags.toUpperCase() === 'X'"",
        "EXPRESSION_FAILED: a number has no method "slice": "task.score.slice(1)"",
        "EXPRESSION_FAILED: a text has no property "size": "task.slug.size"",
        "EXPRESSION_FAILED: a list has no property "size": "task.tags.size"",
        "EXPRESSION_FAILED: a number has no property "size": "task.score.size"",
        "EXPRESSION_FAILED: a text is expected, not a number: "task.slug.includes(7)"",
        "EXPRESSION_FAILED: "some" cannot be called on a value that is missing; write "?." where it may be: "task.gone.some(x => x)"",
        "EXPRESSION_FAILED: the name "constructor" may not be read: "task['con' + 'structor']"",
        "EXPRESSION_FAILED: a name is a text or a number, not an object: "task[task.nested]"",
        "EXPRESSION_FAILED: the name of a state is a text, not a number: "context.state.get(7)"",
        "EXPRESSION_FAILED: nothing cannot be part of a text: "task.gone" in "\`a \${task.gone}\`"",
      ]
    `);
  });
});

describe('sources that are refused', () => {
  it('say why and where', () => {
    const problems = [
      '',
      '   ',
      'task.type = 1',
      'task.type == ',
      'task.type === === 1',
      "task.type === 'hot",
      '(task.type',
      'task.type)',
      'task type',
      'tsk.type',
      "qa_status === 'pass'",
      'steps.code-review.status',
      'task.tags.inclodes(1)',
      'task.tags.push(1)',
      'task.tags.some(1)',
      'task.tags.some(t => { return t })',
      'task.tags.map(task => 1)',
      't => t',
      'new Date()',
      '/a/.test(task.slug)',
      '{a: 1}',
      '({a: 1})',
      '[...task.tags]',
      '[1,,2]',
      'this',
      'import("fs")',
      'import.meta',
      'tag`x`',
      'delete task.type',
      'typeof task',
      'task++',
      'a, b',
      '1n',
      '1e999',
      'task.type // comment',
      'context',
      "context.get('x')",
      "context.states.get('x')",
      "context.state.set('x', 1)",
      'context.state.size',
      'context.state.get()',
      'task.constructor',
      'task.\\u0063onstructor',
      "task['__proto__']",
      'task.tags.map.constructor',
      'process.exit()',
      'async () => 1',
      'await task',
      'task.tags.some(async t => t)',
      'task in variables',
      '1 << 2',
      '2 ** 3',
      'task.#x',
      'task.tags.some(t => t)(1)',
      "'\\x'",
    ].map((source) => {
      try {
        parseExpression(source);
      } catch (error) {
        if (!(error instanceof ExpressionError)) throw error;
        const { message, hint, offset, length } = error.problem;
        return `${source}  ⟶  ${String(offset)}+${String(length)} ${message}${hint === null ? '' : ` | ${hint}`}`;
      }
      return `${source}  ⟶  accepted`;
    });
    expect(problems.join('\n')).toMatchInlineSnapshot(`
      "  ⟶  0+1 the expression is empty
           ⟶  0+3 the expression is empty
      task.type = 1  ⟶  10+1 an assignment is not part of the expression language | To compare, write ===.
      task.type ==   ⟶  12+1 the expression ends too early
      task.type === === 1  ⟶  14+3 unexpected "==="
      task.type === 'hot  ⟶  14+1 unterminated string constant
      (task.type  ⟶  10+1 the expression ends too early
      task.type)  ⟶  9+1 unexpected ")" after the expression
      task type  ⟶  5+4 unexpected "type" after the expression
      tsk.type  ⟶  0+3 unknown name "tsk" | Did you mean "task"?
      qa_status === 'pass'  ⟶  0+9 unknown name "qa_status" | Did you mean context.state.get('qa_status')?
      steps.code-review.status  ⟶  11+6 unknown name "review" | For a step whose id has a hyphen, write steps['code-review'].
      task.tags.inclodes(1)  ⟶  10+8 unknown method "inclodes" | Did you mean "includes"?
      task.tags.push(1)  ⟶  10+4 unknown method "push" | Known methods are includes, startsWith, endsWith, indexOf, toLowerCase, toUpperCase, trim, slice, join, some, every, filter, find, map.
      task.tags.some(1)  ⟶  0+17 some takes one function | For example task.tags.some(tag => tag === 'urgent').
      task.tags.some(t => { return t })  ⟶  20+12 a function with a body in braces is not part of the expression language
      task.tags.map(task => 1)  ⟶  14+4 a parameter cannot be called "task"
      t => t  ⟶  0+6 a function outside some, every, filter, find and map is not part of the expression language
      new Date()  ⟶  0+10 "new" is not part of the expression language
      /a/.test(task.slug)  ⟶  0+3 a regular expression is not part of the expression language
      {a: 1}  ⟶  0+6 an object in braces is not part of the expression language
      ({a: 1})  ⟶  1+6 an object in braces is not part of the expression language
      [...task.tags]  ⟶  1+12 "..." is not part of the expression language
      [1,,2]  ⟶  0+6 a list with an empty place is not allowed
      this  ⟶  0+4 "this" is not part of the expression language
      import("fs")  ⟶  0+12 "import" is not part of the expression language
      import.meta  ⟶  0+11 "import.meta" or "new.target" is not part of the expression language
      tag\`x\`  ⟶  0+6 a tagged template is not part of the expression language
      delete task.type  ⟶  0+16 the operator "delete" is not part of the expression language
      typeof task  ⟶  0+11 the operator "typeof" is not part of the expression language
      task++  ⟶  0+6 "++" or "--" is not part of the expression language
      a, b  ⟶  0+4 a comma between expressions is not part of the expression language
      1n  ⟶  0+2 "1n" is not a text, number, true, false or null
      1e999  ⟶  0+5 the number is too large
      task.type // comment  ⟶  10+10 a comment is not part of an expression
      context  ⟶  0+7 context can only be read as context.state.get(name) or context.state.has(name)
      context.get('x')  ⟶  0+16 context can only be read as context.state.get(name) or context.state.has(name)
      context.states.get('x')  ⟶  0+23 context can only be read as context.state.get(name) or context.state.has(name)
      context.state.set('x', 1)  ⟶  0+25 context can only be read as context.state.get(name) or context.state.has(name)
      context.state.size  ⟶  0+13 context can only be read as context.state.get(name) or context.state.has(name)
      context.state.get()  ⟶  0+19 context.state.get takes one name
      task.constructor  ⟶  5+11 the name "constructor" may not be read
      task.\\u0063onstructor  ⟶  5+16 the name "constructor" may not be read
      task['__proto__']  ⟶  5+11 the name "__proto__" may not be read
      task.tags.map.constructor  ⟶  14+11 the name "constructor" may not be read
      process.exit()  ⟶  0+7 unknown name "process" | Known names are task, variables, context, steps, artifacts, run, loop.
      async () => 1  ⟶  0+13 a function outside some, every, filter, find and map is not part of the expression language
      await task  ⟶  0+10 "await" is not part of the expression language
      task.tags.some(async t => t)  ⟶  15+12 an async function is not part of the expression language
      task in variables  ⟶  0+17 the operator "in" is not part of the expression language
      1 << 2  ⟶  0+6 the operator "<<" is not part of the expression language
      2 ** 3  ⟶  0+6 the operator "**" is not part of the expression language
      task.#x  ⟶  5+1 private field '#x' must be declared in an enclosing class
      task.tags.some(t => t)(1)  ⟶  0+25 only a method of a value can be called | For example task.tags.includes('urgent').
      '\\x'  ⟶  3+1 bad character escape sequence"
    `);
  });

  it('is an error of the catalogue', () => {
    expect(() => parseExpression('task.type = 1')).toThrow(CoordError);
    expect(failure('task.type = 1')).toMatch(
      /^EXPRESSION_INVALID: an assignment is not part of the expression language, at character 11\. /,
    );
  });
});

describe('references', () => {
  it('are found with their places', () => {
    const source = "task.a.b === variables[task.k] && context.state.get('x') && steps['y']?.result.z[run.id]";
    const read = parseExpression(source).references.map(({ root, keys, offset, length }) => ({
      root,
      keys: keys.map(({ name }) => name),
      text: source.slice(offset, offset + length),
    }));
    expect(read).toEqual([
      { root: 'task', keys: ['a', 'b'], text: 'task.a.b' },
      { root: 'variables', keys: [null], text: 'variables[task.k]' },
      { root: 'task', keys: ['k'], text: 'task.k' },
      { root: 'context', keys: ['x'], text: "context.state.get('x')" },
      { root: 'steps', keys: ['y', 'result', 'z', null], text: "steps['y']?.result.z[run.id]" },
      { root: 'run', keys: ['id'], text: 'run.id' },
    ]);
  });
});

describe('problems', () => {
  it('lie inside the source', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const places = problemsIn(text).filter(
          ({ offset, length }) => offset < 0 || offset > text.length || length < 1,
        );
        expect(places).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('properties', () => {
  /** Sources that look like the language often enough to get past the parser. */
  const words =
    "task variables context state steps run get has tags slug score some map join slice x . . ?. ( ) [ ] => === !== < + - * / % ! && || ?? ? : , 'x' 'qa_status' 0 1 1e308 null true undefined `a${ }` { } = constructor __proto__ \"".split(
      ' ',
    );
  const word = fc.constantFrom(' ', ...words);
  const { letrec } = fc;
  const { expression } = letrec<{ expression: string }>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom(
        'task.tags',
        'task.slug',
        'task.score',
        'task.owners',
        'task.gone',
        'variables',
        "context.state.get('qa_status')",
        "'x'",
        '0',
        '-1',
        'null',
        'run.id',
      ),
      fc
        .tuple(
          tie('expression'),
          fc.constantFrom('===', '<', '+', '-', '*', '%', '&&', '||', '??', '=='),
          tie('expression'),
        )
        .map(([a, op, b]) => `((${a}) ${op} (${b}))`),
      fc
        .tuple(
          tie('expression'),
          fc.constantFrom(
            '.x',
            '?.x',
            '.length',
            '[0]',
            '[task.slug]',
            '.some(x => x === 1)',
            ".map(x => x + '')",
            '.slice(1)',
            '.toUpperCase()',
            '?.join()',
          ),
        )
        .map(([a, b]) => `(${a})${b}`),
      fc.tuple(tie('expression'), tie('expression'), tie('expression')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
      tie('expression').map((a) => `[${a}, !${a}]`),
      tie('expression').map((a) => `\`<\${${a}}>\``),
    ),
  }));
  const source = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.array(word, { maxLength: 25 }).map((chosen) => chosen.join('')),
    expression,
  );

  it('never lets anything but a structured problem out, and gives the same answer twice', () => {
    const before = JSON.stringify(sampleScope());
    const scope = sampleScope();
    const seen = { refused: 0, failed: 0, evaluated: 0 };
    const outcome = (text: string): string => {
      try {
        const value = parseExpression(text).evaluate(scope);
        seen.evaluated++;
        return `value ${JSON.stringify(value) ?? 'undefined'}`;
      } catch (error) {
        if (error instanceof ExpressionError) seen.refused++;
        else if (hasCode(error, 'EXPRESSION_FAILED')) seen.failed++;
        else throw error;
        return error.message;
      }
    };
    fc.assert(
      fc.property(source, (text) => {
        const first = outcome(text);
        expect(outcome(text)).toBe(first);
        expect(first).not.toContain('the evaluation broke');
      }),
      { numRuns: 10_000 },
    );
    expect(JSON.stringify(scope)).toBe(before);
    // Otherwise the generator would only test one of the three ways out.
    expect(Math.min(seen.refused, seen.failed, seen.evaluated)).toBeGreaterThan(500);
  });
});
