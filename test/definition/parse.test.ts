import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseWorkflow } from '../../src/definition/parse.js';
import { NO_RETRIES } from '../../src/definition/steps.js';
import { definitionOf, lines, problemsOf, report, underlined } from './workflow-text.js';

const PERSONAS = new Set([
  'implementation-planner',
  'plan-evaluator',
  'lead-engineer',
  'qa-engineer',
  'code-reviewer',
  'security-review',
  'hotfix-specialist',
]);
const top = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, top), 'utf8');

describe('the workflows of the documentation, exactly as written', () => {
  it('basic structure', () => {
    const definition = definitionOf(read('test/definition/fixtures/basic-structure.yml'), PERSONAS);
    expect(definition).toMatchObject({
      format: 2,
      name: 'project-loop',
      version: '1.0.0',
      variables: { max_retries: 3, timeout_minutes: 30 },
    });
    expect(definition.steps.map(({ id }) => id)).toEqual([
      'planning',
      'plan-evaluation',
      'implementation',
      'qa',
      'code-review',
      'security-review',
    ]);
    expect(definition.steps[0]).toEqual({
      id: 'planning',
      name: 'Implementation Planning',
      description: '',
      type: 'persona-request',
      persona: 'implementation-planner',
      fallback: [],
      dependencies: [],
      condition: null,
      when: 'on_success',
      timeout: 1800,
      on_error: 'fail',
      compensate: [],
      queue_timeout: null,
      retries: { count: 2, backoff: { initial: 1, factor: 2, max: 60, jitter: 0 }, retry_on: null },
      params: { stage: 'initial' },
      output: null,
    });
    expect(definition.steps[4]).toMatchObject({
      dependencies: ['qa'],
      condition: "context.state.get('qa_status') === 'pass'",
      timeout: null,
      retries: NO_RETRIES,
      params: {},
    });
  });

  it('conditional logic; a file without a name is called after itself', () => {
    const text = read('test/definition/fixtures/conditional.yml');
    const parsed = parseWorkflow(text, { file: 'some/where/conditional.yml', personas: PERSONAS });
    expect(parsed).toMatchObject({
      ok: true,
      warnings: [],
      definition: {
        name: 'conditional',
        version: '0.0.0',
        steps: [
          { id: 'hotfix-path', condition: "task.type === 'hotfix'", persona: 'hotfix-specialist' },
          { id: 'standard-path', condition: "task.type !== 'hotfix'", persona: 'lead-engineer' },
        ],
      },
    });
  });

  it('variables and templating: a fragment that lacks a persona, and nothing else', () => {
    const text = read('test/definition/fixtures/templating.yml');
    expect(lines(text)).toEqual(['7:5 missing-key: step "setup" has no "persona"']);
    const definition = definitionOf(`${text.trimEnd()}\n    persona: lead-engineer\n`, PERSONAS);
    expect(definition.steps[0]).toMatchObject({
      type: 'persona-request',
      name: 'Setup {{variables.project_name}}',
      timeout: '{{variables.timeout_base}}',
      params: { branch: '{{variables.branch_prefix}}{{task.slug}}' },
    });
  });

  it('the shipped project-loop is the documented one', () => {
    const shipped = read('workflows/project-loop.yml').replace(/^(?:#.*\n)+/, '');
    expect(shipped).toBe(read('test/definition/fixtures/basic-structure.yml'));
  });

  it.each(['project-loop', 'hotfix', 'feature'])('workflows/%s.yml', (name) => {
    const parsed = parseWorkflow(read(`workflows/${name}.yml`), { file: `workflows/${name}.yml`, personas: PERSONAS });
    expect(parsed).toMatchObject({ ok: true, warnings: [], definition: { name } });
  });
});

describe('the normal form', () => {
  const step = (rest: string): string => `name: w\nsteps:\n  - id: a\n    persona: p\n${rest}`;

  it('has every field, with its default', () => {
    expect(definitionOf(step(''))).toEqual({
      format: 2,
      name: 'w',
      version: '0.0.0',
      description: '',
      input: null,
      output: null,
      result: null,
      variables: {},
      timeout: null,
      max_concurrent_steps: null,
      concurrency: null,
      steps: [
        {
          id: 'a',
          name: 'a',
          description: '',
          type: 'persona-request',
          persona: 'p',
          fallback: [],
          dependencies: [],
          condition: null,
          when: 'on_success',
          timeout: null,
          on_error: 'fail',
          compensate: [],
          queue_timeout: null,
          retries: NO_RETRIES,
          params: {},
          output: null,
        },
      ],
    });
  });

  it.each([
    ['90', 90],
    ['0.5', 0.5],
    ['"30"', 30],
    ['30s', 30],
    ['5m', 300],
    ['1h', 3600],
    ['1.5h', 5400],
    ['1500ms', 1.5],
    ['2d', 172_800],
  ])('timeout %s is %d seconds', (written, seconds) => {
    expect(definitionOf(step(`    timeout: ${written}\n`)).steps[0]?.timeout).toBe(seconds);
  });

  it('keeps YAML 1.2: no surprises in plain words', () => {
    const text = step(
      '    params: { a: no, b: yes, c: on, d: 012, e: 0o17, f: 12:30:00, g: ~, h: 0x1F, i: 1_000, j: 2026-01-01, k: True, l: .5, m: "1" }\n',
    );
    expect(definitionOf(text).steps[0]).toHaveProperty('params', {
      a: 'no',
      b: 'yes',
      c: 'on',
      d: 12,
      e: 15,
      f: '12:30:00',
      g: null,
      h: 31,
      i: '1_000',
      j: '2026-01-01',
      k: true,
      l: 0.5,
      m: '1',
    });
  });

  it('reads anchors and aliases as what they stand for', () => {
    const text = `name: w\nvariables:\n  shared: &shared { depth: 2, tags: [x] }\nsteps:\n  - { id: a, persona: &p writer, params: *shared }\n  - { id: b, persona: *p, params: { inner: *shared } }\n`;
    const { steps } = definitionOf(text);
    expect(steps.map((found) => found.type === 'persona-request' && [found.persona, found.params])).toEqual([
      ['writer', { depth: 2, tags: ['x'] }],
      ['writer', { inner: { depth: 2, tags: ['x'] } }],
    ]);
  });

  it('warns of a condition that reads nothing', () => {
    const parsed = parseWorkflow(step('    condition: "1 < 2"\n'), { file: 'w.yml', personas: null });
    expect(parsed).toMatchObject({ ok: true, warnings: [{ code: 'constant-condition', line: 5, column: 16 }] });
  });
});

describe('problems', () => {
  it('of keys and types, all at once', () => {
    expect(
      report(`name: 7
verison: "1"
steps:
  - id: plan
    persona: planner
    timout: 30
    needs: [qa]
    retries: 2.5
    timeout: soon
  - name: nameless
    persona: planner
  - id: 1st
    persona: planner
  - just a text
  - id: later
    type: parallel
    wait_for: all
  - id: typed
    type: persona-requst
    persona: [planner]
    dependencies: plan
    condition: true
    params: 1
`),
    ).toMatchInlineSnapshot(`
      "
      test.yml:1:7  wrong-type  "name" of the workflow must be a text, not the number 7
      > 1 | name: 7
          |       ^
        2 | verison: "1"
        3 | steps:
      hint: Put it in quotes: name: "7"

      test.yml:2:1  unknown-key  unknown key "verison" in the workflow
        1 | name: 7
      > 2 | verison: "1"
          | ^^^^^^^
        3 | steps:
        4 |   - id: plan
      hint: Did you mean "version"?

      test.yml:6:5  unknown-key  unknown key "timout" in step "plan"
        4 |   - id: plan
        5 |     persona: planner
      > 6 |     timout: 30
          |     ^^^^^^
        7 |     needs: [qa]
        8 |     retries: 2.5
      hint: Did you mean "timeout"?

      test.yml:7:5  unknown-key  unknown key "needs" in step "plan"
        5 |     persona: planner
        6 |     timout: 30
      > 7 |     needs: [qa]
          |     ^^^^^
        8 |     retries: 2.5
        9 |     timeout: soon
      hint: Did you mean "dependencies"?

      test.yml:8:14  wrong-type  "retries" of step "plan" must be a whole number from 0 to 100, not the number 2.5
         6 |     timout: 30
         7 |     needs: [qa]
      >  8 |     retries: 2.5
           |              ^^^
         9 |     timeout: soon
        10 |   - name: nameless

      test.yml:9:14  wrong-type  "timeout" of step "plan" must be seconds above 0, or a duration such as "30s", "5m" or "1h", up to 365 days, not the text "soon"
         7 |     needs: [qa]
         8 |     retries: 2.5
      >  9 |     timeout: soon
           |              ^^^^
        10 |   - name: nameless
        11 |     persona: planner

      test.yml:10:5  missing-key  step 2 has no "id"
         8 |     retries: 2.5
         9 |     timeout: soon
      > 10 |   - name: nameless
           |     ^^^^
        11 |     persona: planner
        12 |   - id: 1st
      hint: Every step needs an id, for example "id: implementation".

      test.yml:12:9  wrong-type  "1st" cannot be the id of a step
        10 |   - name: nameless
        11 |     persona: planner
      > 12 |   - id: 1st
           |         ^^^
        13 |     persona: planner
        14 |   - just a text
      hint: An id starts with a letter and has up to 64 letters, digits, "-" and "_".

      test.yml:14:5  wrong-type  step 4 must be a map, not the text "just a text"
        12 |   - id: 1st
        13 |     persona: planner
      > 14 |   - just a text
           |     ^^^^^^^^^^^
        15 |   - id: later
        16 |     type: parallel
      hint: A step starts with "- id: …".

      test.yml:15:5  missing-key  step "later" has no "steps"
        13 |     persona: planner
        14 |   - just a text
      > 15 |   - id: later
           |     ^^
        16 |     type: parallel
        17 |     wait_for: all
      hint: Add "steps:" and below it "- id: …".

      test.yml:19:11  unknown-type  unknown step type "persona-requst"
        17 |     wait_for: all
        18 |   - id: typed
      > 19 |     type: persona-requst
           |           ^^^^^^^^^^^^^^
        20 |     persona: [planner]
        21 |     dependencies: plan
      hint: Did you mean "persona-request"?

      test.yml:20:14  wrong-type  "persona" of step "typed" must be a text, not a list
        18 |   - id: typed
        19 |     type: persona-requst
      > 20 |     persona: [planner]
           |              ^^^^^^^^^
        21 |     dependencies: plan
        22 |     condition: true

      test.yml:21:19  wrong-type  "dependencies" of step "typed" must be a list of step ids, not the text "plan"
        19 |     type: persona-requst
        20 |     persona: [planner]
      > 21 |     dependencies: plan
           |                   ^^^^
        22 |     condition: true
        23 |     params: 1
      hint: For example dependencies: [planning].

      test.yml:22:16  wrong-type  "condition" of step "typed" must be a text, not true
        20 |     persona: [planner]
        21 |     dependencies: plan
      > 22 |     condition: true
           |                ^^^^
        23 |     params: 1
        24 |
      hint: A condition is an expression in quotes, for example "task.urgent === true".

      test.yml:23:13  wrong-type  "params" of step "typed" must be a map, not the number 1
        21 |     dependencies: plan
        22 |     condition: true
      > 23 |     params: 1
           |             ^
        24 |

      15 problems in test.yml
      "
    `);
  });

  it('of ids, dependencies and personas', () => {
    expect(
      report(
        `name: w
steps:
  - { id: plan, persona: plannr, dependencies: [plann, plan-b, plan-b] }
  - { id: plan-b, persona: planner }
  - { id: plan_b, persona: planner }
  - { id: plan, persona: planner }
  - { id: self, persona: someone, dependencies: [self] }
`,
        new Set(['planner', 'coder']),
      ),
    ).toMatchInlineSnapshot(`
      "
      test.yml:3:26  unknown-persona  unknown persona "plannr" in step "plan"
        1 | name: w
        2 | steps:
      > 3 |   - { id: plan, persona: plannr, dependencies: [plann, plan-b, plan-b] }
          |                          ^^^^^^
        4 |   - { id: plan-b, persona: planner }
        5 |   - { id: plan_b, persona: planner }
      hint: Did you mean "planner"? Or add personas/plannr.md.

      test.yml:3:49  unknown-dependency  step "plan" depends on "plann", which is no step
        1 | name: w
        2 | steps:
      > 3 |   - { id: plan, persona: plannr, dependencies: [plann, plan-b, plan-b] }
          |                                                 ^^^^^
        4 |   - { id: plan-b, persona: planner }
        5 |   - { id: plan_b, persona: planner }
      hint: Dependencies are ids of steps of the same list.

      test.yml:3:64  duplicate-dependency  step "plan" names the dependency "plan-b" twice
        1 | name: w
        2 | steps:
      > 3 |   - { id: plan, persona: plannr, dependencies: [plann, plan-b, plan-b] }
          |                                                                ^^^^^^
        4 |   - { id: plan-b, persona: planner }
        5 |   - { id: plan_b, persona: planner }
      hint: Keep one of them.

      test.yml:5:11  duplicate-id  the step ids "plan-b" and "plan_b" are the same name in context.state ("plan_b_status")
        3 |   - { id: plan, persona: plannr, dependencies: [plann, plan-b, plan-b] }
        4 |   - { id: plan-b, persona: planner }
      > 5 |   - { id: plan_b, persona: planner }
          |           ^^^^^^
        6 |   - { id: plan, persona: planner }
        7 |   - { id: self, persona: someone, dependencies: [self] }
      hint: Give one of the steps another id.

      test.yml:6:11  duplicate-id  the step id "plan" is there already
        4 |   - { id: plan-b, persona: planner }
        5 |   - { id: plan_b, persona: planner }
      > 6 |   - { id: plan, persona: planner }
          |           ^^^^
        7 |   - { id: self, persona: someone, dependencies: [self] }
        8 |
      hint: Give one of the steps another id.

      test.yml:7:26  unknown-persona  unknown persona "someone" in step "self"
        5 |   - { id: plan_b, persona: planner }
        6 |   - { id: plan, persona: planner }
      > 7 |   - { id: self, persona: someone, dependencies: [self] }
          |                          ^^^^^^^
        8 |
      hint: Known are coder, planner. Or add personas/someone.md.

      test.yml:7:50  cycle  Circular dependency detected: self -> self
        5 |   - { id: plan_b, persona: planner }
        6 |   - { id: plan, persona: planner }
      > 7 |   - { id: self, persona: someone, dependencies: [self] }
          |                                                  ^^^^
        8 |
      hint: The step waits for itself. Remove this dependency.

      7 problems in test.yml
      "
    `);
  });

  it('of cycles, with their path', () => {
    expect(
      report(`name: w
steps:
  - { id: a, persona: p, dependencies: [b] }
  - { id: b, persona: p, dependencies: [c, d] }
  - { id: c, persona: p, dependencies: [a] }
  - { id: d, persona: p, dependencies: [b] }
`),
    ).toMatchInlineSnapshot(`
      "
      test.yml:5:41  cycle  Circular dependency detected: a -> b -> c -> a
        3 |   - { id: a, persona: p, dependencies: [b] }
        4 |   - { id: b, persona: p, dependencies: [c, d] }
      > 5 |   - { id: c, persona: p, dependencies: [a] }
          |                                         ^
        6 |   - { id: d, persona: p, dependencies: [b] }
        7 |
      hint: Each step waits for the one after the arrow, so none of them can start. Remove one of these dependencies.

      test.yml:6:41  cycle  Circular dependency detected: b -> d -> b
        4 |   - { id: b, persona: p, dependencies: [c, d] }
        5 |   - { id: c, persona: p, dependencies: [a] }
      > 6 |   - { id: d, persona: p, dependencies: [b] }
          |                                         ^
        7 |
      hint: Each step waits for the one after the arrow, so none of them can start. Remove one of these dependencies.

      2 problems in test.yml
      "
    `);
  });

  it('of expressions and templates, at the exact character', () => {
    expect(
      report(`name: w
variables:
  early: "{{ variables.late }}"
  late: "{{ steps.plan.result }}"
  own: "{{ variables.own }}"
steps:
  - id: plan
    persona: p
    condition: 'task.type === ''hotfix'' && tsk.urgent'
    name: "say \\"hi\\" \\u00e9 {{ variables.erly }}"
    params:
      deep:
        - text: >-
            A folded text that goes on
            and then {{ task.a + }} breaks
        - |
          first line
            {{ task.ok }} and {{ run.nme }}
    timeout: "{{ variables.late"
    retries: "{{ }}"
  - id: braces
    persona: p
    condition: "{{ task.urgent }}"
`),
    ).toMatchInlineSnapshot(`
      "
      test.yml:3:24  expression  the variable "early" reads "late", which is written below it
        1 | name: w
        2 | variables:
      > 3 |   early: "{{ variables.late }}"
          |                        ^^^^
        4 |   late: "{{ steps.plan.result }}"
        5 |   own: "{{ variables.own }}"
      hint: A variable can read the variables above it.

      test.yml:4:13  expression  "steps" cannot be read here
        2 | variables:
        3 |   early: "{{ variables.late }}"
      > 4 |   late: "{{ steps.plan.result }}"
          |             ^^^^^^^^^^^^^^^^^
        5 |   own: "{{ variables.own }}"
        6 | steps:
      hint: Only task and variables can.

      test.yml:5:22  expression  the variable "own" reads itself
        3 |   early: "{{ variables.late }}"
        4 |   late: "{{ steps.plan.result }}"
      > 5 |   own: "{{ variables.own }}"
          |                      ^^^
        6 | steps:
        7 |   - id: plan
      hint: A variable can read the variables above it.

      test.yml:9:45  expression  unknown name "tsk"
         7 |   - id: plan
         8 |     persona: p
      >  9 |     condition: 'task.type === ''hotfix'' && tsk.urgent'
           |                                             ^^^
        10 |     name: "say \\"hi\\" \\u00e9 {{ variables.erly }}"
        11 |     params:
      hint: Did you mean "task"?

      test.yml:10:43  expression  unknown variable "erly"
         8 |     persona: p
         9 |     condition: 'task.type === ''hotfix'' && tsk.urgent'
      > 10 |     name: "say \\"hi\\" \\u00e9 {{ variables.erly }}"
           |                                           ^^^^
        11 |     params:
        12 |       deep:
      hint: Did you mean "early"?

      test.yml:15:33  expression  the expression ends too early
        13 |         - text: >-
        14 |             A folded text that goes on
      > 15 |             and then {{ task.a + }} breaks
           |                                 ^
        16 |         - |
        17 |           first line

      test.yml:18:38  expression  unknown field of run "nme"
        16 |         - |
        17 |           first line
      > 18 |             {{ task.ok }} and {{ run.nme }}
           |                                      ^^^
        19 |     timeout: "{{ variables.late"
        20 |     retries: "{{ }}"
      hint: Known are id, workflow.

      test.yml:19:15  expression  "{{" is not closed by "}}"
        17 |           first line
        18 |             {{ task.ok }} and {{ run.nme }}
      > 19 |     timeout: "{{ variables.late"
           |               ^^
        20 |     retries: "{{ }}"
        21 |   - id: braces
      hint: For the characters themselves, write {{ '{{' }}.

      test.yml:20:15  expression  the hole is empty
        18 |             {{ task.ok }} and {{ run.nme }}
        19 |     timeout: "{{ variables.late"
      > 20 |     retries: "{{ }}"
           |               ^^^^^
        21 |   - id: braces
        22 |     persona: p
      hint: For the characters themselves, write {{ '{{' }}.

      test.yml:23:18  expression  unexpected "{"
        21 |   - id: braces
        22 |     persona: p
      > 23 |     condition: "{{ task.urgent }}"
           |                  ^
        24 |
      hint: A condition is written without {{ }}.

      10 problems in test.yml
      "
    `);
  });

  it('of reading the state of a step that is not waited for', () => {
    expect(
      report(`name: w
steps:
  - { id: plan, persona: p, name: "{{ steps.qa.status }}" }
  - { id: build, persona: p, dependencies: [plan], condition: "context.state.get('build_status') === 'pass'" }
  - { id: qa, persona: p, dependencies: [build], condition: "context.state.get('plan_status') === 'pass'" }
  - { id: docs, persona: p, dependencies: [plan], params: { from: "{{ steps['qa'].result }}" } }
  - { id: end, persona: p, dependencies: [qa], condition: "context.state.has('qa_stauts') || steps.docs.result" }
`),
    ).toMatchInlineSnapshot(`
      "
      test.yml:3:45  not-a-dependency  step "plan" reads the state of "qa", which only runs after it
        1 | name: w
        2 | steps:
      > 3 |   - { id: plan, persona: p, name: "{{ steps.qa.status }}" }
          |                                             ^^
        4 |   - { id: build, persona: p, dependencies: [plan], condition: "context.state.get('build_status') ===
        5 |   - { id: qa, persona: p, dependencies: [build], condition: "context.state.get('plan_status') === 'p
      hint: Read the state of a step that "plan" depends on.

      test.yml:4:82  not-a-dependency  step "build" reads its own state
        2 |
        3 | an, persona: p, name: "{{ steps.qa.status }}" }
      > 4 | ild, persona: p, dependencies: [plan], condition: "context.state.get('build_status') === 'pass'" }
          |                                                                      ^^^^^^^^^^^^^^
        5 | , persona: p, dependencies: [build], condition: "context.state.get('plan_status') === 'pass'" }
        6 | cs, persona: p, dependencies: [plan], params: { from: "{{ steps['qa'].result }}" } }
      hint: It has none before it has run.

      test.yml:6:77  not-a-dependency  step "docs" reads the state of "qa" but does not wait for it
        4 | d: build, persona: p, dependencies: [plan], condition: "context.state.get('build_status') === 'pass'
        5 | d: qa, persona: p, dependencies: [build], condition: "context.state.get('plan_status') === 'pass'" }
      > 6 | d: docs, persona: p, dependencies: [plan], params: { from: "{{ steps['qa'].result }}" } }
          |                                                                      ^^^^
        7 | d: end, persona: p, dependencies: [qa], condition: "context.state.has('qa_stauts') || steps.docs.res
        8 |
      hint: Add "qa" to the dependencies of "docs".

      test.yml:7:78  expression  unknown state "qa_stauts"
        5 | : qa, persona: p, dependencies: [build], condition: "context.state.get('plan_status') === 'pass'" }
        6 | : docs, persona: p, dependencies: [plan], params: { from: "{{ steps['qa'].result }}" } }
      > 7 | : end, persona: p, dependencies: [qa], condition: "context.state.has('qa_stauts') || steps.docs.resu
          |                                                                      ^^^^^^^^^^^
        8 |
      hint: Did you mean "qa_status"?

      test.yml:7:100  not-a-dependency  step "end" reads the state of "docs" but does not wait for it
        5 | ndencies: [build], condition: "context.state.get('plan_status') === 'pass'" }
        6 | pendencies: [plan], params: { from: "{{ steps['qa'].result }}" } }
      > 7 | endencies: [qa], condition: "context.state.has('qa_stauts') || steps.docs.result" }
          |                                                                      ^^^^
        8 |
      hint: Add "docs" to the dependencies of "end".

      5 problems in test.yml
      "
    `);
  });

  it('of syntax, without what only follows from it', () => {
    expect(
      report(`name: w
version: 1.0
steps:
  - id: plan
    persona: "planner
    timeout: 30
  - id: qa
    persona: qa
    dependencies: [plan]
`),
    ).toMatchInlineSnapshot(`
      "
      test.yml:2:10  wrong-type  "version" of the workflow must be a text, not the number 1.0
        1 | name: w
      > 2 | version: 1.0
          |          ^^^
        3 | steps:
        4 |   - id: plan
      hint: Put it in quotes: version: "1.0"

      test.yml:5:14  yaml-syntax  the quote that opens here is never closed
        3 | steps:
        4 |   - id: plan
      > 5 |     persona: "planner
          |              ^
        6 |     timeout: 30
        7 |   - id: qa

      2 problems in test.yml
      "
    `);
    expect(
      report(`name: w
steps:
  - id: plan
     persona: p
\t- id: tab
`),
    ).toMatchInlineSnapshot(`
      "
      test.yml:3:9  yaml-syntax  nested mappings are not allowed in compact mappings
        1 | name: w
        2 | steps:
      > 3 |   - id: plan
          |         ^
        4 |      persona: p
        5 | 	- id: tab
      hint: Keys of one map start in the same column: check how this line and the next are indented.

      test.yml:5:1  yaml-syntax  tabs are not allowed as indentation
        3 |   - id: plan
        4 |      persona: p
      > 5 | 	- id: tab
          | ^
        6 |
      hint: Indent with spaces.

      2 problems in test.yml
      "
    `);
  });

  it('of duplicate keys and what YAML would do behind the back', () => {
    expect(
      report(`name: w
name: again
variables:
  base: &base { a: 1 }
  merged:
    <<: *base
  big: 12345678901234567890
  huge: 1e400
  date: !!timestamp 2026-01-01
  gone: *nothing
  inside: &inside [*inside]
steps:
  - id: a
    persona: p
    params: { constructor: 1, __proto__: { admin: true } }
`),
    ).toMatchInlineSnapshot(`
      "
      test.yml:2:1  duplicate-key  the key "name" is there already
        1 | name: w
      > 2 | name: again
          | ^^^^
        3 | variables:
        4 |   base: &base { a: 1 }
      hint: Keep one of them.

      test.yml:6:5  yaml-unsafe  merge keys are not part of YAML 1.2
        4 |   base: &base { a: 1 }
        5 |   merged:
      > 6 |     <<: *base
          |     ^^
        7 |   big: 12345678901234567890
        8 |   huge: 1e400
      hint: Write the members out.

      test.yml:7:8  wrong-type  "12345678901234567890" is not a number that can be kept exactly
        5 |   merged:
        6 |     <<: *base
      > 7 |   big: 12345678901234567890
          |        ^^^^^^^^^^^^^^^^^^^^
        8 |   huge: 1e400
        9 |   date: !!timestamp 2026-01-01
      hint: Put it in quotes to keep it as a text.

      test.yml:8:9  wrong-type  "1e400" is not a number that can be kept exactly
         6 |     <<: *base
         7 |   big: 12345678901234567890
      >  8 |   huge: 1e400
           |         ^^^^^
         9 |   date: !!timestamp 2026-01-01
        10 |   gone: *nothing
      hint: Put it in quotes to keep it as a text.

      test.yml:9:21  yaml-unsafe  the tag "!!timestamp" is not accepted
         7 |   big: 12345678901234567890
         8 |   huge: 1e400
      >  9 |   date: !!timestamp 2026-01-01
           |                     ^^^^^^^^^^
        10 |   gone: *nothing
        11 |   inside: &inside [*inside]
      hint: Write the value without a tag.

      test.yml:10:9  yaml-unsafe  the alias *nothing names nothing above it
         8 |   huge: 1e400
         9 |   date: !!timestamp 2026-01-01
      > 10 |   gone: *nothing
           |         ^^^^^^^^
        11 |   inside: &inside [*inside]
        12 | steps:

      test.yml:11:20  yaml-unsafe  the alias *inside stands inside what it names
         9 |   date: !!timestamp 2026-01-01
        10 |   gone: *nothing
      > 11 |   inside: &inside [*inside]
           |                    ^^^^^^^
        12 | steps:
        13 |   - id: a

      test.yml:15:15  yaml-unsafe  the key "constructor" is not accepted
        13 |   - id: a
        14 |     persona: p
      > 15 |     params: { constructor: 1, __proto__: { admin: true } }
           |               ^^^^^^^^^^^
        16 |
      hint: Choose another name.

      test.yml:15:31  yaml-unsafe  the key "__proto__" is not accepted
        13 |   - id: a
        14 |     persona: p
      > 15 |     params: { constructor: 1, __proto__: { admin: true } }
           |                               ^^^^^^^^^
        16 |
      hint: Choose another name.

      9 problems in test.yml
      "
    `);
  });

  it.each([
    ['', '1:1 wrong-type: the file is empty'],
    ['# only a comment\n', '1:1 wrong-type: the file is empty'],
    ['- a\n- b\n', '1:1 wrong-type: a workflow must be a map, not a list'],
    ['just text', '1:1 wrong-type: a workflow must be a map, not the text "just text"'],
    ['name: w\n', '1:1 missing-key: the workflow has no "steps"'],
    ['name: w\nsteps: []\n', '2:8 wrong-type: the workflow has no steps'],
    ['name: w\nsteps:\n', '2:1 wrong-type: "steps" of the workflow must be a list of steps, not empty'],
    [
      'name: w\nsteps: [{ id: constructor, persona: p }]\n',
      '2:15 wrong-type: "constructor" cannot be the id of a step',
    ],
    ['name: "a\\nb"\nsteps: [{ id: a, persona: p }]\n', '1:7 wrong-type: "a�b" cannot be the name of a workflow'],
    ['name: w\nsteps: [{ id: a, persona: "p|q" }]\n', '2:27 wrong-type: "p|q" cannot be the name of a persona'],
    [
      'name: w\nsteps: [{ id: a, persona: p, retries: 101 }]\n',
      '2:39 wrong-type: "retries" of step "a" must be a whole number from 0 to 100, not the number 101',
    ],
    [
      'name: w\nsteps: [{ id: a, persona: p, timeout: 0 }]\n',
      '2:39 wrong-type: "timeout" of step "a" must be seconds above 0, or a duration such as "30s", "5m" or "1h", up to 365 days, not the number 0',
    ],
    [
      'name: w\nsteps: [{ id: a, persona: p, dependencies: [1] }]\n',
      '2:45 wrong-type: a dependency of step "a" must be the id of a step, not the number 1',
    ],
    ['name: w\nsteps: [{ id: a, persona: p }]\n---\nname: v\n', '3:1 yaml-syntax: a second document starts here'],
    ['%YAML 1.1\n---\nname: w\n', '1:1 yaml-unsafe: YAML 1.1 is not read, only YAML 1.2'],
    ['name: w\n? [a]\n: b\nsteps: [{ id: a, persona: p }]\n', '2:3 yaml-syntax: a key can only be a text'],
  ])('%j', (text, expected) => {
    expect(lines(text)[0]).toBe(expected);
  });

  it('underline the place in every way of writing a text', () => {
    for (const written of [
      'task.a === bad',
      "'task.a === ''x'' && bad'",
      '"task.a === \\"\\x41\\u00e9\\U0001F600\\" && bad"',
      '"task.a &&\n      bad"',
      '"task.a && \\\n      bad"',
      'task.a &&\n      bad',
      '>\n      task.a &&\n      bad',
      '|-\n      task.a &&\n\n        bad',
      '>2-\n      task.a\n\n      && bad',
      '"\'😀\' === task.a && bad"',
    ]) {
      const text = `name: w\r\nsteps:\n  - id: a\n    persona: p\n    condition: ${written}\n`;
      const found = problemsOf(text).filter(({ code }) => code === 'expression');
      expect({ written, found: found.map((problem) => underlined(text, problem)) }).toEqual({
        written,
        found: ['bad'],
      });
    }
    const [problem] = problemsOf('name: w\nsteps: [{ id: a, persona: p, condition: task.a 😀 }]\n');
    expect(problem).toMatchObject({ line: 2, column: 48, endColumn: 50 });
  });
});
