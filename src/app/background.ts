/**
 * The background host of a project: a daemon with the project's personas, started by `coord run` when nobody moves
 * runs, so that leaving the terminal does not stop a run. It ends by itself soon after the last run has ended.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GlobalOptions, Hosting } from '../cli/application.js';
import type { Clock } from '../core/clock.js';
import { CoordError, messageOf } from '../core/errors.js';
import { partitionOf } from '../core/ids.js';
import { canonicalJson, type JsonValue, sha256 } from '../core/json.js';
import type { Store } from '../core/ports.js';
import { processRuns, signalProcess } from '../core/processes.js';
import type { PersonaDefinition } from '../personas/persona.js';
import { withLock } from '../core/turns.js';
import { ensureStateDirectory, type Means } from './connect.js';
import { isDeadHere } from './host.js';
import {
  forgetHost,
  hostLives,
  hostName,
  type HostRecord,
  hostsFolder,
  livingHosts,
  readHostRecord,
  writeHostRecord,
} from './host-record.js';
import { openRuns } from './open-runs.js';
import { PROGRAM, stateDirectory } from './project.js';

const START_MS = 20_000;
const STOP_MS = 20_000;
const POLL_MS = 20;
const IDLE_EXIT_SECONDS = 5;

/** What a set of personas is, as far as a host is concerned: changed files need a new host. */
function personasHash(personas: ReadonlyMap<string, PersonaDefinition>): string {
  return sha256(canonicalJson(JSON.parse(JSON.stringify([...personas])) as JsonValue));
}

export interface BackgroundParams {
  readonly options: GlobalOptions;
  readonly store: Store;
  readonly partitions: number;
  readonly personaDirectories: readonly string[];
  readonly personas: ReadonlyMap<string, PersonaDefinition>;
  readonly means: Means;
}

/** A host for the namespace: one that is there, or the background host, started if need be. Throws HOST_START_FAILED. */
export async function ensureBackgroundHost(params: BackgroundParams): Promise<Hosting> {
  const { options, store, means } = params;
  await ensureStateDirectory(options);
  // One at a time: two terminals that look at the same moment would both find nobody, and start a host each.
  return withLock(join(hostsFolder(options), `${hostName(options)}.lock`), { clock: means.clock }, async () => {
    const log = join(stateDirectory(options), 'host.log');
    const running = await readHostRecord(options);
    const wanted = personasHash(params.personas);
    if (running !== null && hostLives(running)) {
      const { pid } = running.process;
      if (running.personas !== wanted) await replace(params, pid);
      else {
        await untilOwned(params, { pid, log, failed: () => null });
        return { kind: 'background', pid, started: false, log };
      }
    }
    const owner = (await liveOwners(store))[0];
    if (owner !== undefined) return { kind: 'daemon', owner: owner.owner };
    return launch(params, { log, wanted });
  });
}

async function launch(params: BackgroundParams, { log, wanted }: { log: string; wanted: string }): Promise<Hosting> {
  const { options, means, personaDirectories } = params;
  const output = openSync(log, 'a');
  const child = spawn(process.execPath, [PROGRAM, ...hostArguments(params)], {
    detached: true,
    stdio: ['ignore', output, output],
    cwd: options.directory,
    // Not among its arguments: the address may hold a password, and everybody can list arguments.
    env: { ...means.env, ...(options.redis !== null && { COORD_REDIS_URL: options.redis }) },
  });
  closeSync(output);
  let failure: string | null = null;
  child.once('error', (error) => {
    failure = messageOf(error);
  });
  child.once('exit', (code, signal) => {
    failure = `it ended with ${signal ?? `code ${String(code)}`}`;
  });
  child.unref();
  const pid = child.pid ?? 0;
  if (pid > 0) await writeHostRecord(options, { pid, personas: wanted, directories: [...personaDirectories] });
  await untilOwned(params, { pid, log, failed: () => failure });
  return { kind: 'background', pid, started: true, log };
}

/** Owners of partitions that are there: leases of killed processes of this machine are given up on their behalf. */
export async function liveOwners(store: Store): ReturnType<Store['namespace']['owners']> {
  const owners = await store.namespace.owners();
  const dead = owners.filter(({ owner }) => isDeadHere(owner));
  await Promise.all(dead.map(({ partition, owner, epoch }) => store.partitions.release({ partition, owner, epoch })));
  return owners.filter(({ owner }) => !isDeadHere(owner));
}

/** Ends the background hosts of the project, of every store and namespace. False when none was running. */
export async function stopBackgroundHosts(options: GlobalOptions, clock: Clock): Promise<boolean> {
  const hosts = [...(await livingHosts(options))];
  await Promise.all(hosts.map(([name, record]) => stopHost(options, { name, record, clock })));
  return hosts.length > 0;
}

async function stopHost(
  options: GlobalOptions,
  { name, record, clock }: { name: string; record: HostRecord; clock: Clock },
): Promise<void> {
  signalProcess(record.process.pid, 'SIGTERM');
  for (const giveUpAt = clock.now() + STOP_MS; hostLives(record); await clock.sleep(POLL_MS)) {
    if (clock.now() > giveUpAt) signalProcess(record.process.pid, 'SIGKILL');
  }
  await forgetHost(options, name);
}

/** Another set of personas is asked for than the host serves. It is replaced unless it works on something. */
async function replace(params: BackgroundParams, pid: number): Promise<void> {
  const { options, store, partitions, means } = params;
  for (const { run } of await openRuns(params)) {
    const stored = await store.runs.load(partitionOf(run, partitions), run);
    if (stored === null || stored.claims.size === 0) continue;
    const steps = [...stored.claims.keys()].join(', ');
    const way = `\`coord down\` interrupts it, and the next \`coord run\` or \`coord watch\` goes on with it`;
    throw new CoordError(
      'HOST_START_FAILED',
      `the background host (pid ${String(pid)}) serves other persona files, and works on ${steps} of run ${run}; ${way}`,
    );
  }
  const record = await readHostRecord(options);
  if (record !== null) await stopHost(options, { name: hostName(options), record, clock: means.clock });
}

async function untilOwned(
  { store, means }: BackgroundParams,
  { pid, log, failed }: { pid: number; log: string; failed: () => string | null },
): Promise<void> {
  const { clock } = means;
  for (const giveUpAt = clock.now() + START_MS; ; await clock.sleep(POLL_MS)) {
    const why = failed() ?? (processRuns(pid) ? null : 'it is gone');
    if (why !== null || clock.now() > giveUpAt) {
      const tail = (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-5).join('\n');
      throw new CoordError(
        'HOST_START_FAILED',
        why === null
          ? `the background host (pid ${String(pid)}) is there and does not answer; \`coord down\` ends it; see ${log}\n${tail}`
          : `the background host did not start: ${why}; see ${log}\n${tail}`,
      );
    }
    if ((await liveOwners(store)).length > 0) return;
  }
}

function hostArguments({ options, personaDirectories }: BackgroundParams): string[] {
  return [
    '--directory',
    options.directory,
    '--namespace',
    options.namespace,
    'daemon',
    '--work',
    '--idle-exit',
    String(IDLE_EXIT_SECONDS),
    ...personaDirectories.flatMap((directory) => ['--personas', directory]),
  ];
}
