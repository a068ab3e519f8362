/**
 * The background host of a project: a daemon with the project's personas, started by `coord run` when nobody moves
 * runs, so that leaving the terminal does not stop a run. It ends by itself soon after the last run has ended.
 */
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { GlobalOptions, Hosting } from '../cli/application.js';
import type { Clock } from '../core/clock.js';
import { CoordError, messageOf } from '../core/errors.js';
import { canonicalJson, type JsonValue, sha256 } from '../core/json.js';
import type { Store } from '../core/ports.js';
import { processRuns } from '../core/processes.js';
import type { PersonaDefinition } from '../personas/persona-file.js';
import { ensureStateDirectory, type Means } from './connect.js';
import { hostRecordPath, isDeadHere } from './host.js';
import { openRuns } from './open-runs.js';
import { PROGRAM, stateDirectory } from './project.js';

const START_MS = 20_000;
const STOP_MS = 20_000;
const POLL_MS = 20;
const IDLE_EXIT_SECONDS = 5;

const recordSchema = z.strictObject({ pid: z.int().positive(), personas: z.string() });

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
  const { options, store, means, personas } = params;
  const state = stateDirectory(options);
  const log = join(state, 'host.log');
  const wanted = personasHash(personas);
  const running = await runningHost(state);
  if (running !== null && running.personas === wanted) {
    await untilOwned(params, { pid: running.pid, log, failed: () => null });
    return { kind: 'background', pid: running.pid, started: false, log };
  }
  if (running !== null) await replace(params, running.pid);
  const owner = (await liveOwners(store))[0];
  if (owner !== undefined) return { kind: 'daemon', owner: owner.owner };
  await ensureStateDirectory(options);
  const output = openSync(log, 'a');
  const child = spawn(process.execPath, [PROGRAM, ...hostArguments(params)], {
    detached: true,
    stdio: ['ignore', output, output],
    cwd: options.directory,
    env: { ...means.env },
  });
  let failure: string | null = null;
  child.once('error', (error) => {
    failure = messageOf(error);
  });
  child.once('exit', (code, signal) => {
    failure = `it ended with ${signal ?? `code ${String(code)}`}`;
  });
  child.unref();
  const pid = child.pid ?? 0;
  await writeFile(hostRecordPath(state), JSON.stringify({ pid, personas: wanted }));
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

/** Ends the background host. False when none was running. */
export async function stopBackgroundHost(options: GlobalOptions, clock: Clock): Promise<boolean> {
  const state = stateDirectory(options);
  const running = await runningHost(state);
  if (running === null) return false;
  process.kill(running.pid, 'SIGTERM');
  for (const giveUpAt = clock.now() + STOP_MS; processRuns(running.pid); await clock.sleep(POLL_MS)) {
    if (clock.now() > giveUpAt) process.kill(running.pid, 'SIGKILL');
  }
  await rm(hostRecordPath(state), { force: true });
  return true;
}

export async function runningHost(state: string): Promise<z.infer<typeof recordSchema> | null> {
  const text = await readFile(hostRecordPath(state), 'utf8').catch(() => '');
  const record = text === '' ? null : recordSchema.safeParse(jsonOrNull(text)).data;
  if (record === null || record === undefined || !processRuns(record.pid)) return null;
  // The pid may be another program's by now.
  const command = await readFile(`/proc/${String(record.pid)}/cmdline`, 'utf8').catch(() => null);
  return command === null || command.includes('coord') ? record : null;
}

/** Another set of personas is asked for than the host serves. While it has work, that work decides. */
async function replace(params: BackgroundParams, pid: number): Promise<void> {
  const [busy] = await openRuns(params);
  if (busy !== undefined) {
    const way = `wait for it (\`coord watch ${busy.run}\`), or \`coord down\` and try again`;
    const why = `serves other persona files and run ${busy.run} has not ended`;
    throw new CoordError('HOST_START_FAILED', `the background host (pid ${String(pid)}) ${why}: ${way}`);
  }
  await stopBackgroundHost(params.options, params.means.clock);
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
        `the background host did not start: ${why ?? `no answer within ${String(START_MS / 1_000)} s`}; see ${log}\n${tail}`,
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
    ...(options.redis === null ? [] : ['--redis', options.redis]),
    'daemon',
    '--work',
    '--idle-exit',
    String(IDLE_EXIT_SECONDS),
    ...personaDirectories.flatMap((directory) => ['--personas', directory]),
  ];
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
