/**
 * What every sweep must have seen at least once: each answer of the protocol that says no, and each thing that the engine
 * does about what went wrong. A sweep in which one of them never came up has tested less than it says, and fails.
 */
import type { World } from './world.js';

/** Answers of the store. */
const OF_CALLS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'partitions.acquire': { held: 'acquire HELD' },
  'partitions.renew': { fenced: 'renew FENCED' },
  'partitions.commit': { fenced: 'commit FENCED', stale: 'commit STALE' },
  'partitions.fire': { fenced: 'fire FENCED' },
  'partitions.release': { fenced: 'release FENCED' },
  'locks.acquire': { refused: 'lock REFUSED' },
  'requests.begin': {
    held: 'begin HELD',
    superseded: 'begin SUPERSEDED',
    done: 'begin DONE',
    canceled: 'begin CANCELED',
  },
  'requests.beat': { stop: 'beat STOP' },
  'requests.reply': { repeated: 'reply REPEATED', stale: 'reply STALE' },
  'admission.admit': { repeated: 'admit REPEATED', ended: 'admit ENDED' },
};

/** Answers, and what was seen in histories and reports. */
export const ANSWERS: readonly string[] = [
  ...Object.values(OF_CALLS).flatMap((outcomes) => Object.values(outcomes)),
  'recovered delivery',
  'claimed delivery',
  'message ignored',
  'dead letter',
  'poison set aside',
  'quarantine',
  'worker lost',
  'take-over',
  'paused',
  'resumed',
  'retried',
  'restarted',
  'step skipped',
  'steering refused',
  'start refused',
  'roll-back detected',
  'roll-back recorded',
];

export function noteAnswer(
  world: Pick<World, 'answered'>,
  { name, args }: { readonly name: string; readonly args: readonly unknown[] },
  value: unknown,
): void {
  const said = typeof value === 'string' ? value : outcomeIn(value);
  const answer = said === null ? undefined : OF_CALLS[name]?.[said];
  if (answer !== undefined) world.answered(answer);
  if (!Array.isArray(value) || value.length === 0) return;
  const [want] = args;
  const recovers = typeof want === 'object' && want !== null && Reflect.get(want, 'recover') === true;
  if (name === 'requests.claimAbandoned') world.answered('claimed delivery');
  if (name === 'requests.take' && recovers) world.answered('recovered delivery');
}

function outcomeIn(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const said: unknown = Reflect.get(value, 'outcome');
  return typeof said === 'string' ? said : null;
}
