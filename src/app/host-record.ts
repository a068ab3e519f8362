/**
 * Which background hosts a project has: one small file per store and namespace, written by whoever starts the host.
 * It names the process with its start time, so that another one that has got the pid is never taken for it, and never
 * told to stop.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { GlobalOptions } from '../cli/application.js';
import { sha256 } from '../core/json.js';
import { identityOf, isAlive } from '../core/processes.js';
import { stateDirectory } from './project.js';

const recordSchema = z.strictObject({
  process: z.strictObject({ pid: z.int().min(2), startTime: z.string().nullable() }),
  /** Hash of the personas that it serves. */
  personas: z.string(),
  /** Folders that were given for them. */
  directories: z.array(z.string()),
});
export type HostRecord = Readonly<z.infer<typeof recordSchema>>;

export function hostsFolder(options: GlobalOptions): string {
  return join(stateDirectory(options), 'hosts');
}

/** What the names of this store and namespace begin with. */
export function hostName(options: GlobalOptions): string {
  return sha256(`${options.redis ?? ''}\n${options.namespace}`).slice(0, 12);
}

/** The record of the host, whether it lives or not; null for none. */
export async function readHostRecord(options: GlobalOptions, name = hostName(options)): Promise<HostRecord | null> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(pathOf(options, name), 'utf8')));
  } catch {
    return null;
  }
}

export async function writeHostRecord(
  options: GlobalOptions,
  record: Omit<HostRecord, 'process'> & { pid: number },
): Promise<void> {
  const { pid, ...rest } = record;
  await mkdir(hostsFolder(options), { recursive: true });
  await writeFile(pathOf(options, hostName(options)), JSON.stringify({ process: identityOf(pid), ...rest }));
}

export async function forgetHost(options: GlobalOptions, name = hostName(options)): Promise<void> {
  await rm(pathOf(options, name), { force: true });
}

/** Hosts of the project that live, of all stores and namespaces, by name. */
export async function livingHosts(options: GlobalOptions): Promise<ReadonlyMap<string, HostRecord>> {
  const files = await readdir(hostsFolder(options)).catch(() => []);
  const names = files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length));
  const records = await Promise.all(names.map(async (name) => [name, await readHostRecord(options, name)] as const));
  return new Map(
    records.flatMap(([name, record]) => (record !== null && hostLives(record) ? [[name, record] as const] : [])),
  );
}

export function hostLives(record: HostRecord): boolean {
  return isAlive(record.process) === 'yes';
}

function pathOf(options: GlobalOptions, name: string): string {
  return join(hostsFolder(options), `${name}.json`);
}
