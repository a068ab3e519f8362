/** Bad files, and what is said of them: the text as YAML, and the workflow as a whole. */

/** Per case: its name, the file, and behind `~~~` every problem as `line:column code message | hint`. */
export const BAD_FILES: Readonly<Record<string, string>> = {
  'the text': `
### a quote that is never closed
name: w
steps:
  - id: a
    persona: "p
    retries: 2
~~~
4:14 yaml-syntax the quote that opens here is never closed
### a bracket that is never closed
name: w
steps:
  - id: a
    persona: p
    dependencies: [b
  - id: b
    persona: p
~~~
5:19 yaml-syntax the bracket that opens here is never closed
### a tab for indentation
name: w
steps:
\u0009- id: a
~~~
3:1 yaml-syntax tabs are not allowed as indentation | Indent with spaces.
### keys that do not line up
name: w
steps:
  - id: a
     persona: p
~~~
3:9 yaml-syntax nested mappings are not allowed in compact mappings | Keys of one map start in the same column: check how this line and the next are indented.
### a missing colon
name: w
steps:
  - id: a
    persona p
    retries: 1
~~~
4:5 yaml-syntax implicit keys need to be on a single line | A colon may be missing, or the indentation is wrong.
### a missing space behind a colon
name: w
steps:
  - id: a
    persona:p
~~~
4:5 yaml-syntax implicit map keys need to be followed by map values | Behind a key there is a colon and a space: "key: value".
### an unquoted template
name: w
steps:
  - id: a
    persona: p
    name: {{ task.title }}
~~~
5:11 yaml-syntax a text that starts with a template must stand in quotes | For example name: "Do {{ task.title }}".
### an unquoted template with more behind it
name: w
steps:
  - id: a
    persona: p
    name: {{ task.title }} now
~~~
5:11 yaml-syntax a text that starts with a template must stand in quotes | For example name: "Do {{ task.title }}".
### a condition with a colon in it
name: w
steps:
  - id: a
    persona: p
    condition: task.kind === 'a: b' ? true : false
~~~
5:16 yaml-syntax the text has a colon in it, so it must stand in quotes
### a second document
name: w
steps: [{ id: a, persona: p }]
---
name: x
~~~
3:1 yaml-syntax a second document starts here | A file holds one workflow.
### nothing
~~~
1:1 wrong-type the file is empty | A workflow has at least "name:" and "steps:".
### only a comment
# soon
~~~
1:1 wrong-type the file is empty | A workflow has at least "name:" and "steps:".
### a list
- id: a
  persona: p
~~~
1:1 wrong-type a workflow must be a map, not a list | A workflow has at least "name:" and "steps:".
### prose
please deploy
~~~
1:1 wrong-type a workflow must be a map, not the text "please deploy" | A workflow has at least "name:" and "steps:".
### a key written twice
name: w
steps: [{ id: a, persona: p }]
name: x
~~~
3:1 duplicate-key the key "name" is there already | Keep one of them.
### a key of a step written twice
name: w
steps:
  - id: a
    persona: p
    retries: 1
    retries: 2
~~~
6:5 duplicate-key the key "retries" is there already | Keep one of them.
### an old YAML version
%YAML 1.1
---
name: w
steps: [{ id: a, persona: p }]
~~~
1:1 yaml-unsafe YAML 1.1 is not read, only YAML 1.2 | Remove the %YAML line.
`,
  'the workflow': `
### no steps
name: w
~~~
1:1 missing-key the workflow has no "steps" | A workflow needs at least one step: "steps:" and below it "- id: …".
### an empty list of steps
name: w
steps: []
~~~
2:8 wrong-type the workflow has no steps | Add at least one step.
### steps as a map
name: w
steps:
  a: { persona: p }
~~~
3:3 wrong-type "steps" of the workflow must be a list of steps, not a map | Every step starts with "- ", for example "- id: planning".
### misspelt keys
nmae: w
varables: { a: 1 }
steps: [{ id: a, persona: p }]
~~~
1:1 unknown-key unknown key "nmae" in the workflow | Did you mean "name"?
2:1 unknown-key unknown key "varables" in the workflow | Did you mean "variables"?
### words of other systems
name: w
tasks: []
env: { A: 1 }
steps: [{ id: a, persona: p }]
~~~
2:1 unknown-key unknown key "tasks" in the workflow | Did you mean "steps"?
3:1 unknown-key unknown key "env" in the workflow | Did you mean "variables"?
### a version that is a number
name: w
version: 1.10
steps: [{ id: a, persona: p }]
~~~
2:10 wrong-type "version" of the workflow must be a text, not the number 1.10 | Put it in quotes: version: "1.10"
### a name of two lines
name: |
  a
  b
steps: [{ id: a, persona: p }]
~~~
1:7 wrong-type "a�b�" cannot be the name of a workflow | A name is one line of up to 100 visible characters.
### variables that read what they cannot
name: w
variables:
  a: "{{ variables.b }}"
  b: "{{ variables.b }}"
  c: "{{ steps.a.result }}"
  d: "{{ variables.z }}"
steps:
  - { id: a, persona: p }
~~~
3:20 expression the variable "a" reads "b", which is written below it | A variable can read the variables above it.
4:20 expression the variable "b" reads itself | A variable can read the variables above it.
5:10 expression "steps" cannot be read here | Only task and variables can.
6:20 expression unknown variable "z" | Did you mean "a"?
### an environment that nobody has [environment stagin]
name: w
environments: { staging: { variables: {} }, production: { variables: {} } }
steps:
  - { id: a, persona: p }
~~~
2:15 unknown-environment the workflow has no environment "stagin" | Did you mean "staging"?
### an environment where there is none [environment production]
name: w
version: "1"
steps:
  - { id: a, persona: p }
~~~
1:1 unknown-environment the workflow has no environment "production" | It has none.
### an environment with a variable of its own
name: w
variables: { url: x }
environments: { dev: { variables: { ulr: y } }, old: 1 }
steps:
  - { id: a, persona: p }
~~~
3:37 unknown-key the environment "dev" sets "ulr", which is no variable of the workflow | Did you mean "url"?
3:49 wrong-type the environment "old" must be a map with "variables" | For example old: { variables: { … } }
### a schema with a misspelt word
name: w
input: { type: object, requird: [title], properties: { title: { type: strnig } } }
steps:
  - { id: a, persona: p }
~~~
2:33 invalid-schema "input" of the workflow is no schema that can be used: at requird, unknown keyword "requird" in a schema. Did you mean "required"?
2:71 invalid-schema "input" of the workflow is no schema that can be used: at properties.title.type, unknown type "strnig". Did you mean "string"?
### a schema that is a list
name: w
output: [title]
steps:
  - { id: a, persona: p }
~~~
2:9 wrong-type "output" of the workflow must be a JSON Schema: a map such as { type: object }, or true for anything, not a list
### a schema that leads outside
name: w
input: { $ref: "https://example.com/schema.json" }
steps:
  - { id: a, persona: p }
~~~
2:16 invalid-schema "input" of the workflow is no schema that can be used: at $ref, "$ref" can only lead to a place of the same schema, such as "#/$defs/name", not "https://example.com/schema.json"
### limits that are none
name: w
timeout: -5
max_concurrent_steps: 0
concurrency: { limit: 2.5, group: x }
steps:
  - { id: a, persona: p }
~~~
2:10 wrong-type "timeout" of the workflow must be seconds above 0, or a duration such as "30s", "5m" or "1h", up to 365 days, not the number -5
3:23 wrong-type "max_concurrent_steps" of the workflow must be a whole number from 1 to 10000, not the number 0
4:23 wrong-type "limit" of the concurrency of the workflow must be a whole number from 1 to 100000, not the number 2.5
4:28 unknown-key unknown key "group" in the concurrency of the workflow | Did you mean "key"?
### a concurrency key that reads a step
name: w
concurrency: { key: "{{ steps.a.result }}", limit: 1 }
steps:
  - { id: a, persona: p }
~~~
2:25 expression "steps" cannot be read here | Only task and variables can.
### error handling with an unknown strategy
name: w
error_handling: { strategy: retry_with_fallbak, max_retries: many, fallback_agent: goose }
steps:
  - { id: a, persona: p }
~~~
2:29 wrong-type "strategy" of the error_handling of the workflow must be one of retry_with_fallback, retry, fallback, fail, not the text "retry_with_fallbak" | Did you mean "retry_with_fallback"?
2:62 wrong-type "max_retries" of the error_handling of the workflow must be a whole number from 0 to 100, not the text "many"
2:68 unknown-key unknown key "fallback_agent" in the error_handling of the workflow | Did you mean "fallback_agents"?
### an unknown class to retry on
name: w
steps:
  - id: a
    persona: p
    retries: { count: 2, retry_on: [RATELIMIT, REJECTED] }
~~~
5:37 wrong-type unknown error class "RATELIMIT" | Did you mean "RATE_LIMIT"? Classes that can be tried again are PERSONA_ERROR, INVALID_REPLY, RATE_LIMIT, QUOTA, TIMEOUT, QUEUE_TIMEOUT, WORKER_LOST, RUN_FAILED.
5:48 wrong-type REJECTED is never tried again: it is a verdict about the work, and asking again would only ask for another answer | Classes that can be tried again are PERSONA_ERROR, INVALID_REPLY, RATE_LIMIT, QUOTA, TIMEOUT, QUEUE_TIMEOUT, WORKER_LOST, RUN_FAILED.
### an ordinary step in on_failure
name: w
steps: [{ id: a, persona: p }]
on_failure: [{ id: b, persona: p, when: always }]
~~~
3:41 wrong-type "when" of step "b" must be on_failure in the list "on_failure", not the text "always" | Leave it out, or put the step under "steps".
### a result that reads an unknown step
name: w
result: "{{ steps.b.result }}"
steps:
  - { id: a, persona: p }
~~~
2:19 expression unknown step "b" | Did you mean "a"?
`,
};
