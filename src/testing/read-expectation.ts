/** Reads what a test expects: each key is one thing that is looked at when the run is over. */
import type { JsonObject } from '../core/json.js';
import { ERROR_CLASSES, RUN_STATUSES, STEP_STATUSES } from '../core/statuses.js';
import { ERRORS } from '../core/errors.js';
import { describe, Fields, isText, type Keys } from '../definition/fields.js';
import { type MapEntry, nodeUnder, toJson, toJsonObject, type TreeNode } from '../definition/tree.js';
import { checkPatterns, durationOf, mapOf, objectOf, type Reading, textsOf, wordOf } from './read-values.js';
import type { Expectation } from './scenario.js';

const KEYS: Keys = {
  known: [
    'status',
    'path',
    'path_includes',
    'never',
    'steps',
    'state',
    'result',
    'requests',
    'elapsed',
    'error',
    'events',
    'artifacts',
    'refused',
  ],
  meant: {
    duration: 'elapsed',
    failure: 'error',
    output: 'result',
    order: 'path',
    outputs: 'artifacts',
    time: 'elapsed',
  },
};
const STEP_KEYS: Keys = {
  known: ['status', 'verdict', 'attempts', 'result', 'error', 'reason', 'artifacts'],
  meant: { attempt: 'attempts', count: 'attempts', state: 'status' },
};
const REQUEST_KEYS: Keys = {
  known: ['count', 'params', 'persona', 'attempt', 'name', 'results', 'task', 'session', 'handover', 'ceiling'],
  meant: { args: 'params', times: 'count' },
};
const ELAPSED_KEYS: Keys = { known: ['at_least', 'at_most'], meant: { max: 'at_most', min: 'at_least' } };
const ERROR_KEYS: Keys = { known: ['class', 'step', 'message'], meant: { code: 'class', text: 'message' } };

const NOTHING: Expectation = {
  status: null,
  path: null,
  pathIncludes: [],
  never: [],
  steps: new Map(),
  state: {},
  result: null,
  requests: new Map(),
  elapsed: null,
  error: null,
  events: [],
  artifacts: new Map(),
  refused: null,
};

export function readExpectation(test: Fields, reading: Reading): Expectation {
  const block = mapOf(test, 'expect', { owner: 'what is expected', reading });
  if (block === null) return NOTHING;
  const { node, fields } = block;
  fields.only(KEYS);
  for (const key of ['steps', 'state', 'result', 'requests', 'error', 'artifacts']) {
    const value = nodeUnder(node, key);
    if (value !== null) checkPatterns(value, reading);
  }
  const status = fields.text('status');
  const result = nodeUnder(node, 'result');
  const path = nodeUnder(node, 'path');
  const events = nodeUnder(node, 'events');
  return {
    status: status === null ? null : wordOf(status, { known: RUN_STATUSES, what: 'the status of a run', reading }),
    path: path === null ? null : steps(path, 'path', reading),
    pathIncludes: steps(nodeUnder(node, 'path_includes'), 'path_includes', reading),
    never: steps(nodeUnder(node, 'never'), 'never', reading),
    steps: readSteps(fields, reading),
    state: objectOf(fields, 'state'),
    result: result === null ? null : { value: toJson(result) },
    requests: readRequests(fields, reading),
    elapsed: readElapsed(fields, reading),
    error: readError(fields, reading),
    events: events === null ? [] : textsOf(events, 'an event', reading).map(({ value }) => value),
    artifacts: readArtifacts(node, reading),
    refused: readRefused(fields, reading),
  };
}

function steps(node: TreeNode | null, key: string, reading: Reading): readonly string[] {
  if (node === null) return [];
  const texts = textsOf(node, `a step of "${key}"`, reading);
  for (const { value, start, end } of texts) reading.mentions.push({ name: value, kind: 'step', start, end });
  return texts.map(({ value }) => value);
}

/** The entries of a map by step, each step remembered. */
function bySteps(fields: Fields, key: string, reading: Reading): readonly MapEntry[] {
  const entries = fields.map(key, 'a map by step')?.entries ?? [];
  for (const { key: name, keyRange } of entries) reading.mentions.push({ name, kind: 'step', ...keyRange });
  return entries;
}

function readSteps(fields: Fields, reading: Reading): ReadonlyMap<string, JsonObject> {
  return new Map(
    bySteps(fields, 'steps', reading).flatMap(({ key, value }): [string, JsonObject][] => {
      const what = `the status of step "${key}"`;
      if (isText(value)) {
        wordOf(value, { known: STEP_STATUSES, what, reading });
        return [[key, { status: value.value }]];
      }
      if (value.kind === 'map') {
        const step = new Fields(value, `step "${key}"`, reading.problems);
        step.only(STEP_KEYS);
        const status = step.text('status');
        if (status !== null) wordOf(status, { known: STEP_STATUSES, what, reading });
        return [[key, toJsonObject(value)]];
      }
      reading.problems.add('wrong-type', value, `${what} must be a status or a map, not ${describe(value)}`);
      return [];
    }),
  );
}

function readRequests(fields: Fields, reading: Reading): Expectation['requests'] {
  return new Map(
    bySteps(fields, 'requests', reading).flatMap(({ key, value }) => {
      if (value.kind !== 'map') {
        const hint = 'For example { count: 2, params: { stage: initial } }.';
        reading.problems.add(
          'wrong-type',
          value,
          `the requests of "${key}" must be a map, not ${describe(value)}`,
          hint,
        );
        return [];
      }
      const request = new Fields(value, `the requests of "${key}"`, reading.problems);
      request.only(REQUEST_KEYS);
      const { count, ...values } = toJsonObject(value);
      if (count !== undefined && !(typeof count === 'number' && Number.isInteger(count) && count >= 0))
        reading.problems.add('wrong-type', request.range, `"count" of ${request.owner} must be a whole number from 0`);
      return [[key, { count: typeof count === 'number' ? count : null, values }]];
    }),
  );
}

function readElapsed(fields: Fields, reading: Reading): Expectation['elapsed'] {
  const block = mapOf(fields, 'elapsed', { owner: 'the time that passes', reading });
  if (block === null) return null;
  block.fields.only(ELAPSED_KEYS);
  const bound = (key: string, otherwise: number): number => {
    const node = nodeUnder(block.node, key);
    return node === null ? otherwise : (durationOf(node, `"${key}"`, reading) ?? otherwise);
  };
  return { atLeastMs: bound('at_least', 0), atMostMs: bound('at_most', Infinity) };
}

function readError(fields: Fields, reading: Reading): JsonObject | null {
  const block = mapOf(fields, 'error', { owner: 'the expected error', reading });
  if (block === null) return null;
  block.fields.only(ERROR_KEYS);
  const name = block.fields.text('class');
  if (name !== null) wordOf(name, { known: ERROR_CLASSES, what: 'the class of an error', reading });
  const step = block.fields.text('step');
  if (step !== null) reading.mentions.push({ name: step.value, kind: 'step', start: step.start, end: step.end });
  return toJsonObject(block.node);
}

function readArtifacts(node: TreeNode, reading: Reading): ReadonlyMap<string, string> {
  const value = node.kind === 'map' ? nodeUnder(node, 'artifacts') : null;
  if (value === null) return new Map();
  if (value.kind !== 'map') return new Map(textsOf(value, 'an artifact', reading).map(({ value: name }) => [name, '']));
  return new Map(
    value.entries.flatMap(({ key, value: text }): [string, string][] => {
      if (isText(text)) return [[key, text.value]];
      reading.problems.add('wrong-type', text, `what "${key}" contains must be a text, not ${describe(text)}`);
      return [];
    }),
  );
}

function readRefused(fields: Fields, reading: Reading): string | null {
  const code = fields.text('refused');
  return code === null ? null : wordOf(code, { known: Object.keys(ERRORS), what: 'the code of an error', reading });
}
