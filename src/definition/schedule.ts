/** Schedule files: YAML text to what a schedule asks for. Every problem of a file is told at once, each at its place. */
import { parseCron } from '../core/cron.js';
import { globProblem } from '../core/glob.js';
import type { JsonObject } from '../core/json.js';
import { zoneProblem } from '../core/zone.js';
import { describe, type Keys } from './fields.js';
import { STEP_ID, WORKFLOW_LIMITS } from './limits.js';
import { type Problem, Problems } from './problem.js';
import { Sheet } from './readers/sheet.js';
import { readTree, toJsonObject } from './tree.js';
import { millisecondsOf, parseTime } from './workflow.js';

/** What happens when the run before has not ended. */
export const OVERLAPS = ['skip', 'queue', 'allow', 'cancel-previous'] as const;
export type Overlap = (typeof OVERLAPS)[number];
/** What becomes of instants that passed while nobody looked. */
export const CATCH_UPS = ['none', 'last', 'all'] as const;
export type CatchUp = (typeof CATCH_UPS)[number];

export type Trigger =
  | { readonly kind: 'cron'; readonly cron: string; readonly zone: string }
  | { readonly kind: 'every'; readonly everyMs: number }
  | { readonly kind: 'event'; readonly event: string }
  | { readonly kind: 'branch'; readonly branch: string }
  | { readonly kind: 'files'; readonly files: string };

/** A schedule as it is written; its workflow is not loaded yet. */
export interface ScheduleDraft {
  readonly name: string;
  /** Name of a workflow or path of its file, as it stands there. */
  readonly workflow: string;
  readonly environment: string | null;
  readonly task: JsonObject;
  /** A folder; null: the project, when it is a repository; false: none. */
  readonly repo: string | false | null;
  readonly trigger: Trigger;
  readonly overlap: Overlap;
  readonly catchUp: CatchUp;
  readonly catchUpLimit: number;
  readonly jitterMs: number;
  /** Ms since the epoch. */
  readonly startsAt: number | null;
  readonly endsAt: number | null;
  readonly paused: boolean;
}

const SCHEDULE_LIMITS = {
  everyMs: { from: 1_000, to: WORKFLOW_LIMITS.timeoutMs },
  catchUp: { from: 1, to: 1_000, usual: 10 },
  /** A day. */
  jitterMs: 86_400_000,
  name: 64,
} as const;

const SCHEDULE_KEYS: Keys = {
  known: [
    'name',
    'workflow',
    'env',
    'task',
    'repo',
    'cron',
    'zone',
    'every',
    'event',
    'branch',
    'files',
    'overlap',
    'catch_up',
    'catch_up_limit',
    'jitter',
    'starts',
    'ends',
    'paused',
  ],
  meant: {
    backfill: 'catch_up',
    concurrency: 'overlap',
    concurrencyPolicy: 'overlap',
    disabled: 'paused',
    end: 'ends',
    environment: 'env',
    input: 'task',
    interval: 'every',
    on: 'event',
    repository: 'repo',
    schedule: 'cron',
    start: 'starts',
    suspend: 'paused',
    timeZone: 'zone',
    timezone: 'zone',
    tz: 'zone',
  },
};

const TRIGGERS = ['cron', 'every', 'event', 'branch', 'files'] as const;
const EVERY = 'a duration from 1s to 365d, such as "15m" or "1.5h"';
/** What git takes, about: it says the rest itself when it is asked. */
const BRANCH = /^(?!-)(?!refs\/)[^\s~^:?*[\\]{1,200}$/;
const TIME = 'a time such as "2026-01-31T09:00:00Z"';

export interface ReadSchedule {
  /** Null when the file has problems. */
  readonly draft: ScheduleDraft | null;
  readonly problems: readonly Problem[];
}

/** `fallbackName` is the name of a schedule whose file does not say one: that of the file. */
export function readSchedule(
  text: string,
  { file, fallbackName }: { file: string; fallbackName: string },
): ReadSchedule {
  const problems = new Problems(text, file);
  const tree = readTree(text, problems);
  if (tree === null || tree.kind !== 'map') {
    if (problems.count === 0) {
      const what = tree === null ? 'the file is empty' : `a schedule must be a map, not ${describe(tree)}`;
      const hint = 'It has "workflow:", and says when: "cron:", "every:", "event:", "branch:" or "files:".';
      problems.add('wrong-type', tree ?? { start: 0, end: 1 }, what, hint);
    }
    return { draft: null, problems: problems.list() };
  }
  const sheet = new Sheet(tree, 'the schedule', problems);
  const { fields } = sheet;
  fields.only(SCHEDULE_KEYS);
  sheet.need('workflow', 'Name what is started, for example "workflow: project-loop".');
  const task = fields.map('task', 'a map');
  const trigger = readTrigger(sheet);
  const draft: ScheduleDraft = {
    name: readName(sheet, fallbackName),
    workflow: sheet.text('workflow') ?? '',
    environment: sheet.text('env'),
    task: task === null ? {} : toJsonObject(task),
    repo: readRepo(sheet, trigger),
    trigger: trigger ?? { kind: 'event', event: '' },
    overlap: sheet.word('overlap', OVERLAPS) ?? 'skip',
    // An event is not made up for by the next one.
    catchUp: sheet.word('catch_up', CATCH_UPS) ?? (trigger?.kind === 'event' ? 'all' : 'last'),
    catchUpLimit: sheet.number('catch_up_limit', SCHEDULE_LIMITS.catchUp) ?? SCHEDULE_LIMITS.catchUp.usual,
    jitterMs: readJitter(sheet),
    startsAt: readTime(sheet, 'starts'),
    endsAt: readTime(sheet, 'ends'),
    paused: readPaused(sheet),
  };
  if (draft.startsAt !== null && draft.endsAt !== null && draft.endsAt < draft.startsAt)
    fields.refuse('ends', 'later than "starts"');
  return { draft: problems.count === 0 ? draft : null, problems: problems.list() };
}

function readName({ fields }: Sheet, fallback: string): string {
  const name = fields.has('name') ? (fields.text('name')?.value ?? '') : fallback;
  if (STEP_ID.test(name)) return name;
  const wanted = 'a name that starts with a letter and has up to 64 letters, digits, "-" and "_"';
  if (fields.has('name')) fields.refuse('name', wanted);
  else fields.missing('name', `The name of the file can be none; say ${wanted}.`);
  return name;
}

function readTrigger(sheet: Sheet): Trigger | null {
  const { fields, problems } = sheet;
  const given = TRIGGERS.filter((key) => fields.has(key));
  const [kind, second] = given;
  if (kind === undefined && !TRIGGERS.some((key) => fields.isMeant(key)))
    fields.missing('cron', 'Say when it starts: "cron", "every", "event", "branch" or "files".');
  if (second !== undefined) {
    const at = fields.places.get(second) ?? fields.range;
    const words = given.map((key) => `"${key}"`).join(' and ');
    problems.add(
      'wrong-type',
      at,
      `the schedule has ${words}`,
      'Keep one of them; two schedules can start one workflow.',
    );
  }
  const zone = readZone(sheet);
  if (zone !== null && kind !== undefined && kind !== 'cron')
    fields.refuse('zone', `left out: "${kind}" looks at no clock on the wall`);
  if (kind === 'every') return readEvery(sheet);
  if (kind === 'event') {
    const event = sheet.text('event') ?? '';
    if (event.trim() === '') fields.refuse('event', 'the name of an event');
    return { kind, event };
  }
  if (kind === 'branch') {
    const branch = sheet.text('branch') ?? '';
    if (!BRANCH.test(branch)) fields.refuse('branch', 'the name of a branch');
    return { kind, branch };
  }
  if (kind === 'files') {
    const node = fields.text('files');
    const wrong = node === null ? null : globProblem(node.value);
    if (node !== null && wrong !== null)
      problems.add('wrong-type', node, `"files" cannot be a pattern: ${wrong}`, 'For example "docs/**/*.md".');
    return { kind, files: node?.value ?? '' };
  }
  const node = fields.text('cron', 'A cron text stands in quotes: cron: "30 8 * * mon-fri".');
  if (node === null) return null;
  const read = parseCron(node.value);
  if ('problem' in read) {
    const { offset, length, message, hint } = read.problem;
    problems.add('wrong-type', node.part(offset, length), message, hint);
  }
  return { kind: 'cron', cron: node.value.trim(), zone: zone ?? 'UTC' };
}

function readEvery({ fields }: Sheet): Trigger | null {
  const node = fields.scalar('every', EVERY);
  if (node === null) return null;
  const ms = millisecondsOf(node.value);
  const { from, to } = SCHEDULE_LIMITS.everyMs;
  if (ms !== null && ms >= from && ms <= to) return { kind: 'every', everyMs: Math.round(ms) };
  fields.refuse('every', EVERY);
  return null;
}

function readZone({ fields, problems }: Sheet): string | null {
  const node = fields.text('zone');
  const wrong = node === null ? null : zoneProblem(node.value);
  if (node !== null && wrong !== null) problems.add('wrong-type', node, wrong);
  return node?.value ?? null;
}

function readRepo({ fields }: Sheet, trigger: Trigger | null): ScheduleDraft['repo'] {
  const node = fields.scalar('repo', 'a folder, or false for none');
  if (node === null) return null;
  if (node.value === false && trigger?.kind === 'branch') return fields.refuse('repo', 'the repository of the branch');
  if (node.value === false) return false;
  if (typeof node.value === 'string' && node.value !== '') return node.value;
  return fields.refuse('repo', 'a folder, or false for none');
}

function readJitter({ fields }: Sheet): number {
  const wanted = 'a duration up to 1d, such as "30s"';
  const node = fields.scalar('jitter', wanted);
  if (node === null) return 0;
  const ms = millisecondsOf(node.value);
  if (ms !== null && ms <= SCHEDULE_LIMITS.jitterMs) return Math.round(ms);
  fields.refuse('jitter', wanted);
  return 0;
}

function readTime({ fields }: Sheet, key: 'starts' | 'ends'): number | null {
  const node = fields.scalar(key, TIME);
  if (node === null) return null;
  const time = parseTime(node.value);
  if (time === null) fields.refuse(key, TIME);
  return time;
}

function readPaused({ fields }: Sheet): boolean {
  const node = fields.scalar('paused', 'true or false');
  if (node === null || typeof node.value === 'boolean') return node?.value === true;
  fields.refuse('paused', 'true or false');
  return false;
}
