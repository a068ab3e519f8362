/** Steps that no persona does: `wait`, `emit`, `end`, and `workflow`, a run inside the run. */
import { hasHoles } from '../../expression/template.js';
import { END_STATUSES, NO_RETRIES, type StepBase } from '../steps.js';
import { parseTime } from '../workflow.js';
import type { StepBody } from './draft.js';
import { readRetries } from './retries.js';
import type { Sheet } from './sheet.js';

const MOMENTS = ['duration', 'until', 'signal'] as const;

export function readWait(sheet: Sheet, base: StepBase): StepBody {
  const { fields, problems, owner } = sheet;
  const given = MOMENTS.filter((key) => fields.has(key));
  const [, second] = given;
  if (given.length === 0) fields.missing('duration', 'Say what is waited for: "duration", "until" or "signal".');
  if (second !== undefined) {
    const at = fields.places.get(second) ?? fields.range;
    const words = given.map((key) => `"${key}"`).join(' and ');
    problems.add('wrong-type', at, `${owner} waits for ${words}`, 'Keep one of them.');
  }
  const until = sheet.template('until');
  if (until !== null && !hasHoles(until) && parseTime(until) === null)
    fields.refuse('until', 'a time such as "2026-01-31T09:00:00Z", or a template that gives one');
  const signal = sheet.template('signal');
  if (signal?.trim() === '') fields.refuse('signal', 'the name of a signal');
  return { definition: { ...base, type: 'wait', duration: sheet.duration('duration'), until, signal } };
}

export function readEmit(sheet: Sheet, base: StepBase): StepBody {
  const event = sheet.needed('event', 'Name the event, for example "event: phase.completed".');
  return { definition: { ...base, type: 'emit', event, data: sheet.values('data') ?? {} } };
}

export function readEnd(sheet: Sheet, base: StepBase): StepBody {
  sheet.need('status', `Say how the run ends: ${END_STATUSES.join(', ')}.`);
  const status = sheet.word('status', END_STATUSES) ?? 'failed';
  return { definition: { ...base, type: 'end', status, reason: sheet.template('reason') } };
}

export function readInner(sheet: Sheet, base: StepBase): StepBody {
  sheet.need('workflow', 'Say which workflow is run, by its name or the path of its file.');
  const workflow = sheet.text('workflow') ?? '';
  if (hasHoles(workflow))
    sheet.fields.refuse('workflow', 'the name of a workflow', 'It must be known when the file is loaded.');
  const retries = readRetries(sheet) ?? NO_RETRIES;
  return { definition: { ...base, type: 'workflow', workflow, definition: null, task: sheet.values('task'), retries } };
}
