/** Puts a run's outcome to all checks, and counts what it had. */
import { partitionOf } from '../../src/core/ids.js';
import {
  type Attack,
  doubledWork,
  type Effect,
  oneResultPerAttempt,
  onlyCurrentRepliesCount,
} from './check/attempts.js';
import { callsHaveEnded, confirmedIsThere, lossesAreNoticed, lostOperations } from './check/clients.js';
import { everythingHasEnded, nothingIsLeft, nothingVanishes } from './check/ends.js';
import { epochsGoForward, messagesAreTakenOnce, runsOf, versionsAreComplete } from './check/journals.js';
import { secretIsNowhere } from './check/leaks.js';
import { historiesGiveTheRuns } from './check/refold.js';
import { timersFireOnce } from './check/timers.js';
import { vacuities } from './check/vacuity.js';
import { Found, type Violation } from './check/violation.js';
import { type Figures, percentiles } from './figures.js';
import type { Options } from './options.js';
import { jsonLines } from './lines.js';
import { type Outcome, PARTITIONS, type Progress } from './session.js';

export function reportOn(outcome: Outcome, progress: Progress, options: Options): Figures {
  const { dump, ledger, driver, crew, faults, folder, secret, seconds } = outcome;
  const lossy = options.fsync !== 'always';
  const told = { entries: ledger.entries, open: ledger.open, unexpected: driver.unexpected };
  const parked = new Set(driver.parked);
  const effects = jsonLines(folder, 'effects-') as readonly Effect[];
  const attacks = jsonLines(folder, 'attacks-') as readonly Attack[];
  const timers = timersFireOnce(dump);
  const cuts = faults.powerCuts;
  const violations: Violation[] = [
    ...(lossy
      ? lossesAreNoticed(dump, told, { cuts, partitionOf: (run) => partitionOf(run, PARTITIONS) })
      : confirmedIsThere(dump, told)),
    ...versionsAreComplete(dump),
    ...messagesAreTakenOnce(dump),
    ...epochsGoForward(dump),
    ...everythingHasEnded(dump, parked),
    ...nothingVanishes(dump),
    ...onlyCurrentRepliesCount(dump, attacks),
    ...oneResultPerAttempt(dump),
    ...timers.violations,
    ...nothingIsLeft(dump, parked),
    ...callsHaveEnded(told),
    ...historiesGiveTheRuns(outcome.verdicts),
    ...secretIsNowhere(secret, [outcome.crew.logs, `${folder}/redis`]),
    ...crashes(outcome),
  ];
  const count = (counts: Violation['counts']): number => violations.filter((found) => found.counts === counts).length;
  const runs = runsOf(dump);
  const confirmed = ledger.entries.filter(({ outcome: how }) => how === 'done').length;
  const work = doubledWork(effects);
  const failpoints = tally(outcome.failpoints.map((line) => line.split(' ')[0] ?? ''));
  const figures: Figures = {
    seed: options.seed,
    fsync: options.fsync,
    seconds,
    ...progress,
    runs: runs.length,
    transitions: runs.reduce((sum, { entries }) => sum + entries.length, 0),
    lost: count('lost'),
    duplicated: count('duplicated'),
    stuck: count('stuck'),
    faults: faults.counts,
    inner: {
      kills: crew.innerKills,
      stalls: outcome.failpoints.filter((line) => line.includes(':stall=')).length,
    },
    failpoints,
    statuses: tally(runs.map(({ fields }) => fields['status'] ?? '')),
    client: {
      calls: ledger.calls,
      confirmed,
      refused: ledger.entries.length - confirmed,
      unknown: ledger.unknown,
    },
    power: {
      cuts: cuts.length,
      bytes: cuts.reduce((sum, { bytes }) => sum + bytes, 0),
      lostOperations: lostOperations(dump, ledger.entries).length,
      incidents: dump.partitions.reduce((sum, { incidents }) => sum + incidents.length, 0),
    },
    attempts: { ...work, rate: work.executions === 0 ? 0 : work.doubled / work.executions },
    attacks: attacks.length,
    canaryMs: percentiles(driver.canaries),
    timersLateMs: percentiles(timers.lateMs),
    events: tally((jsonLines(crew.logs, '') as readonly { type: string }[]).map(({ type }) => type)),
    violations,
    vacuous: [],
  };
  return { ...figures, vacuous: vacuities(figures, options) };
}

/** A process that ended although nobody told it to is a fault of coord's. */
function crashes({ crew }: Outcome): readonly Violation[] {
  const found = new Found('crash');
  for (const { slot, how, said } of crew.crashes) found.stuck(`${slot} ${how}\n${said}`);
  return found.violations;
}

function tally(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
