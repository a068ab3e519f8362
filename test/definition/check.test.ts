/** The checks of ids, dependencies and reading: who waits for whom, and who may read whose state. */
import { describe, expect, it } from 'vitest';
import { checkSteps } from '../../src/definition/check/steps.js';
import { Problems } from '../../src/definition/problem.js';
import { draftsOf, lines } from './drafts.js';

describe('ids', () => {
  it('are unique in the whole file', () => {
    expect(
      lines(`
- id: a
- { id: block, type: parallel, steps: [{ id: qa }, { id: a }] }
- { id: loop, type: loop, max_rounds: 2, until: "loop.round === 2", steps: [{ id: qa }] }
- { id: code-review, compensate: [{ id: code_review }] }
`),
    ).toEqual([
      'duplicate-id [a] the step id "a" is there already | Give one of the steps another id.',
      'duplicate-id [qa] the step id "qa" is there already, inside "block" | Give one of the steps another id.',
      'duplicate-id [code_review] the step ids "code-review" and "code_review" are the same name in context.state ("code_review_status") | Give one of the steps another id.',
    ]);
  });
});

describe('dependencies', () => {
  it('name steps of the same list', () => {
    expect(
      lines(`
- id: plan
- id: fix
  type: parallel
  steps:
    - { id: build }
    - { id: test, dependencies: [biuld, plan, fix, other-inner, other] }
- { id: other, type: parallel, steps: [{ id: other-inner }] }
- { id: ship, dependencies: [build, other-inner, shop, shiip] }
- { id: around, type: parallel, dependencies: [within], steps: [{ id: within }] }
`),
    ).toEqual([
      'unknown-dependency [biuld] step "test" depends on "biuld", which is no step | Did you mean "build"?',
      'unknown-dependency [plan] step "test" depends on "plan", which stands outside "fix" | Put "plan" into the dependencies of "fix": then all steps inside run after it.',
      'unknown-dependency [fix] step "test" depends on "fix", which it stands inside | Remove this dependency.',
      'unknown-dependency [other-inner] step "test" depends on "other-inner", which stands in another list | Dependencies are ids of steps of the same list.',
      'unknown-dependency [other] step "test" depends on "other", which stands outside "fix" | Put "other" into the dependencies of "fix": then all steps inside run after it.',
      'unknown-dependency [build] step "ship" depends on "build", which stands inside "fix" | Depend on "fix" instead.',
      'unknown-dependency [other-inner] step "ship" depends on "other-inner", which stands inside "other" | Depend on "other" instead.',
      'unknown-dependency [shop] step "ship" depends on "shop", which is no step | Dependencies are ids of steps of the same list.',
      'unknown-dependency [shiip] step "ship" depends on "shiip", which is no step | Dependencies are ids of steps of the same list.',
      'unknown-dependency [within] step "around" depends on "within", which stands inside it | A block waits for its steps by itself.',
    ]);
  });

  it('never go round in a circle, in any list', () => {
    expect(
      lines(`
- { id: a, dependencies: [b] }
- { id: b, dependencies: [a] }
- { id: block, type: parallel, steps: [{ id: self, dependencies: [self] }] }
`),
    ).toEqual([
      'cycle [a] Circular dependency detected: a -> b -> a | Each step waits for the one after the arrow, so none of them can start. Remove one of these dependencies.',
      'cycle [self] Circular dependency detected: self -> self | The step waits for itself. Remove this dependency.',
    ]);
  });

  it('go round in a circle also where a step waits for all others', () => {
    expect(
      lines(`
- { id: build }
- { id: clean, when: always }
- { id: report, dependencies: [clean] }
`),
    ).toEqual([
      'cycle [clean] Circular dependency detected: clean -> report -> clean | "clean" has no dependencies and is not "when: on_success", so it waits for all steps of its list that are. Give it dependencies, or remove those on it.',
    ]);
  });

  it('names the ends of a very long circle', () => {
    const steps = Array.from(
      { length: 40 },
      (_, at) => `- { id: s${String(at)}, dependencies: [s${String((at + 1) % 40)}] }`,
    );
    expect(lines(steps.join('\n'))[0]).toContain(
      'Circular dependency detected: s0 -> s1 -> s2 -> s3 -> s4 -> s5 -> … -> s36 -> s37 -> s38 -> s39 -> s0 |',
    );
  });
});

describe('a step may read', () => {
  it('steps that it waits for, directly or not, and what runs inside them', () => {
    const found = lines(`
- { id: plan }
- id: choose
  type: conditional
  dependencies: [plan]
  condition: steps.plan.result
  then_steps: [{ id: small, params: { p: "{{ steps.plan.result }}" } }]
  else_steps: [{ id: large }]
- id: fix
  type: loop
  dependencies: [choose]
  until: context.state.get('qa_status') === 'pass' && steps.plan.result.ok
  steps:
    - { id: code, condition: "loop.round === 1 || loop.previous.checks.result", params: { p: "{{ steps.large.result }}" } }
    - { id: checks, type: parallel, dependencies: [code], steps: [{ id: qa }, { id: lint }] }
- { id: report, dependencies: [fix], condition: "steps.qa.status === 'pass' && context.state.get('small_result') && steps.choose.status" }
`);
    expect(found).toEqual([]);
  });

  it('everything ordinary in its list, when it deals with failures and has no dependencies', () => {
    const found = lines(`
- { id: a }
- { id: b, dependencies: [a] }
- { id: rescue, when: on_failure, condition: "steps.a.status === 'fail' || steps.b.status === 'fail'" }
- { id: clean, when: always, params: { a: "{{ steps.b.status }}" } }
`);
    expect(found).toEqual([]);
  });

  it('its own step and all that this could read, when it undoes one', () => {
    const found = lines(`
- { id: plan }
- { id: deploy, dependencies: [plan], compensate: [{ id: rollback, params: { to: "{{ steps.deploy.result.old }}", plan: "{{ steps.plan.result }}" } }] }
`);
    expect(found).toEqual([]);
  });

  it('item, index and count in a for_each, and its results from outside', () => {
    const found = lines(
      `
- { id: each, type: for_each, items: [1], steps: [{ id: check, params: { a: "{{ loop.item }} {{ loop.index }} {{ loop.count }}" } }, { id: next, dependencies: [check], condition: "steps.check.status === 'pass'" }] }
- { id: sum, dependencies: [each], params: { all: "{{ steps.each.result }}" } }
`,
      { result: 'steps.each.result.length + steps.sum.result.total' },
    );
    expect(found).toEqual([]);
  });
});

describe('a step may not read', () => {
  const start = `
- { id: first }
- { id: block, type: parallel, steps: [{ id: one }, { id: two }] }
- { id: each-file, type: for_each, items: [1], steps: [{ id: check }], compensate: [{ id: undo }] }
`;

  it.each([
    [
      'itself',
      `- { id: x, condition: "steps.x.status === 'pass'" }`,
      'not-a-dependency [x] step "x" reads its own state | It has none before it has run.',
    ],
    [
      'what it does not wait for',
      `- { id: x, condition: "steps.first.result" }`,
      'not-a-dependency [first] step "x" reads the state of "first" but does not wait for it | Add "first" to the dependencies of "x".',
    ],
    [
      'what it does not wait for, by its state',
      `- { id: x, params: { a: "{{ context.state.get('first_result') }}" } }`,
      `not-a-dependency ['first_result'] step "x" reads the state of "first" but does not wait for it | Add "first" to the dependencies of "x".`,
    ],
    [
      'inside of a block that it does not wait for',
      `- { id: y, type: parallel, steps: [{ id: x, condition: "steps.one.result" }] }`,
      'not-a-dependency [one] step "x" reads the state of "one" but does not wait for it | Add "block" to the dependencies of "y".',
    ],
    [
      'what runs after it',
      `- { id: x, condition: "steps.y.result" }\n- { id: y, dependencies: [x] }`,
      'not-a-dependency [y] step "x" reads the state of "y", which only runs after it | Read the state of a step that "x" depends on.',
    ],
    [
      'what runs inside it',
      `- { id: x, type: parallel, condition: "steps.y.result", steps: [{ id: y }] }`,
      'not-a-dependency [y] step "x" reads the state of "y", which only runs inside it | Read the state of a step that "x" depends on.',
    ],
    [
      'the block around it',
      `- { id: y, type: parallel, steps: [{ id: x, condition: "steps.y.result" }] }`,
      'not-a-dependency [y] step "x" reads the state of "y", inside which it stands | A block has a state when all its steps have settled.',
    ],
    [
      'the other branch',
      `- { id: c, type: conditional, condition: task.a, then_steps: [{ id: y }], else_steps: [{ id: x, condition: "steps.y.result" }] }`,
      'not-a-dependency [y] step "x" reads the state of "y", which stands in the other branch of "c" | Only one of the branches runs.',
    ],
    [
      'one item of a for_each',
      `- { id: x, dependencies: [each-file], condition: "steps.check.result" }`,
      `not-a-dependency [check] step "x" reads the state of "check", which runs once for each item of "each-file" | read steps['each-file'].result: the list of the results, in the order of the items.`,
    ],
    [
      'what undoes something',
      `- { id: x, dependencies: [each-file], condition: "steps.undo.result" }`,
      `not-a-dependency [undo] step "x" reads the state of "undo", which undoes "each-file" after the workflow has failed | Read steps['each-file'].status.`,
    ],
    [
      'inside of what it undoes',
      `- { id: y, type: parallel, steps: [{ id: z }], compensate: [{ id: x, condition: "steps.z.result" }] }`,
      'not-a-dependency [z] step "x" reads the state of "z" inside "y", which it undoes | Read steps.y.result.',
    ],
    [
      'the loop itself in its until',
      `- { id: x, type: loop, until: "steps.x.status === 'pass'", steps: [{ id: z }] }`,
      'not-a-dependency [x] step "x" reads its own state | It has none before it has run.',
    ],
    [
      'one item of a for_each in until',
      `- { id: x, type: loop, until: "steps.z.result", steps: [{ id: y, type: for_each, items: [1], steps: [{ id: z }] }] }`,
      'not-a-dependency [z] step "x" reads the state of "z", which runs once for each item of "y" | read steps.y.result: the list of the results, in the order of the items.',
    ],
    [
      'unknown steps',
      `- { id: x, dependencies: [first], condition: "steps.frist.result" }`,
      'expression [frist] unknown step "frist" | Did you mean "first"?',
    ],
    [
      'unknown variables',
      `- { id: x, params: { a: "{{ variables.nmae }}" } }`,
      'expression [nmae] unknown variable "nmae" | Did you mean "name"?',
    ],
    [
      'loop outside of one',
      `- { id: x, params: { a: "{{ loop.round }}" } }`,
      'expression [loop.round] "loop" cannot be read here: there is no loop or for_each around | Only steps inside one, and its "until" and "while", can read it.',
    ],
    [
      'the item of a for_each in a loop within',
      `- { id: f, type: for_each, items: [1], steps: [{ id: l, type: loop, until: "loop.round === 2", steps: [{ id: x, params: { a: "{{ loop.item }}" } }] }] }`,
      'expression [item] unknown field of loop "item" | Known are round, previous.',
    ],
    [
      'a step of the round before that is none',
      `- { id: l, type: loop, until: "loop.round === 2", steps: [{ id: code }, { id: x, condition: "loop.previous?.cod?.status" }] }`,
      'expression [cod] "cod" is no step of the list of "l" | Did you mean "code"?',
    ],
  ])('%s', (_what, steps, expected) => {
    expect(lines(`${start}${steps}`, { variables: ['name'] })).toEqual([expected]);
  });

  it('one item of a for_each in the result of the workflow', () => {
    expect(lines(start, { result: 'steps.check.result' })).toEqual([
      `not-a-dependency [] the result of the workflow reads the state of "check", which runs once for each item of "each-file" | read steps['each-file'].result: the list of the results, in the order of the items.`,
    ]);
  });
});

describe('many steps', () => {
  it('are checked in a moment', () => {
    const chain = Array.from({ length: 2_000 }, (_, at) => {
      const before = `s${String(at - 1)}`;
      const reads =
        at === 0
          ? ''
          : `, dependencies: [${before}], condition: "context.state.get('${before}_status') === 'pass'", params: { a: "{{ steps.${before}.result }}" }`;
      return `- { id: s${String(at)}${reads} }`;
    }).join('\n');
    const wide = Array.from(
      { length: 2_000 },
      (_, at) => `- { id: s${String(at)}, when: ${at % 2 === 0 ? 'always' : 'on_success'} }`,
    ).join('\n');
    for (const text of [chain, wide]) {
      const drafts = draftsOf(text);
      const problems = new Problems(text, 'test.yml');
      const began = performance.now();
      checkSteps(drafts, { variables: [], input: null, result: [], problems });
      const took = performance.now() - began;
      expect(problems.list()).toEqual([]);
      expect(took).toBeLessThan(2_000);
    }
  });
});
