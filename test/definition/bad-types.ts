/** Bad steps of every type, of plugins and in the words of other documents, and what is said of them. */

/** Per case: its name, the file, and behind `~~~` every problem as `line:column code message | hint`. */
export const BAD_TYPES: Readonly<Record<string, string>> = {
  'git-operation': `
### without what it does
name: w
steps:
  - id: a
    type: git-operation
    message: x
~~~
3:5 missing-key step "a" has no "operation" | Say what git does: one of branch, switch, commit, push, merge, rebase, sync.
### of an unknown kind
name: w
steps:
  - id: a
    type: git-operation
    operation: comit
    message: x
~~~
5:16 wrong-type "operation" of step "a" must be one of branch, switch, commit, push, merge, rebase, sync, not the text "comit" | Did you mean "commit"?
### without a branch or a message
name: w
steps:
  - { id: a, type: git-operation, operation: merge }
  - { id: b, type: git-operation, operation: commit }
~~~
3:7 missing-key step "a" has no "branch" | Say which branch to merge, for example "branch: feature/{{ task.slug }}".
4:7 missing-key step "b" has no "message" | Say what the commit is, for example "message: {{ task.title }}".
### with names that git takes for options
name: w
steps:
  - { id: a, type: git-operation, operation: branch, branch: "--orphan=evil" }
  - { id: b, type: git-operation, operation: push, branch: "a..b", remote: "-f" }
~~~
3:62 wrong-type "branch" of step "a" cannot be "--orphan=evil": it starts with "-"
4:60 wrong-type "branch" of step "b" cannot be "a..b": it contains ".."
4:76 wrong-type "remote" of step "b" cannot be "-f": a remote is named as "git remote" lists it, for example origin
### with a persona
name: w
steps:
  - id: a
    type: git-operation
    operation: push
    persona: p
~~~
6:5 unknown-key unknown key "persona" in step "a" | "persona" belongs to steps of type "persona-request", "plan".
`,
  conditional: `
### without a condition
name: w
steps:
  - id: a
    type: conditional
    then_steps: [{ id: b, persona: p }]
~~~
3:5 missing-key step "a" has no "condition" | The condition chooses between "then_steps" and "else_steps".
### without steps
name: w
steps:
  - id: a
    type: conditional
    condition: task.x
~~~
3:5 missing-key step "a" has no "then_steps" | Say what is done when the condition holds: a list of steps.
### with steps in neither branch
name: w
steps:
  - id: a
    type: conditional
    condition: task.x
    then_steps: []
~~~
6:17 wrong-type step "a" has steps in neither branch | Add at least one step.
### with the words of others
name: w
steps:
  - id: a
    type: conditional
    if: task.x
    then: [{ id: b, persona: p }]
    else: []
~~~
5:5 unknown-key unknown key "if" in step "a" | Did you mean "condition"?
6:5 unknown-key unknown key "then" in step "a" | Did you mean "then_steps"?
7:5 unknown-key unknown key "else" in step "a" | Did you mean "else_steps"?
### that always holds
name: w
steps:
  - id: a
    type: conditional
    condition: "task.x || !task.x"
    then_steps: [{ id: b, persona: p }]
    else_steps: [{ id: c, persona: p }]
~~~
5:17 never-holds the condition of step "a" always holds, so its else_steps never run | Whatever it reads, it is true.
`,
  parallel: `
### that waits for more than there are
name: w
steps:
  - id: a
    type: parallel
    wait_for: 3
    steps: [{ id: b, persona: p }, { id: c, persona: p }]
~~~
5:15 unmet-wait step "a" waits for 3 steps, and it has 2 steps | Write wait_for: all, any, or a smaller number.
### that waits for two of one, inside a loop
name: w
steps:
  - id: l
    type: loop
    until: "loop.round > 1"
    max_rounds: 2
    steps:
      - { id: x, type: parallel, wait_for: 2, steps: [{ id: b, persona: p }] }
~~~
8:44 unmet-wait step "x" waits for 2 steps, and it has 1 step | Write wait_for: all, any, or a smaller number.
### that waits for a word
name: w
steps:
  - id: a
    type: parallel
    wait_for: some
    steps: [{ id: b, persona: p }]
~~~
5:15 wrong-type "wait_for" of step "a" must be all, any or the number of steps that must succeed, not the text "some"
### without steps
name: w
steps:
  - id: a
    type: parallel
    wait_for: all
~~~
3:5 missing-key step "a" has no "steps" | Add "steps:" and below it "- id: …".
`,
  loop: `
### without a bound
name: w
steps:
  - id: a
    type: loop
    until: "steps.b.result"
    steps: [{ id: b, persona: p }]
~~~
3:5 unbounded-loop step "a" has no "max_rounds", so it could go on for ever | Say how many rounds it may take: 1 to 1000.
### without an end
name: w
steps:
  - id: a
    type: loop
    max_rounds: 3
    steps: [{ id: b, persona: p }]
~~~
3:5 missing-key step "a" has no "until" | Say when the loop is done, for example "until: steps.qa.status === 'pass'".
### with two ends
name: w
steps:
  - id: a
    type: loop
    until: "steps.b.result"
    while: task.x
    max_rounds: 3
    steps: [{ id: b, persona: p }]
~~~
6:12 wrong-type step "a" has both "until" and "while" | Keep one.
### that nothing inside can end
name: w
steps:
  - id: a
    type: loop
    until: task.done
    max_rounds: 3
    steps: [{ id: b, persona: p }]
~~~
5:12 warning unbounded-loop "until" of step "a" reads nothing that its steps write: the body cannot change it | Read the state of a step inside the loop, or loop.round.
### that fails with what it should repeat
name: w
steps:
  - id: a
    type: loop
    until: "steps.b.status === 'pass'"
    max_rounds: 3
    steps: [{ id: b, persona: p }]
~~~
5:13 warning never-holds the loop "a" never goes round again: when "b" fails, the loop has failed | Give "b" on_error: continue.
### with too many rounds, and an unknown end
name: w
steps:
  - id: a
    type: loop
    until: "steps.b.result"
    max_rounds: 5000
    on_limit: stop
    steps: [{ id: b, persona: p }]
~~~
6:17 wrong-type "max_rounds" of step "a" must be a whole number from 1 to 1000, not the number 5000
7:15 wrong-type "on_limit" of step "a" must be one of fail, ask, not the text "stop"
`,
  for_each: `
### without items
name: w
steps:
  - id: a
    type: for_each
    steps: [{ id: b, persona: p }]
~~~
3:5 missing-key step "a" has no "items" | Say what the steps are done for: a list, or a template such as "{{ task.files }}".
### over a text
name: w
steps:
  - id: a
    type: for_each
    items: a, b
    steps: [{ id: b, persona: p }]
~~~
5:12 wrong-type "items" of step "a" must be a list, or a template such as "{{ task.files }}", not the text "a, b" | A text must be one hole and nothing else, since anything else gives a text and not a list.
### over half a template
name: w
steps:
  - id: a
    type: for_each
    items: "files: {{ task.files }}"
    steps: [{ id: b, persona: p }]
~~~
5:12 wrong-type "items" of step "a" must be a list, or a template such as "{{ task.files }}", not the text "files: {{ task.files }}" | A text must be one hole and nothing else, since anything else gives a text and not a list.
`,
  workflow: `
### without a name
name: w
steps:
  - id: a
    type: workflow
    task: {}
~~~
3:5 missing-key step "a" has no "workflow" | Say which workflow is run, by its name or the path of its file.
### that is known only in a run
name: w
steps:
  - id: a
    type: workflow
    workflow: "{{ task.which }}"
~~~
5:15 wrong-type "workflow" of step "a" must be the name of a workflow, not the text "{{ task.which }}" | It must be known when the file is loaded.
### with a task that is no map
name: w
steps:
  - id: a
    type: workflow
    workflow: hotfix
    task: title
~~~
6:11 wrong-type "task" of step "a" must be a map, not the text "title"
`,
  decision: `
### without a question
name: w
steps:
  - id: a
    type: decision
    choices: [yes, no]
~~~
3:5 missing-key step "a" has no "prompt" | Say what is asked, for example "prompt: Deploy {{ task.version }}?".
### with choices that cannot be
name: w
steps:
  - id: a
    type: decision
    prompt: Go?
    choices: ["Ship it", b, b]
    reject: [c]
~~~
6:14 wrong-type step "a" has the choice "b" twice | Keep one of them.
6:15 wrong-type "Ship it" cannot be the id of a choice | It starts with a letter and has up to 64 letters, digits, "-" and "_"; any text can be its label.
7:14 wrong-type "c" is no choice of step "a" | Did you mean "b"?
### with no choice at all
name: w
steps:
  - id: a
    type: decision
    prompt: Go?
    choices: []
~~~
6:14 wrong-type step "a" has no choice | Without "choices" there are approve and reject.
### with what cannot be asked
name: w
steps:
  - id: a
    type: decision
    prompt: Go?
    form: { type: object }
    questions:
      - { id: x, ask: Which?, type: choice }
      - { id: 1x, ask: How?, kind: text }
      - { id: y, ask: n?, type: number, default: many }
~~~
8:7 wrong-type step "a" has "form" and "questions" | Keep one of them.
8:9 wrong-type "questions" of step "a" cannot be asked: 0.options is needed for a choice | A question is { id: scope, ask: "How far?", type: text }.
9:9 wrong-type "questions" of step "a" cannot be asked: 1 has the unknown key "kind"; keys are id, ask, reason, type, options, default, required | A question is { id: scope, ask: "How far?", type: text }.
9:15 wrong-type "questions" of step "a" cannot be asked: 1.id must start with a letter and have up to 64 letters, digits, "-" and "_" | A question is { id: scope, ask: "How far?", type: text }.
10:50 wrong-type "questions" of step "a" cannot be asked: 2.default is no answer to it | A question is { id: scope, ask: "How far?", type: text }.
### with times and people that cannot be
name: w
steps:
  - id: a
    type: decision
    prompt: Go?
    on_timeout: aprove
    remind: [soon, 1d]
    quorum: 0
    escalate: [{ after: 1h, too: [lead] }, lead]
    draft: { of: "{{ task.x }}" }
  - id: b
    type: decision
    prompt: Go?
    timeout: 1d
    on_timeout: aprove
~~~
6:17 wrong-type step "a" has "on_timeout" and no "timeout" | Say when the time is up, for example "timeout: 2d".
7:14 wrong-type "remind" of step "a" must be seconds above 0, or a duration such as "30s", "5m" or "1h", up to 365 days, not the text "soon"
8:13 wrong-type "quorum" of step "a" must be a whole number from 1 to 100, not the number 0
9:29 unknown-key unknown key "too" in "escalate" of step "a" | Did you mean "to"?
9:44 wrong-type "escalate" of step "a" must be a list of maps with "after" and "to"
10:14 unknown-key unknown key "of" in "draft" of step "a" | Did you mean "value"?
15:17 wrong-type "aprove" is no choice of step "b" | Did you mean "approve"?
### whose answer is never that
name: w
steps:
  - { id: ask, type: decision, prompt: Go?, choices: [ship, hold] }
  - { id: b, persona: p, dependencies: [ask], condition: "steps.ask.result.choice === 'shipp'" }
~~~
4:87 never-holds steps.ask.result.choice is never "shipp" | Did you mean "ship"? It is one of ship, hold.
`,
  end: `
### as nothing
name: w
steps:
  - id: a
    type: end
    state: failed
~~~
3:5 missing-key step "a" has no "status" | Say how the run ends: canceled, failed, completed.
5:5 unknown-key unknown key "state" in step "a" | Known keys are id, name, description, type, dependencies, condition, when, timeout, on_error, enters, compensate, status, reason.
### as something else
name: w
steps:
  - { id: a, type: end, status: cancelled }
~~~
3:33 wrong-type "status" of step "a" must be one of canceled, failed, completed, not the text "cancelled" | Did you mean "canceled"?
`,
  states: `
### that are not there
name: w
states:
  open: { to: [redy], requires: "steps.a.result.x" }
  ready: [open]
  "no no": {}
  done: { next: [open], requires: ["1 +", 3] }
steps:
  - { id: a, persona: p, enters: open }
  - { id: b, persona: p, dependencies: [a], enters: reddy }
~~~
3:16 wrong-type there is no state "redy" | Did you mean "ready"?
3:40 not-a-dependency step "a" reads its own state | It has none before it has run.
4:10 wrong-type the state "ready" must be a map with "to" and "requires"
5:3 wrong-type "no no" cannot be the name of a state | It starts with a letter and has up to 64 letters, digits, "-" and "_".
6:11 unknown-key unknown key "next" in the state "done" | Did you mean "to"?
6:40 expression the expression ends too early
6:43 wrong-type "requires" of the state "done" must be a list of expressions
9:53 wrong-type there is no state "reddy" | Did you mean "ready"?
### without any
name: w
steps:
  - { id: a, persona: p, enters: open }
~~~
3:34 wrong-type step "a" enters a state, and the workflow has none | Say which states there are at the top: "states:".
`,
  wait: `
### for nothing
name: w
steps:
  - id: a
    type: wait
~~~
3:5 missing-key step "a" has no "duration" | Say what is waited for: "duration", "until" or "signal".
### for two things
name: w
steps:
  - id: a
    type: wait
    duration: 5m
    signal: go
~~~
6:13 wrong-type step "a" waits for "duration" and "signal" | Keep one of them.
### until no time
name: w
steps:
  - id: a
    type: wait
    until: tomorrow
~~~
5:12 wrong-type "until" of step "a" must be a time such as "2026-01-31T09:00:00Z", or a template that gives one, not the text "tomorrow"
### for a duration that is none
name: w
steps:
  - id: a
    type: wait
    duration: 0s
~~~
5:15 wrong-type "duration" of step "a" must be seconds above 0, or a duration such as "30s", "5m" or "1h", up to 365 days, not the text "0s"
`,
  emit: `
### without an event
name: w
steps:
  - id: a
    type: emit
    data: { a: 1 }
~~~
3:5 missing-key step "a" has no "event" | Name the event, for example "event: phase.completed".
### with data that is no map
name: w
steps:
  - id: a
    type: emit
    event: done
    payload: 3
~~~
6:5 unknown-key unknown key "payload" in step "a" | Did you mean "data"?
`,
  plan: `
### with types that do not exist
name: w
steps:
  - id: a
    type: plan
    persona: p
    allow: { types: [paralel], persona: x }
    max_steps: 501
~~~
6:22 unknown-type unknown step type "paralel" | Did you mean "parallel"?
6:32 unknown-key unknown key "persona" in "allow" of step "a" | Did you mean "personas"?
7:16 wrong-type "max_steps" of step "a" must be a whole number from 1 to 500, not the number 501
### of a persona with a bad name
name: w
steps:
  - id: a
    type: plan
    persona: "a b"
~~~
5:14 wrong-type "a b" cannot be the name of a persona | A name starts with a letter and has up to 64 letters, digits, "-" and "_".
`,
  compensation: `
### that is a word
name: w
steps:
  - id: a
    persona: p
    compensate: undo
~~~
5:17 wrong-type "compensate" of step "a" must be the step that undoes it, or a list of steps, for example { persona: … }, not the text "undo"
### with mistakes inside
name: w
steps:
  - id: a
    persona: p
    compensate: { persona: p, depends: [a], retries: many }
~~~
5:31 unknown-key unknown key "depends" in step "a-undo" | Did you mean "dependencies"?
5:54 wrong-type "retries" of step "a-undo" must be a whole number from 0 to 100, not the text "many"
`,
  'other documents': `
### two words for one thing
name: w
steps:
  - id: a
    persona: p
    agent: q
    dependencies: []
    depends_on: []
~~~
5:5 duplicate-key the key "agent" says what "persona" says already | Keep one of them; "persona" is the usual one.
7:5 duplicate-key the key "depends_on" says what "dependencies" says already | Keep one of them; "dependencies" is the usual one.
### a retry map that is a number
name: w
steps:
  - id: a
    agent: p
    retry: 3
~~~
5:5 unknown-key unknown key "retry" in step "a" | Did you mean "retries"?
### milliseconds below zero
name: w
steps:
  - id: a
    agent: p
    timeout_ms: -1
~~~
5:17 wrong-type "timeout" of step "a" must be seconds above 0, or a duration such as "30s", "5m" or "1h", up to 365 days, not the text "-1ms"
### a retry config with an unknown key
name: w
steps:
  - id: a
    agent: p
    retryConfig: { maxAttempt: 3, backoffMs: [1000, soon] }
~~~
5:20 unknown-key unknown key "maxAttempt" in the retries of step "a" | Did you mean "max_attempts"?
5:53 wrong-type a pause of the retries of step "a" must be seconds, or a duration such as "500ms" or "1m", not the text "soon"
### parallel that is no flag
name: w
steps:
  - id: a
    agent: p
    parallel: maybe
~~~
5:15 wrong-type "parallel" of a step must be true or false, not the text "maybe"
### a circle of groups
{"id": "w", "steps": [
  {"id": "a", "agent": "p", "dependencies": ["b"]},
  {"id": "b", "agent": "p", "parallel": true, "dependencies": ["a"]}
]}
~~~
3:64 cycle Circular dependency detected: a -> b -> a | Each step waits for the one after the arrow, so none of them can start. Remove one of these dependencies.
### a condition in dollar braces
name: w
steps:
  - id: a
    agent: p
    condition: "\${task.a} === 1"
~~~
5:18 expression unexpected "{" after the expression | A condition is written without \${ }.
`,
  plugins: `
### params that do not fit
name: w
steps:
  - id: a
    type: notify
    params: { chanel: x }
~~~
5:13 wrong-type the params of step "a" do not fit the step type "notify": "channel": is missing
5:23 wrong-type the params of step "a" do not fit the step type "notify": "chanel": is not known here. Did you mean "channel"?
### an expansion that fails
name: w
steps:
  - id: a
    type: broken
~~~
4:11 invalid-expansion the step type "broken" gave nothing that can be run for step "a": expand failed: no network | This is for the plugin that defines the type to set right.
### an expansion that gives nothing
name: w
steps:
  - id: a
    type: empty
~~~
4:11 invalid-expansion the step type "empty" gave nothing that can be run for step "a": the list is empty | This is for the plugin that defines the type to set right.
### an expansion with a mistake
name: w
steps:
  - id: a
    type: wrong
~~~
4:11 unknown-dependency step "a-x" depends on "a-y", which is no step | Dependencies are ids of steps of the same list.
`,
};
