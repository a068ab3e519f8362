/** Random values of workflow files: texts that YAML could take for something else, templates, durations, retries, schemas. */
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../src/core/json.js';
import { RETRYABLE_CLASSES } from '../../src/core/statuses.js';
import { DEFAULT_BACKOFF, type JsonSchema, NO_RETRIES } from '../../src/definition/steps.js';
import { BLOCKED_NAMES } from '../../src/expression/limits.js';

const ODD_TEXTS = [
  '',
  ' ',
  '  lead',
  'trail  ',
  'a\n',
  '\n',
  '\n\na',
  'a\n\n  b\n',
  'a \nb',
  'a\r\nb',
  'tab\there',
  '\ta',
  'a\n\tb',
  'yes',
  'no',
  'null',
  '~',
  'true',
  '1',
  '1.10',
  '012',
  '0x1F',
  '0o17',
  '1e3',
  '.inf',
  '-0',
  '12:30:00',
  '2026-01-31',
  'a: b',
  'a #b',
  '# c',
  '- x',
  '? x',
  '{ x',
  '[a',
  ']',
  ', x',
  '"q"',
  "it's",
  "'",
  '"',
  '!t',
  '&a',
  '*a',
  '|',
  '>',
  '%x',
  '@x',
  '`x`',
  '---',
  '...',
  '--- a',
  '<<',
  ':',
  '?',
  '-',
  '=',
  '${HOME}',
  '$task',
  '{task.x}',
  '}}',
  '\\',
  '\\n',
  '"\\u0041"',
  '\u0085',
  '\u2028',
  '\uFEFFa',
  '\u00A0',
  'é',
  '日本',
  '👩‍🚀',
  '\u202Ea',
  '\u0007',
  '\u001b[31m',
  '\uD800',
  'a\u0000b',
  'x'.repeat(200),
  `${'word '.repeat(60)}end`,
];

export function isPlain(text: string): boolean {
  return !/\{\{|\$\{/.test(text) || text === '${HOME}';
}

export const text = fc.oneof(
  fc.constantFrom(...ODD_TEXTS),
  fc.string({ unit: 'grapheme', maxLength: 20 }).filter(isPlain),
  fc.constantFrom('Ship it', 'Implement the plan', 'two\nlines', 'three\nlines\nof text\n'),
);
const key = fc
  .oneof(
    text,
    fc.constantFrom('retry_count', 'parallel', 'agent', 'id', 'type', 'steps', 'depends_on', 'timeout_ms', '0', '10'),
  )
  .filter((name) => !BLOCKED_NAMES.has(name) && name !== '<<');
const number = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value)),
  fc.constantFrom(1e20, -1e20, 2 ** 53 - 1, 2 ** 60, 1e21, 1.5e300, 5e-324, 0.1, 1e-7),
);

const HOLES = [
  "{{ task.x ?? 'none' }}",
  '{{ task.x }}',
  '{{task["a b"]?.c}}',
  "{{ '{{' }}",
  '{{ task.list.map(t => t.id) }}',
];
const hole = fc.constantFrom(...HOLES);
/** Text with one hole and more around it. */
const filled = fc
  .tuple(text, hole, text)
  .map((parts) => parts.join(''))
  .filter(isSimple);
export const template = fc.oneof({ weight: 3, arbitrary: text }, hole, filled);

/** Braces that would close or open a hole at another place are a matter of templates, not of YAML. */
function isSimple(joined: string): boolean {
  return joined.split('{{').length <= 3 && !/\{\{\{|\}\}\}|\$\{/.test(joined);
}

const json = (leaf: fc.Arbitrary<string>): fc.Arbitrary<JsonValue> =>
  fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, depthSize: 'small', withCrossShrink: true },
      fc.oneof(leaf, number, fc.boolean(), fc.constant(null)),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).value;
export const plainJson = json(text);
export const templateJson = json(template);
export const templateMap: fc.Arbitrary<JsonObject> = fc.dictionary(key, templateJson, {
  maxKeys: 3,
  noNullPrototype: true,
});

/** Milliseconds as seconds. */
const seconds = (from: number) =>
  fc
    .oneof(
      fc.integer({ min: from, max: 365 * 86_400_000 }),
      fc
        .constantFrom(1, 500, 1_000, 1_500, 60_000, 90_000, 1_800_000, 3_600_000, 86_400_000)
        .filter((ms) => ms >= from),
    )
    .map((ms) => ms / 1_000);
export const duration = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  seconds(1),
  fc.constantFrom('{{ variables.v0 }}', '{{ task.ms }}ms', "{{ task.wait ?? '5m' }}"),
);
export const count = (from: number, to: number) =>
  fc.oneof(fc.integer({ min: from, max: to }), fc.constant('{{ variables.v0 }}'));
export const retries = fc.oneof(
  { weight: 2, arbitrary: fc.constant(NO_RETRIES) },
  fc.record({
    count: count(0, 100),
    backoff: fc.oneof(
      fc.constant(DEFAULT_BACKOFF),
      fc.array(seconds(0), { minLength: 1, maxLength: 4 }),
      fc.record({
        initial: fc.oneof(fc.constant(1), seconds(0)),
        factor: fc.constantFrom(1, 1.5, 2, 100),
        max: fc.oneof(fc.constant(60), seconds(0)),
        jitter: fc.constantFrom(0, 0.2, 1 / 3, 1),
      }),
    ),
    retry_on: fc.option(fc.subarray([...RETRYABLE_CLASSES])),
  }),
);

const SCHEMAS: readonly JsonSchema[] = [
  true,
  {},
  { type: 'object', properties: { x: { type: 'string' }, 'a b': { type: ['object', 'null'], nullable: true } } },
  { type: 'object', required: ['list'], properties: { list: { type: 'array', items: { type: 'object' } } } },
  { description: 'odd: # text', 'x-note': { deep: [1, null, '{{ not a template'] }, type: 'object' },
];
export const schema = fc.option(fc.constantFrom(...SCHEMAS));
