/** The checks of what can never happen: conditions, blocks, and types that rule each other out. */
import { describe, expect, it } from 'vitest';
import type { JsonSchema } from '../../src/definition/steps.js';
import { lines, problemsOf } from './drafts.js';

const QA = `
- id: qa
  output: { type: object, properties: { verdict: { enum: [good, bad] }, score: { type: integer }, notes: { type: array, items: { type: string } }, tags: { type: object, additionalProperties: { type: string } } } }
- { id: soft, on_error: continue }
- id: ask
  type: decision
  choices: [{ id: approve, label: Yes }, { id: reject, label: No }]
- id: exact
  output: { type: object, properties: { ok: { type: boolean } }, additionalProperties: false }
- { id: all, type: for_each, items: [1], steps: [{ id: check }] }
`;
const INPUT: JsonSchema = {
  type: 'object',
  properties: { kind: { enum: ['bug', 'feature'] }, size: { type: 'number' }, title: { type: 'string' } },
  additionalProperties: false,
};

/** The problems of a step with this condition that waits for all the others. */
function condition(source: string, more = ''): readonly string[] {
  const step = `- { id: x, dependencies: [qa, soft, ask, exact, all], condition: ${JSON.stringify(source)}${more} }`;
  return lines(`${QA}${step}`, { input: INPUT });
}

describe('a condition never holds', () => {
  it.each([
    ['false', `It reads nothing, so it is false in every run.`],
    ["'' || 0", `It reads nothing, so it is false in every run.`],
    ["task.a.b === 'x' && task.a.b === 'y'", null],
    ["task.kind === 'bug' && task.kind !== 'bug'", null],
    ['task.title && task.size > 1 && !task.title', null],
    ["steps.soft.status === 'pass' && context.state.get('soft_status') === 'fail'", null],
    ["task.kind !== 'bug' && task.kind !== 'feature' && task.kind", null],
    ["!(task.kind !== 'bug' || task.kind === 'bug')", null],
    ["(task.title === 'a' || task.title === 'b') && task.title === 'c'", null],
    ["task.title === 'a' && (task.title === 'b' || (task.title === 'c' && task.size))", null],
    ['steps.qa && false', null],
  ])('%s', (source, hint) => {
    // The names of `task` are checked by other rules.
    const text = `${QA}- { id: x, dependencies: [qa, soft, ask, exact, all], condition: ${JSON.stringify(source)} }`;
    const input: JsonSchema = { properties: INPUT['properties'] ?? {}, type: 'object', additionalProperties: true };
    expect(lines(text, { input })).toEqual([
      `never-holds [${source}] "condition" of step "x" can never hold, so the step never runs | ${hint ?? 'No values of what it reads fit all of its parts.'}`,
    ]);
  });

  it('says what follows for a branch and for a loop', () => {
    expect(
      lines(`
- { id: c, type: conditional, condition: "false", then_steps: [{ id: a }], else_steps: [{ id: b }] }
- { id: d, type: conditional, condition: "!(task.a && !task.a)", then_steps: [{ id: e }], else_steps: [{ id: f }] }
- { id: l, type: loop, until: "steps.q.status === 'pass' && steps.q.status === 'fail'", steps: [{ id: q }] }
- { id: m, type: loop, while: "false", steps: [{ id: r }] }
`).map((line) => line.replace(/ \|.*/, '')),
    ).toEqual([
      'never-holds [false] "condition" of step "c" can never hold, so its then_steps never run',
      'never-holds [!(task.a && !task.a)] the condition of step "d" always holds, so its else_steps never run',
      `never-holds [steps.q.status === 'pass' && steps.q.status === 'fail'] "until" of step "l" can never hold, so the loop only ends at its limit`,
      'never-holds [false] "while" of step "m" can never hold, so the loop does nothing',
    ]);
  });

  it.each([
    [
      "steps.qa.status === 'passed'",
      'steps.qa.status is never "passed" | Did you mean "pass"? It is one of pass, fail, error, skipped, canceled.',
    ],
    [
      "context.state.get('qa_status') !== 'failure'",
      `context.state.get('qa_status') is never "failure" | Did you mean "fail"? It is one of pass, fail, error, skipped, canceled.`,
    ],
    [
      "'succeeded' == steps.qa?.status",
      'steps.qa?.status is never "succeeded" | Did you mean "pass"? It is one of pass, fail, error, skipped, canceled.',
    ],
    [
      "steps.qa.status === 'done'",
      'steps.qa.status is never "done" | It is one of pass, fail, error, skipped, canceled.',
    ],
    [
      "steps.qa.result?.verdict === 'goood'",
      'steps.qa.result?.verdict is never "goood" | Did you mean "good"? It is one of good, bad.',
    ],
    [
      "context.state.get('ask_result').choice === 'aprove'",
      `context.state.get('ask_result').choice is never "aprove" | Did you mean "approve"? It is one of approve, reject.`,
    ],
    ["task.kind === 'bugs'", 'task.kind is never "bugs" | Did you mean "bug"? It is one of bug, feature.'],
  ])('a word that never comes: %s', (source, expected) => {
    const [line = '', ...others] = condition(source);
    expect(line.replace(/^never-holds \[[^\]]*\] /, '')).toBe(expected);
    expect(others).toEqual([]);
  });

  it('underlines the word, also in a template', () => {
    expect(
      lines(`${QA}- { id: x, dependencies: [qa], params: { a: "{{ steps.qa.status === 'passed' ? 1 : 2 }}" } }`),
    ).toEqual([
      `never-holds ['passed'] steps.qa.status is never "passed" | Did you mean "pass"? It is one of pass, fail, error, skipped, canceled.`,
    ]);
  });

  it('only because the list has failed: a warning', () => {
    const source = "context.state.get('qa_status') === 'fail'";
    const warning = `never-holds? [${source}] "condition" of step "x" can never hold, so the step never runs: when "qa" fails, what comes after it is skipped | Give "qa" on_error: continue, or "x" when: on_failure.`;
    expect(condition(source)).toEqual([warning]);
    expect(condition(`${source} || steps.qa.status === 'error'`)).toHaveLength(1);
    expect(condition("steps.qa.status !== 'pass' && steps.qa.status !== 'skipped' && steps.qa.status")).toHaveLength(1);
    expect(problemsOf(`${QA}- { id: x, dependencies: [qa], condition: "${source}" }`)[0]?.severity).toBe('warning');
  });
});

describe('a loop that never goes round again', () => {
  const warning = (source: string): string =>
    `never-holds? [${source}] the loop "fix" never goes round again: when "qa" fails, the loop has failed | Give "qa" on_error: continue.`;

  it.each([
    ['until', "steps.qa.status === 'pass'"],
    ['until', "context.state.get('qa_status') !== 'fail'"],
    ['while', "steps.qa.status !== 'pass'"],
  ])('is warned of: %s %s', (field, source) => {
    const loop = (steps: string): string =>
      `- { id: fix, type: loop, ${field}: ${JSON.stringify(source)}, steps: [${steps}] }`;
    expect(lines(loop('{ id: code }, { id: qa, dependencies: [code] }'))).toEqual([warning(source)]);
    expect(lines(loop('{ id: code }, { id: p, type: parallel, steps: [{ id: qa }] }'))).toEqual([warning(source)]);
    for (const steps of [
      '{ id: qa, on_error: continue }',
      '{ id: qa, on_error: ask }',
      '{ id: qa, condition: task.tests }',
      '{ id: code, condition: task.code }, { id: qa, dependencies: [code] }',
      '{ id: code }, { id: qa, when: always }',
      '{ id: p, type: parallel, on_error: continue, steps: [{ id: qa }] }',
      '{ id: p, type: parallel, wait_for: any, steps: [{ id: qa }, { id: lint }] }',
      '{ id: c, type: conditional, condition: task.a, then_steps: [{ id: qa }] }',
    ]) {
      expect(lines(loop(steps))).toEqual([]);
    }
  });

  it('is none when it looks at more', () => {
    const until = "steps.qa.status === 'pass' && (steps.qa.result?.ok || loop.round > 2)";
    expect(lines(`- { id: fix, type: loop, until: ${JSON.stringify(until)}, steps: [{ id: qa }] }`)).toEqual([]);
  });
});

describe('a condition may hold', () => {
  it.each([
    "steps.soft.status === 'fail'",
    "steps.qa.status === 'fail' || steps.soft.status === 'fail'",
    "steps.qa.status === 'pass' && steps.soft.status === 'fail'",
    "steps.qa.status === 'pass' || steps.qa.status === 'skipped'",
    "steps.qa.status === 'skipped'",
    "task.a !== 'x' && task.a !== 'y' && task.a",
    "!task.a || task.a === 'x'",
    "task.title === task.other && task.title === 'x'",
    "task.n == 1 && task.n == '1'",
    "task.kind === undefined || task.kind === 'bug'",
    "task.list.some((item) => item === 'a') && task.list.some((item) => item === 'b')",
    '(task.a ? task.b : task.c) && !task.a',
    "(task.a ?? 'x') === 'x' && (task.a ?? 'y') === 'y'",
    'steps.qa.result && !steps.qa.result.score',
  ])('%s', (source) => {
    const text = `${QA}- { id: x, dependencies: [qa, soft, ask, exact, all], condition: ${JSON.stringify(source)} }`;
    expect(lines(text)).toEqual([]);
  });

  it.each([
    ['for failures', `- { id: x, when: on_failure, condition: "steps.qa.status === 'fail'" }`],
    ['always', `- { id: x, when: always, dependencies: [qa], condition: "steps.qa.status === 'fail'" }`],
    [
      'inside of such a step',
      `- { id: y, when: on_failure, type: parallel, steps: [{ id: x, condition: "steps.qa.status === 'fail'" }] }`,
    ],
    [
      'behind a block that goes on',
      `- { id: y, type: parallel, on_error: continue, steps: [{ id: q }] }\n- { id: x, dependencies: [y], condition: "steps.q.status === 'fail'" }`,
    ],
    [
      'behind one of several',
      `- { id: y, type: parallel, wait_for: any, steps: [{ id: q }, { id: r }] }\n- { id: x, dependencies: [y], condition: "steps.q.status === 'fail'" }`,
    ],
    ['while undoing', `- { id: y, compensate: [{ id: x, condition: "steps.y.status === 'fail'" }] }`],
    ['in until', `- { id: y, type: loop, until: "steps.q.status === 'fail'", steps: [{ id: q, condition: task.q }] }`],
  ])('%s', (_what, steps) => {
    expect(lines(`${QA}${steps}`)).toEqual([]);
  });
});

describe('types', () => {
  it.each([
    [
      "steps.qa.result.score === '80'",
      `type-mismatch [steps.qa.result.score === '80'] steps.qa.result.score is a number and '80' is a text | They are never equal. Compare values of the same type.`,
    ],
    [
      "steps.qa.result.score >= '80'",
      `type-mismatch [steps.qa.result.score >= '80'] steps.qa.result.score is a number and '80' is a text | ">=" compares two numbers or two texts.`,
    ],
    [
      'steps.qa.status > 1',
      'type-mismatch [steps.qa.status > 1] steps.qa.status is a text and 1 is a number | ">" compares two numbers or two texts.',
    ],
    [
      'steps.qa.status === true',
      'type-mismatch [steps.qa.status === true] steps.qa.status is a text and true is true or false | They are never equal. Compare values of the same type.',
    ],
    [
      'task.title * 2 > 4',
      `type-mismatch [task.title] task.title is a text | "*" takes numbers; +'80' makes one of a text.`,
    ],
    ['task.titel', 'type-mismatch [titel] task can have no "titel", says its schema | Did you mean "title"?'],
    [
      'steps.exact.result.okay',
      'type-mismatch [okay] steps.exact.result can have no "okay", says its schema | It has ok.',
    ],
    [
      'steps.qa.result.scoer',
      'type-mismatch? [scoer] the schema of steps.qa.result does not name "scoer" | Did you mean "score"?',
    ],
    [
      "context.state.get('qa_result').other",
      `type-mismatch? [other] the schema of context.state.get('qa_result') does not name "other" | Add it to the schema, or set additionalProperties: true there.`,
    ],
    ['steps.qa.result.score.value', 'type-mismatch [value] steps.qa.result.score is a number and has no "value"'],
    ['steps.all.result.first', 'type-mismatch [first] steps.all.result is a list and has no "first" | It has length.'],
    [
      'steps.qa.result.notes[0] === 1',
      'type-mismatch [steps.qa.result.notes[0] === 1] steps.qa.result.notes[0] is a text and 1 is a number | They are never equal. Compare values of the same type.',
    ],
  ])('that do not fit: %s', (source, expected) => {
    expect(condition(source)).toEqual([expected]);
  });

  it.each([
    'steps.qa.result.score === null',
    'steps.qa.result.score === undefined',
    'steps.qa.result.score > 80 && +task.title > 1',
    "steps.qa.result.tags.any === 'x'",
    'steps.qa.result.notes.length > 1',
    "steps.qa.result.notes.includes('x')",
    'steps.soft.result.anything.at.all > 1',
    'steps.ask.result.data.anything',
    'steps.all.result.length > 1',
    "(task.title ?? 'x') === 'x'",
  ])('that fit: %s', (source) => {
    expect(condition(source)).toEqual([]);
  });

  const size: JsonSchema = { type: 'object', properties: { height: { type: 'number' } }, additionalProperties: false };
  it.each<[string, JsonSchema, string | null]>([
    ['task.size.hight', { $ref: '#/$defs/size' }, 'task.size can have no "hight", says its schema'],
    ['task.size.hight', { allOf: [{ $ref: '#/$defs/size' }, true] }, 'task.size can have no "hight", says its schema'],
    ["task.size.height === 'x'", { $ref: '#/$defs/size' }, `task.size.height is a number and 'x' is a text`],
    ['task.size.hight', { anyOf: [size, { type: 'string' }] }, 'task.size can have no "hight", says its schema'],
    ['task.size.hight', { anyOf: [size, { type: 'object' }] }, null],
    ["task.size === 'x'", { oneOf: [{ const: 1 }, { enum: ['a', 'b'] }] }, 'task.size is never "x"'],
    [
      "task.size[0].height === 'x'",
      { type: 'array', items: size },
      `task.size[0].height is a number and 'x' is a text`,
    ],
    ['task.size.a', { allOf: [{ type: 'string' }, { type: 'number' }] }, 'task can have no "size", says its schema'],
  ])('%s follows references and alternatives: %j', (source, inner, expected) => {
    const input: JsonSchema = { type: 'object', properties: { size: inner }, $defs: { size } };
    const found = lines(`- { id: x, condition: ${JSON.stringify(source)} }`, { input });
    expect(found.map((line) => line.replace(/^\S+ \[.*?\] (?=task)/, '').replace(/ \| .*/, ''))).toEqual(
      expected === null ? [] : [expected],
    );
  });

  it.each(['anyOf', 'oneOf', 'allOf', 'patternProperties'])('are not guessed behind %s', (keyword) => {
    const input: JsonSchema = { type: 'object', properties: { a: true }, [keyword]: [] };
    expect(lines('- { id: x, condition: task.b }', { input })).toEqual([]);
    expect(lines('- { id: x, condition: task.b }', { input: { $ref: '#/$defs/x', properties: { a: true } } })).toEqual(
      [],
    );
  });
});

describe('blocks', () => {
  it('wait for no more steps than they have', () => {
    expect(
      lines(`
- { id: a, type: parallel, wait_for: 3, steps: [{ id: b }, { id: c }] }
- { id: d, type: parallel, wait_for: 2, steps: [{ id: e }] }
- { id: f, type: parallel, wait_for: 1, steps: [{ id: g }] }
`),
    ).toEqual([
      'unmet-wait [3] step "a" waits for 3 steps, and it has 2 steps | Write wait_for: all, any, or a smaller number.',
      'unmet-wait [2] step "d" waits for 2 steps, and it has 1 step | Write wait_for: all, any, or a smaller number.',
    ]);
  });

  it('have steps', () => {
    expect(
      lines(`
- { id: a, type: parallel, steps: [] }
- { id: b, type: loop, until: "loop.round > 1", steps: [] }
- { id: c, type: for_each, items: [1], steps: [] }
- { id: d, type: conditional, condition: task.a, then_steps: [], else_steps: [] }
- { id: e, type: conditional, condition: task.a, then_steps: [], else_steps: [{ id: f }] }
`).map((line) => line.replace(/ \|.*/, '')),
    ).toEqual(
      ['a" has no steps', 'b" has no steps', 'c" has no steps', 'd" has steps in neither branch'].map(
        (what) => `wrong-type [[]] step "${what}`,
      ),
    );
  });

  it('loop over what their steps can change', () => {
    const warning = (what: string, source: string): string =>
      `unbounded-loop? [${source}] "${what}" reads nothing that its steps write: the body cannot change it | Read the state of a step inside the loop, or loop.round.`;
    expect(
      lines(`
- { id: before }
- { id: a, type: loop, dependencies: [before], until: "steps.before.result.ok", steps: [{ id: a1 }] }
- { id: b, type: loop, while: "task.more", steps: [{ id: b1 }] }
- { id: c, type: loop, until: "steps.before.result.ok || steps.c2.result", dependencies: [before], steps: [{ id: c1, type: parallel, steps: [{ id: c2 }] }] }
- { id: d, type: loop, while: "artifacts['todo.md']?.size > 0", steps: [{ id: d1 }] }
- { id: e, type: loop, while: "loop.round < 3", steps: [{ id: e1 }] }
`),
    ).toEqual([warning('until" of step "a', 'steps.before.result.ok'), warning('while" of step "b', 'task.more')]);
  });
});
