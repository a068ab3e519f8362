/** Causes of waiting as sentences, each with what can be done about it. */
import type { Cause, InHand } from '../../core/causes.js';
import { ago, dateAndTime, duration } from './duration.js';
import { failure } from './fact-line.js';
import { partyWords } from './lock-words.js';
import { oneLine } from './printable.js';
import { shellWord } from './shell-word.js';
import { answersTo, waitWords } from './waiting.js';
import { workerName } from './worker-name.js';

export interface Told {
  /** Who waits, and for what: one line. */
  readonly text: string;
  /** Commands, and where none helps a sentence; empty: it goes on by itself. */
  readonly next: readonly string[];
}

const NAMED = 5;

/** `now`: the store's clock, ms. */
export function tellCause(cause: Cause, now: number): Told {
  const { text, next } = told(cause, now);
  return { text: oneLine(`${whoOf(cause)} ${text}`), next: next.map((line) => oneLine(line)) };
}

function whoOf({ run, step }: Cause): string {
  return step === null ? `run ${run}` : `step ${step}`;
}

function told(cause: Cause, now: number): Told {
  const run = shellWord(cause.run);
  const since = cause.since === null ? '' : ` for ${duration(now - cause.since)}`;
  switch (cause.code) {
    case 'no-coordinator':
      return say(`stands still: no coordinator owns partition ${String(cause.partition)}`, 'coord daemon');
    case 'partition-on-hold':
      return say(
        `stands still: partition ${String(cause.partition)} is on hold (${cause.hold})`,
        'coord restore --release',
      );
    case 'start-not-applied':
      return say(`has waited${since} for its start message to be applied`);
    case 'message-not-applied':
      return say(`waits for ${count(cause.messages, 'message')} in the inbox to be applied`);
    case 'slot':
      return say(slotText(cause, since), ...cause.holders.slice(0, NAMED).map((one) => `coord why ${shellWord(one)}`));
    case 'slot-leaked':
      return say(
        `holds the slot ${JSON.stringify(cause.key)} although it has ended or is gone: a defect`,
        `coord verify ${shellWord(cause.holder)}`,
      );
    case 'dependencies':
      return say(`waits for ${listed(cause.open.map((id) => `step ${id}`))}`);
    case 'step-limit':
      return say(
        `waits for a free place: ${String(cause.active)} of ${cause.limit === null ? 'as many steps as fit' : `at most ${count(cause.limit, 'step')}`} are under way (max_concurrent_steps)`,
      );
    case 'no-worker': {
      const { lastSeen, persona } = cause;
      const last = lastSeen === null ? '' : `; last seen ${lastSeen.worker}, ${ago(lastSeen.at, now)}`;
      return say(
        `waits for persona ${persona}: no worker has served it${since}${last}`,
        `coord worker --only ${shellWord(persona)}`,
      );
    }
    case 'workers-busy':
      return say(busyText(cause, { since, now }), 'coord worker', ...cause.doing.slice(0, NAMED).map(whereOf));
    case 'breaker':
      return say(breakerText(cause, now), 'coord doctor');
    case 'queued':
      return say(
        `waits for persona ${cause.persona}: asked${since}, and ${workersOf(cause.workers)} can take it at once`,
      );
    case 'request-missing':
      return say(
        `waits for persona ${cause.persona}, but its request lies nowhere any more: somebody has deleted it`,
        `coord cancel ${run}`,
        'it is asked again when its queue_timeout is over, if it has one',
      );
    case 'working': {
      const said = cause.progress === '' ? '' : `: ${cause.progress}`;
      return say(
        `is worked on by ${workerName(cause.worker)}${since}, attempt ${String(cause.attempt)}, last beat ${ago(cause.beatAt, now)}${said}`,
        `coord logs ${run} -f`,
      );
    }
    case 'worker-silent':
      return say(silentText(cause, now), 'coord worker');
    case 'retrying':
      return say(
        `is tried again ${dueWords(cause.until, now)}: attempt ${String(cause.attempt)} ended with ${failure(cause.error)}`,
      );
    case 'parked': {
      const what = cause.error.class === 'QUOTA' ? 'has used up its quota' : 'is asked too often';
      return say(`persona ${cause.persona} ${what}; goes on at ${dateAndTime(cause.until)}, ${left(cause.until, now)}`);
    }
    case 'budget':
      return say(
        "waits until something of the run's budget is free: the rest is set aside for others, or people are asked",
      );
    case 'time':
      return say(`waits until ${dateAndTime(cause.until)}, ${left(cause.until, now)}`);
    case 'signal': {
      const waitsFor = { kind: 'signal', name: cause.name } as const;
      return say(`waits${since} for signal ${JSON.stringify(cause.name)}`, ...commandsFor(cause, waitsFor));
    }
    case 'decision': {
      const waitsFor = { kind: 'decision', question: cause.question } as const;
      return say(`${waitWords(waitsFor)} (asked${since})`, ...commandsFor(cause, waitsFor));
    }
    case 'lock':
      return say(lockText(cause, { since, now }), ...lockNext(cause));
    case 'inner-run':
      return say(`waits for run ${cause.inner} inside it`, `coord why ${shellWord(cause.inner)}`);
    case 'block':
      return say(`(${blockWords(cause)}) waits for ${listed(cause.open.map((id) => `step ${id}`))}`);
    case 'compensating':
      return say(`is being undone: ${listed(cause.open.map((id) => `step ${id}`))}`);
    case 'paused':
      return say(`is paused${pauseWords(cause.paused, now)}`, `coord resume ${run}`);
    case 'quarantined':
      return say(`is set aside and stands still: ${cause.why}`, `coord repair ${run}`);
    case 'definition-missing':
    case 'unreadable':
      return say(`cannot be read: ${cause.why}`, `coord repair ${run}`);
    case 'newer-format':
      return say(`was written by a newer coord: ${cause.why}`, 'upgrade coord');
    case 'ended':
      return say(endText(cause));
    case 'stuck':
      return say(
        'waits for nothing, so nothing will move it: a defect of coord, or of what is stored',
        `coord verify ${run}`,
        `coord repair ${run}`,
      );
    case 'deadlock':
      return say(
        `waits for itself: ${[...cause.cycle, cause.cycle[0] ?? ''].join(' waits for ')}`,
        `coord cancel ${shellWord(cause.cycle.at(-1) ?? cause.run)}`,
      );
  }
}

type Of<Code extends Cause['code']> = Extract<Cause, { readonly code: Code }>;

function say(text: string, ...commands: readonly string[]): Told {
  return { text, next: commands };
}

function commandsFor(
  { run, step, ...cause }: Of<'signal' | 'decision'>,
  waitsFor: Parameters<typeof answersTo>[0],
): readonly string[] {
  const form = cause.code === 'decision' ? cause.form : null;
  return answersTo(waitsFor, { run, step: step ?? '', form }).map(({ command }) => command);
}

function slotText({ key, limit, holders, ahead }: Of<'slot'>, since: string): string {
  const place = ahead === null || ahead === 0 ? '' : `, ${count(ahead, 'run')} before it`;
  const who = holders.length === 0 ? 'nobody holds it' : `held by ${listed(holders)}`;
  return `waits${since} for its turn: at most ${count(limit, 'run')} with key ${JSON.stringify(key)}, ${who}${place}`;
}

function lockText(
  { name, holder, heldSince, ahead }: Of<'lock'>,
  { since, now }: { since: string; now: number },
): string {
  const held = heldSince === null ? '' : ` for ${duration(now - heldSince)}`;
  const who = holder === null ? 'which nobody holds just now' : `held by ${partyWords(holder)}${held}`;
  const place = ahead === null || ahead === 0 ? '' : `; ${String(ahead)} before it in the line`;
  return `waits${since} for lock ${JSON.stringify(name)}, ${who}${place}`;
}

function lockNext({ holder }: Of<'lock'>): readonly string[] {
  return holder?.kind === 'run' ? [`coord why ${shellWord(holder.id)}`] : ['coord locks'];
}

function breakerText(
  { persona, endpoint, failures, failingSince, message, retryAt, probe }: Of<'breaker'>,
  now: number,
): string {
  const again =
    retryAt === null
      ? `tried again now${probe === null ? '' : ` by ${probe}`}`
      : retryAt > now
        ? `tried again in ${duration(retryAt - now)}`
        : 'to be tried again now';
  const failed = `its endpoint ${endpoint} has failed ${count(failures, 'time')} in a row, first ${ago(failingSince, now)} (${message})`;
  return `waits for persona ${persona}: ${failed}; ${again}`;
}

function busyText(
  { persona, workers, doing, requests }: Of<'workers-busy'>,
  { since, now }: { since: string; now: number },
): string {
  const each = doing.slice(0, NAMED).map((one) => `${one.run} ${one.step} for ${duration(now - one.begunAt)}`);
  const what = each.length === 0 ? '' : ` with ${each.join(', ')}${doing.length > NAMED ? ', …' : ''}`;
  const line = requests > 1 ? `; ${String(requests)} requests wait` : '';
  return `waits${since} for persona ${persona}: ${workersOf(workers)} ${workers.length === 1 ? 'is' : 'are'} busy${what}${line}`;
}

function whereOf({ run }: InHand): string {
  return `coord why ${shellWord(run)}`;
}

function silentText({ worker, attempt, beatAt, gone }: Of<'worker-silent'>, now: number): string {
  const who = gone ? `its worker ${worker} is gone` : `its worker ${worker} has stopped beating`;
  return `waits for attempt ${String(attempt)}, but ${who}: last beat ${ago(beatAt, now)}; the attempt is tried again when its heartbeat is overdue`;
}

function pauseWords(paused: Extract<Cause, { readonly code: 'paused' }>['paused'], now: number): string {
  return paused === null ? '' : ` by ${paused.by} for ${duration(now - paused.at)}: ${paused.reason}`;
}

function blockWords({ type, round, items }: Of<'block'>): string {
  if (round !== null) return `${type}, round ${String(round)}`;
  return items === null ? type : `${type}, ${count(items, 'item')}`;
}

function endText({ status, failure: why, canceled, since }: Of<'ended'>): string {
  const when = since === null ? '' : ` at ${dateAndTime(since)}`;
  if (canceled !== null) return `waits for nothing: it was canceled${when} by ${canceled.by}: ${canceled.reason}`;
  if (why === null) return `waits for nothing: it has ${status}${when}`;
  const where = why.step === null ? '' : `step ${why.step}: `;
  return `waits for nothing: it has ${status}${when}; ${where}${failure(why)}`;
}

function dueWords(until: number | null, now: number): string {
  if (until === null) return 'soon';
  return until <= now ? 'now' : `in ${duration(until - now)}, at ${dateAndTime(until)}`;
}

function left(until: number, now: number): string {
  return until <= now ? `which was ${ago(until, now)}` : `${duration(until - now)} more`;
}

function workersOf(workers: readonly string[]): string {
  return workers.length === 1 ? `worker ${workerName(workers[0] ?? '')}` : `${String(workers.length)} workers`;
}

function listed(names: readonly string[]): string {
  const more = names.length - NAMED;
  return more > 0 ? `${names.slice(0, NAMED).join(', ')} and ${String(more)} more` : names.join(', ');
}

function count(number: number, word: string): string {
  return `${String(number)} ${word}${number === 1 ? '' : 's'}`;
}
