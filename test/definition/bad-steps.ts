/** Bad steps, and what is said of them: their keys, whom they wait for, what they read, their expressions. */

/** Per case: its name, the file, and behind `~~~` every problem as `line:column code message | hint`. */
export const BAD_STEPS: Readonly<Record<string, string>> = {
  steps: `
### one that is a text
name: w
steps:
  - plan
  - { id: b, persona: p }
~~~
3:5 wrong-type step 1 must be a map, not the text "plan" | A step starts with "- id: …".
### one without an id
name: w
steps:
  - persona: p
~~~
3:5 missing-key step 1 has no "id" | Every step needs an id, for example "id: implementation".
### ids that cannot be
name: w
steps:
  - { id: 1st, persona: p }
  - { id: toString, persona: p }
  - { id: a/b, persona: p }
~~~
3:11 wrong-type "1st" cannot be the id of a step | An id starts with a letter and has up to 64 letters, digits, "-" and "_".
4:11 wrong-type "toString" cannot be the id of a step | Expressions may not read that name. Choose another one.
5:11 wrong-type "a/b" cannot be the id of a step | An id starts with a letter and has up to 64 letters, digits, "-" and "_".
### the same id twice
name: w
steps:
  - { id: a, persona: p }
  - { id: a, persona: p }
~~~
4:11 duplicate-id the step id "a" is there already | Give one of the steps another id.
### the same id inside a block
name: w
steps:
  - { id: a, persona: p }
  - { id: b, type: parallel, steps: [{ id: a, persona: p }] }
~~~
4:44 duplicate-id the step id "a" is there already | Give one of the steps another id.
### ids with one state name
name: w
steps:
  - { id: code-review, persona: p }
  - { id: code_review, persona: p }
~~~
4:11 duplicate-id the step ids "code-review" and "code_review" are the same name in context.state ("code_review_status") | Give one of the steps another id.
### an unknown type
name: w
steps:
  - id: a
    type: persona-requst
    persona: p
~~~
4:11 unknown-type unknown step type "persona-requst" | Did you mean "persona-request"?
### a type from nowhere
name: w
steps:
  - id: a
    type: kubernetes
    image: alpine
~~~
4:11 unknown-type unknown step type "kubernetes" | Types are persona-request, git-operation, verify, conditional, parallel, loop, for_each, workflow, decision, wait, emit, end, lock, unlock, plan, notify, broken, empty, wrong.
### no persona
name: w
steps:
  - id: a
    timeout: 30
~~~
3:5 missing-key step "a" has no "persona" | Say who does the step, for example "persona: lead-engineer".
### an unknown persona [personas planner reviewer]
name: w
steps:
  - id: a
    persona: plannr
    fallback: [reviewr]
~~~
4:14 unknown-persona unknown persona "plannr" in step "a" | Did you mean "planner"? Or add personas/plannr.md.
5:16 unknown-persona unknown persona "reviewr" in step "a" | Did you mean "reviewer"? Or add personas/reviewr.md.
### a persona that looks like none of them [personas planner reviewer]
name: w
steps:
  - id: a
    persona: architect
~~~
4:14 unknown-persona unknown persona "architect" in step "a" | Known are planner, reviewer. Or add personas/architect.md.
### a persona that cannot be
name: w
steps:
  - id: a
    persona: lead engineer
~~~
4:14 wrong-type "lead engineer" cannot be the name of a persona | A name starts with a letter and has up to 64 letters, digits, "-" and "_".
### values of the wrong kind
name: w
steps:
  - id: a
    persona: p
    timeout: soon
    retries: 101
    params: [1]
    condition: true
    dependencies: b
~~~
5:14 wrong-type "timeout" of step "a" must be seconds above 0, or a duration such as "30s", "5m" or "1h", up to 365 days, not the text "soon"
6:14 wrong-type "retries" of step "a" must be a whole number from 0 to 100, not the number 101
7:13 wrong-type "params" of step "a" must be a map, not a list
8:16 wrong-type "condition" of step "a" must be a text, not true | A condition is an expression in quotes, for example "task.urgent === true".
9:19 wrong-type "dependencies" of step "a" must be a list of step ids, not the text "b" | For example dependencies: [planning].
### an empty value
name: w
steps:
  - id: a
    persona:
    timeout:
~~~
4:5 wrong-type "persona" of step "a" must be a text, not empty
5:5 wrong-type "timeout" of step "a" must be seconds above 0, or a duration such as "30s", "5m" or "1h", not empty
### an unknown word for when
name: w
steps:
  - id: a
    persona: p
    when: on-failure
    on_error: continu
~~~
5:11 wrong-type "when" of step "a" must be one of on_success, always, on_failure, not the text "on-failure" | Did you mean "on_failure"?
6:15 wrong-type "on_error" of step "a" must be one of fail, continue, ask, not the text "continu" | Did you mean "continue"?
### a key of another type
name: w
steps:
  - id: a
    persona: p
    max_rounds: 3
~~~
5:5 unknown-key unknown key "max_rounds" in step "a" | "max_rounds" belongs to steps of type "loop".
### keys of other systems
name: w
steps:
  - id: a
    persona: p
    needs: [b]
    with: { x: 1 }
    if: task.a
~~~
5:5 unknown-key unknown key "needs" in step "a" | Did you mean "dependencies"?
6:5 unknown-key unknown key "with" in step "a" | Did you mean "params"?
7:5 unknown-key unknown key "if" in step "a" | Did you mean "condition"?
### an empty schema of a result
name: w
steps:
  - id: a
    persona: p
    output: { type: objekt }
~~~
5:21 invalid-schema "output" of step "a" is no schema that can be used: at type, unknown type "objekt". Did you mean "object"?
`,
  waiting: `
### an unknown step
name: w
steps:
  - { id: plan, persona: p }
  - { id: b, persona: p, dependencies: [paln] }
~~~
4:41 unknown-dependency step "b" depends on "paln", which is no step | Did you mean "plan"?
### a step twice
name: w
steps:
  - { id: a, persona: p }
  - { id: b, persona: p, dependencies: [a, a] }
~~~
4:44 duplicate-dependency step "b" names the dependency "a" twice | Keep one of them.
### a step twice, in a block
name: w
steps:
  - id: x
    type: parallel
    steps:
      - { id: a, persona: p }
      - { id: b, persona: p, dependencies: [a, a] }
~~~
7:48 duplicate-dependency step "b" names the dependency "a" twice | Keep one of them.
### itself
name: w
steps:
  - { id: a, persona: p, dependencies: [a] }
~~~
3:41 cycle Circular dependency detected: a -> a | The step waits for itself. Remove this dependency.
### each other
name: w
steps:
  - { id: step1, persona: p, dependencies: [step2] }
  - { id: step2, persona: p, dependencies: [step1] }
~~~
4:45 cycle Circular dependency detected: step1 -> step2 -> step1 | Each step waits for the one after the arrow, so none of them can start. Remove one of these dependencies.
### a step inside of a block
name: w
steps:
  - { id: x, type: parallel, steps: [{ id: a, persona: p }] }
  - { id: b, persona: p, dependencies: [a] }
~~~
4:41 unknown-dependency step "b" depends on "a", which stands inside "x" | Depend on "x" instead.
### a step outside of the block
name: w
steps:
  - { id: a, persona: p }
  - { id: x, type: parallel, steps: [{ id: b, persona: p, dependencies: [a] }] }
~~~
4:74 unknown-dependency step "b" depends on "a", which stands outside "x" | Put "a" into the dependencies of "x": then all steps inside run after it.
### what waits for everything
name: w
steps:
  - { id: clean, persona: p, when: always }
  - { id: b, persona: p, dependencies: [clean] }
~~~
4:41 cycle Circular dependency detected: clean -> b -> clean | "clean" has no dependencies and is not "when: on_success", so it waits for all steps of its list that are. Give it dependencies, or remove those on it.
`,
  reading: `
### before it has run
name: w
steps:
  - { id: qa, persona: p }
  - { id: b, persona: p, condition: "context.state.get('qa_status') === 'pass'" }
~~~
4:56 not-a-dependency step "b" reads the state of "qa" but does not wait for it | Add "qa" to the dependencies of "b".
### a misspelt state
name: w
steps:
  - { id: qa, persona: p }
  - { id: b, persona: p, dependencies: [qa], condition: "context.state.get('qa_statu') === 'pass'" }
~~~
4:76 expression unknown state "qa_statu" | Did you mean "qa_status"?
### a step that does not exist
name: w
steps:
  - { id: plan, persona: p }
  - { id: b, persona: p, dependencies: [plan], params: { x: "{{ steps.plna.result }}" } }
~~~
4:71 expression unknown step "plna" | Did you mean "plan"?
### itself
name: w
steps:
  - { id: a, persona: p, condition: "steps.a.result" }
~~~
3:44 not-a-dependency step "a" reads its own state | It has none before it has run.
### what comes later
name: w
steps:
  - { id: a, persona: p, params: { x: "{{ steps.b.result }}" } }
  - { id: b, persona: p, dependencies: [a] }
~~~
3:49 not-a-dependency step "a" reads the state of "b", which only runs after it | Read the state of a step that "a" depends on.
### the other branch
name: w
steps:
  - id: c
    type: conditional
    condition: task.x
    then_steps: [{ id: a, persona: p }]
    else_steps: [{ id: b, persona: p, condition: "steps.a.result" }]
~~~
7:57 not-a-dependency step "b" reads the state of "a", which stands in the other branch of "c" | Only one of the branches runs.
### one item of a for_each
name: w
steps:
  - { id: each, type: for_each, items: [1, 2], steps: [{ id: a, persona: p }] }
  - { id: b, persona: p, dependencies: [each], params: { x: "{{ steps.a.result }}" } }
~~~
4:71 not-a-dependency step "b" reads the state of "a", which runs once for each item of "each" | read steps.each.result: the list of the results, in the order of the items.
### the block that it stands in
name: w
steps:
  - { id: x, type: parallel, steps: [{ id: a, persona: p, condition: "steps.x.status" }] }
~~~
3:77 not-a-dependency step "a" reads the state of "x", inside which it stands | A block has a state when all its steps have settled.
### what undoes
name: w
steps:
  - { id: a, persona: p, compensate: { id: undo, persona: p } }
  - { id: b, persona: p, dependencies: [a], condition: "steps.undo.status" }
~~~
4:63 not-a-dependency step "b" reads the state of "undo", which undoes "a" after the workflow has failed | Read steps.a.status.
### loop without one
name: w
steps:
  - id: a
    persona: p
    params: { round: "{{ loop.round }}" }
~~~
5:26 expression "loop" cannot be read here: there is no loop or for_each around | Only steps inside one, and its "until" and "while", can read it.
### item in a loop
name: w
steps:
  - { id: l, type: loop, until: "loop.round > 1", max_rounds: 2, steps: [{ id: a, persona: p, params: { x: "{{ loop.item }}" } }] }
~~~
3:117 expression unknown field of loop "item" | Known are round, previous.
### a step that the round before did not have
name: w
steps:
  - { id: l, type: loop, until: "loop.round > 1", max_rounds: 2, steps: [{ id: code, persona: p, condition: "loop.previous?.cdoe" }] }
~~~
3:125 expression "cdoe" is no step of the list of "l" | Did you mean "code"?
### an unknown variable
name: w
variables: { branch: main }
steps:
  - { id: a, persona: p, params: { b: "{{ variables.brnach }}" } }
~~~
4:53 expression unknown variable "brnach" | Did you mean "branch"?
### an unknown root
name: w
steps:
  - id: a
    persona: p
    condition: "tsak.x && env.HOME"
~~~
5:17 expression unknown name "tsak" | Did you mean "task"?
### a computed step
name: w
steps:
  - { id: qa, persona: p }
  - { id: b, persona: p, dependencies: [qa], condition: "steps[task.which].result" }
~~~
4:64 expression the step must be named with a text in quotes, so that it can be checked | For example steps['code-review'].
### a field that steps do not have
name: w
steps:
  - { id: qa, persona: p }
  - { id: b, persona: p, dependencies: [qa], condition: "steps.qa.output" }
~~~
4:67 expression unknown field of a step "output" | Known are status, result, artifacts.
`,
  expressions: `
### that are none
name: w
steps:
  - id: a
    persona: p
    condition: "task.a ==="
~~~
5:27 expression the expression ends too early
### with an assignment
name: w
steps:
  - id: a
    persona: p
    condition: "task.a = 1"
~~~
5:24 expression an assignment is not part of the expression language | To compare, write ===.
### that reach for the language
name: w
steps:
  - id: a
    persona: p
    condition: "task.constructor.constructor('return process')()"
~~~
5:17 expression only a method of a value can be called | For example task.tags.includes('urgent').
### in braces
name: w
steps:
  - id: a
    persona: p
    condition: "{{ task.a }}"
~~~
5:18 expression unexpected "{" | A condition is written without {{ }}.
### in a template that is never closed
name: w
steps:
  - id: a
    persona: p
    name: "Do {{ task.title"
~~~
5:15 expression "{{" is not closed by "}}" | For the characters themselves, write {{ '{{' }}.
### in two kinds of templates
name: w
steps:
  - id: a
    persona: p
    name: "\${task.a} {{ task.b }}"
~~~
5:12 expression the text has both kinds of templates, {{ }} and \${ } | Write {{ }} for all of them.
### that are always the same
name: w
steps:
  - id: a
    persona: p
    condition: "1 < 2"
~~~
5:16 warning constant-condition the condition reads nothing, so it is always the same
### that are always true, in a loop
name: w
steps:
  - { id: l, type: loop, while: "true", max_rounds: 2, steps: [{ id: a, persona: p }] }
~~~
3:33 warning constant-condition the condition reads nothing, so it is always the same
### that are false in every run
name: w
steps:
  - id: a
    persona: p
    condition: "false"
~~~
5:17 never-holds "condition" of step "a" can never hold, so the step never runs | It reads nothing, so it is false in every run.
### with a status that no step has
name: w
steps:
  - { id: qa, persona: p }
  - { id: b, persona: p, dependencies: [qa], condition: "context.state.get('qa_status') === 'passed'" }
~~~
4:93 never-holds context.state.get('qa_status') is never "passed" | Did you mean "pass"? It is one of pass, fail, error, skipped, canceled.
### whose parts exclude each other
name: w
steps:
  - id: a
    persona: p
    condition: "task.kind === 'a' && task.kind === 'b'"
~~~
5:17 never-holds "condition" of step "a" can never hold, so the step never runs | No values of what it reads fit all of its parts.
### that hold only after the list has failed
name: w
steps:
  - { id: qa, persona: p }
  - { id: b, persona: p, dependencies: [qa], condition: "steps.qa.status === 'fail'" }
~~~
4:58 warning never-holds "condition" of step "b" can never hold, so the step never runs: when "qa" fails, what comes after it is skipped | Give "qa" on_error: continue, or "b" when: on_failure.
### that compare a number with a text
name: w
steps:
  - { id: qa, persona: p, output: { type: object, properties: { score: { type: number } } } }
  - { id: b, persona: p, dependencies: [qa], condition: "steps.qa.result.score > '80'" }
~~~
4:58 type-mismatch steps.qa.result.score is a number and '80' is a text | ">" compares two numbers or two texts.
### that read what the task cannot have
name: w
input: { type: object, properties: { title: { type: string } }, additionalProperties: false }
steps: [{ id: a, persona: p, params: { x: "{{ task.titel }}" } }]
~~~
3:52 type-mismatch task can have no "titel", says its schema | Did you mean "title"?
`,
};
