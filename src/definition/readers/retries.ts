/** How often an attempt is tried again, after what pauses and for which classes of errors. */
import { ERROR_CLASSES, type ErrorClass, RETRYABLE_CLASSES } from '../../core/statuses.js';
import { quoted } from '../../expression/problem.js';
import { hasHoles } from '../../expression/template.js';
import { describe, isText } from '../fields.js';
import { type BackoffCurve, type BackoffList, DEFAULT_BACKOFF, type Retries } from '../steps.js';
import type { MapNode, ScalarNode, TreeNode } from '../tree.js';
import { millisecondsOf, WORKFLOW_LIMITS } from '../workflow.js';
import { Sheet } from './sheet.js';

const MAP_KEYS = {
  known: ['count', 'max_attempts', 'backoff', 'retry_on'],
  meant: { delay: 'backoff', on: 'retry_on' },
};
const CURVE_KEYS = {
  known: ['initial', 'factor', 'max', 'jitter'],
  meant: { delay: 'initial', multiplier: 'factor', rate: 'factor' },
};

/** The retries of a step: a number, a template that gives one, or a map; null when the step does not say. */
export function readRetries(sheet: Sheet): Retries | null {
  const node = sheet.fields.node('retries');
  if (node === null) return null;
  if (node.kind === 'map') return readMap(node, sheet);
  return { count: sheet.count('retries', { from: 0, to: WORKFLOW_LIMITS.retries }) ?? 0, ...WITHOUT_COUNT };
}

const WITHOUT_COUNT = { backoff: DEFAULT_BACKOFF, retry_on: null } as const;

function readMap(node: MapNode, outer: Sheet): Retries {
  const sheet = new Sheet(node, `the retries of ${outer.owner}`, outer.problems);
  sheet.fields.only(MAP_KEYS);
  const retries = {
    count: readCount(sheet),
    backoff: readBackoff(sheet),
    retry_on: readClasses(sheet),
  };
  outer.uses.push(...sheet.uses.map((use) => ({ ...use, field: 'retries' })));
  return retries;
}

function readCount(sheet: Sheet): number | string {
  const { fields, problems } = sheet;
  const attempts = fields.node('max_attempts');
  if (attempts === null) return sheet.count('count', { from: 0, to: WORKFLOW_LIMITS.retries }) ?? 0;
  if (fields.has('count')) {
    const message = `${sheet.owner} have both "count" and "max_attempts"`;
    problems.add('wrong-type', attempts, message, 'Keep one of them: max_attempts counts the first attempt too.');
    return 0;
  }
  if (isText(attempts) && hasHoles(attempts.value)) {
    const message = `"max_attempts" of ${sheet.owner} cannot be a template`;
    problems.add('wrong-type', attempts, message, 'Write "count", the number of further attempts.');
    return 0;
  }
  return (sheet.number('max_attempts', { from: 1, to: WORKFLOW_LIMITS.retries + 1 }) ?? 1) - 1;
}

function readBackoff(sheet: Sheet): BackoffList | BackoffCurve {
  const node = sheet.fields.node('backoff');
  if (node === null) return DEFAULT_BACKOFF;
  if (node.kind === 'map') return readCurve(node, sheet);
  const wanted = 'a list of pauses such as [1s, 5s, 30s], or a map with initial, factor, max and jitter';
  if (node.kind !== 'list' || node.items.length === 0 || node.items.length > WORKFLOW_LIMITS.pauses) {
    sheet.fields.refuse('backoff', wanted);
    return DEFAULT_BACKOFF;
  }
  return node.items.map((item) => pauseOf(item, sheet) ?? 0);
}

/** Seconds, from 0 to 365 days. */
function pauseOf(node: TreeNode, sheet: Sheet): number | null {
  const ms = node.kind === 'scalar' ? millisecondsOf(node.value) : null;
  if (ms !== null && ms >= 0 && ms <= WORKFLOW_LIMITS.timeoutMs) return Math.round(ms) / 1_000;
  const message = `a pause of ${sheet.owner} must be seconds, or a duration such as "500ms" or "1m", not ${describe(node)}`;
  sheet.problems.add('wrong-type', node, message);
  return null;
}

function readCurve(node: MapNode, outer: Sheet): BackoffCurve {
  const sheet = new Sheet(node, `the backoff of ${outer.owner}`, outer.problems);
  sheet.fields.only(CURVE_KEYS);
  const pause = (key: string): number | null => {
    const value = sheet.fields.node(key);
    return value === null ? null : pauseOf(value, outer);
  };
  const initial = pause('initial') ?? DEFAULT_BACKOFF.initial;
  return {
    initial,
    factor: between(sheet, 'factor', { from: 1, to: WORKFLOW_LIMITS.factor }) ?? DEFAULT_BACKOFF.factor,
    max: pause('max') ?? Math.max(DEFAULT_BACKOFF.max, initial),
    jitter: between(sheet, 'jitter', { from: 0, to: 1 }) ?? DEFAULT_BACKOFF.jitter,
  };
}

function between(sheet: Sheet, key: string, { from, to }: { from: number; to: number }): number | null {
  const wanted = `a number from ${String(from)} to ${String(to)}`;
  const value: ScalarNode['value'] = sheet.fields.scalar(key, wanted)?.value ?? null;
  if (value === null) return null;
  if (typeof value === 'number' && value >= from && value <= to) return value;
  sheet.fields.refuse(key, wanted);
  return null;
}

/** Why a class that exists cannot be tried again. */
function whyNot(word: ErrorClass): string {
  if (word === 'REJECTED') return 'it is a verdict about the work, and asking again would only ask for another answer';
  if (word === 'CANCELED') return 'somebody wanted the work to end';
  return 'another attempt would end the same way';
}

function readClasses(sheet: Sheet): readonly ErrorClass[] | null {
  if (!sheet.fields.has('retry_on')) return null;
  const classes: ErrorClass[] = [];
  for (const word of sheet.texts('retry_on', 'error classes')) {
    const known = ERROR_CLASSES.find((name) => name === word.value);
    if (known === undefined) {
      const listed = `Classes that can be tried again are ${RETRYABLE_CLASSES.join(', ')}.`;
      const guess = sheet.problems.suggest(word.value, ERROR_CLASSES);
      const hint = guess === '' ? listed : `${guess} ${listed}`;
      sheet.problems.add('wrong-type', word, `unknown error class ${quoted(word.value)}`, hint);
    } else if (RETRYABLE_CLASSES.includes(known)) {
      if (!classes.includes(known)) classes.push(known);
    } else {
      const message = `${known} is never tried again: ${whyNot(known)}`;
      sheet.problems.add(
        'wrong-type',
        word,
        message,
        `Classes that can be tried again are ${RETRYABLE_CLASSES.join(', ')}.`,
      );
    }
  }
  return classes;
}
