/** What daemons and workers say of themselves, one line per event: pino's JSON for collectors, plain lines for people. */
import { pino } from 'pino';
import type { CoordinatorEvent } from '../coordinator/events.js';
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import type { WorkerEvent } from '../personas/worker-events.js';

export interface Log {
  readonly coordinator: (event: CoordinatorEvent) => void;
  readonly worker: (event: WorkerEvent) => void;
  readonly note: (message: string) => void;
}

type Level = 'debug' | 'info' | 'warn';
type Write = (level: Level, message: string, fields: object) => void;

export function createLog(
  form: 'pretty' | 'json',
  { clock, write }: { clock: Clock; write: (line: string) => void },
): Log {
  const emit: Write = form === 'json' ? jsonWriter(write) : prettyWriter(clock, write);
  return {
    coordinator: (event) => {
      const [level, message] = describeCoordinator(event);
      emit(level, message, 'error' in event ? { ...event, error: messageOf(event.error) } : event);
    },
    worker: (event) => {
      const [level, message] = describeWorker(event);
      emit(level, message, event);
    },
    note: (message) => emit('info', message, {}),
  };
}

function jsonWriter(write: (line: string) => void): Write {
  const logger = pino({ base: { pid: process.pid } }, { write });
  return (level, message, fields) => logger[level](fields, message);
}

/** Debug events are for collectors only: there is one of them per turn. */
function prettyWriter(clock: Clock, write: (line: string) => void): Write {
  return (level, message) => {
    if (level === 'debug') return;
    const time = new Date(clock.now()).toISOString().slice(11, 19);
    write(`${time} ${level === 'warn' ? 'WARN ' : ''}${message}\n`);
  };
}

function describeCoordinator(event: CoordinatorEvent): [Level, string] {
  switch (event.type) {
    case 'partition.acquired':
      return ['info', `partition ${String(event.partition)} is ours, epoch ${String(event.epoch)}`];
    case 'partition.held':
      return [
        'debug',
        `partition ${String(event.partition)} is held by ${event.owner} for ${String(event.remainingMs)} ms more`,
      ];
    case 'partition.on-hold':
      return ['warn', `partition ${String(event.partition)} is on hold: ${event.reason}`];
    case 'partition.rolled-back':
      return [
        'warn',
        `partition ${String(event.partition)}: the store has lost ${String(event.to - event.from + 1)} confirmed changes (positions ${String(event.from)} to ${String(event.to)}); see \`coord incidents\``,
      ];
    case 'roll.changed':
      return [
        'info',
        `${String(event.coordinators)} coordinator${event.coordinators === 1 ? '' : 's'}; ${String(event.quota)} partition${event.quota === 1 ? '' : 's'} for this one`,
      ];
    case 'roll.interrupted':
      return ['debug', `the other coordinators were not heard of: ${messageOf(event.error)}`];
    case 'namespace.gone':
      return ['warn', 'the namespace that this coordinator opened is gone from the store; it stops'];
    case 'schedule.started':
      return ['info', `schedule ${event.schedule}: run ${event.run} for ${timeOf(event.at)}`];
    case 'schedule.failed':
      return ['warn', `schedule ${event.schedule}: no run for ${timeOf(event.at)}: ${event.error}`];
    case 'schedule.left-out':
      return [
        event.outcome === 'missed' ? 'warn' : 'info',
        `schedule ${event.schedule}: ${event.count === 1 ? '' : `${String(event.count)} starts `}${event.outcome}, the last of ${timeOf(event.at)}`,
      ];
    case 'schedule.interrupted':
      return [
        'warn',
        `${event.schedule === null ? 'schedules' : `schedule ${event.schedule}`}: ${messageOf(event.error)}`,
      ];
    case 'worker.buried':
      return [
        'warn',
        `worker ${event.worker} is dead: ${event.why}; it held ${String(event.attempts)} attempt${event.attempts === 1 ? '' : 's'}`,
      ];
    case 'run.newer':
      return ['warn', `run ${event.run} has ${event.what}, which a newer coord has written; it is left alone`];
    case 'partition.fenced':
      return ['warn', `partition ${String(event.partition)} was taken over; epoch ${String(event.epoch)} is over`];
    case 'partition.released':
      return ['info', `partition ${String(event.partition)} released`];
    case 'partition.interrupted':
      return ['warn', `partition ${String(event.partition)}: ${messageOf(event.error)}; reading again`];
    case 'turn':
      return ['debug', `${String(event.messages)} messages for ${String(event.runs)} runs`];
    case 'commit.stale':
      return ['warn', `run ${event.run} had moved on; reading it again`];
    case 'run.ended':
      return ['info', `run ${event.run} ${event.status}`];
    case 'message.discarded':
      return [
        'warn',
        `message ${event.entry} to ${event.run} set aside: ${event.reason}${event.quarantined ? '; the run is set aside too' : ''}`,
      ];
  }
}

function describeWorker(event: WorkerEvent): [Level, string] {
  switch (event.type) {
    case 'joined':
      return ['info', `serving partition ${String(event.partition)}`];
    case 'waiting':
    case 'taken':
    case 'ended':
      return ['debug', event.type];
    case 'refused':
      return ['warn', `a request for ${event.persona} was refused: ${event.reason}`];
    case 'newer':
      return [
        'warn',
        `a request for ${event.persona} follows version ${String(event.protocol)} of the protocol; it is left to newer workers`,
      ];
    case 'dropped':
      return ['info', `${attemptName(event.key)} not begun: ${event.reason}`];
    case 'begun':
      return ['info', `${attemptName(event.key)} begun`];
    case 'replied':
      return [
        'info',
        `${attemptName(event.key)} replied ${event.status}${event.outcome === 'repeated' ? ' (had been stored already)' : ''}`,
      ];
    case 'stale':
      return ['warn', `${attemptName(event.key)} replied ${event.status} too late: another attempt has taken over`];
    case 'stopped':
      return ['warn', `${attemptName(event.key)} stopped: ${event.reason}`];
    case 'breaker':
      return [event.state === 'open' ? 'warn' : 'info', BREAKER_WORDS[event.state](event.persona)];
    case 'reaped':
      return [
        'warn',
        `${event.run} ${event.step} attempt ${String(event.attempt)}: its worker had died; its processes are ended`,
      ];
    case 'rolled-back':
      return [
        'warn',
        `partition ${String(event.partition)}: the store has lost positions ${String(event.from)} to ${String(event.to)}; see \`coord incidents\``,
      ];
    case 'trouble':
      return ['warn', `${event.doing}: ${event.message}`];
  }
}

const BREAKER_WORDS = {
  open: (persona) => `the endpoint of ${persona} is in trouble: nothing is taken for it; see \`coord doctor\``,
  'half-open': (persona) => `the endpoint of ${persona} is tried again`,
  closed: (persona) => `the endpoint of ${persona} answers again`,
} as const satisfies Record<string, (persona: string) => string>;

function attemptName({ run, step, attempt }: { run: string; step: string; attempt: number }): string {
  return `${run} ${step} attempt ${String(attempt)}`;
}

function timeOf(at: number): string {
  return new Date(at).toISOString();
}
