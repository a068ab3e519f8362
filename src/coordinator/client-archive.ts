/**
 * Archives of ended runs: a file of JSON lines that holds everything that was stored of one, byte for byte, and ends with
 * the hash of all before, so that a file that was cut short is never taken for a whole one. `docs/operations.md` says what
 * each line is.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { CoordError, messageOf } from '../core/errors.js';
import { sha256 } from '../core/json.js';
import type { HistoryEntry, Store, StoredRun } from '../core/ports.js';
import { storedRunFrom } from '../core/stored-fields.js';

const ARCHIVE_FORMAT = 1;
const PAGE = 500;

export interface ArchiveWish {
  /** Folder that archives are written to, one below for each month. */
  readonly directory: string;
  /** Whether the artifacts themselves are written too, not only their names. */
  readonly artifacts: boolean;
}

export interface Ended {
  readonly partition: number;
  readonly run: string;
  readonly endedAt: number;
}

type Means = Pick<Store, 'keeping' | 'runs' | 'namespace' | 'artifacts'>;

/** The file that a run is archived in. */
export function archiveFile({ directory }: Pick<ArchiveWish, 'directory'>, { run, endedAt }: Ended): string {
  return join(directory, new Date(endedAt).toISOString().slice(0, 7), `${run}.jsonl`);
}

/**
 * Writes the archive of a run; when it returns, the file is on the disk, and before that there is none of its name. Gives
 * the version that was archived, or null when the run is gone.
 */
export async function archiveRun(store: Means, ended: Ended, wish: ArchiveWish): Promise<string | null> {
  const fields = await store.keeping.fields(ended.partition, ended.run);
  if (fields === null) return null;
  const file = archiveFile(wish, ended);
  await mkdir(dirname(file), { recursive: true });
  const unfinished = `${file}.${String(process.pid)}.tmp`;
  const handle = await open(unfinished, 'w');
  try {
    let text = '';
    for await (const line of linesOf(store, ended, { fields, artifacts: wish.artifacts })) {
      text += line;
      await handle.write(line);
    }
    await handle.write(`${JSON.stringify({ end: { sha256: sha256(text) } })}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(unfinished, file);
  await syncFolder(dirname(file));
  return fields.get('version') ?? '';
}

async function* linesOf(
  store: Means,
  { partition, run }: Ended,
  { fields, artifacts }: { fields: ReadonlyMap<string, string>; artifacts: boolean },
): AsyncGenerator<string> {
  const line = (value: object): string => `${JSON.stringify(value)}\n`;
  const archivedAt = await store.namespace.time();
  yield line({ archive: ARCHIVE_FORMAT, run, partition, archivedAt });
  yield line({ fields: Object.fromEntries(fields) });
  const hash = fields.get('definition') ?? '';
  yield line({ definition: { hash, json: await store.namespace.getDefinition(hash) } });
  const mentioned = new Set<string>();
  for (const text of fields.values()) addArtifacts(mentioned, text);
  for (let after = '0'; ; ) {
    const page = await store.runs.history({ partition, run, after, limit: PAGE });
    for (const entry of page) {
      addArtifacts(mentioned, entry.facts);
      yield line({ entry });
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) break;
    after = last.id;
  }
  for (const artifact of mentioned) {
    const content = artifacts ? await store.artifacts.get(partition, artifact) : null;
    yield line({
      artifact: { sha256: artifact, content: content === null ? null : Buffer.from(content).toString('base64') },
    });
  }
}

function addArtifacts(found: Set<string>, text: string): void {
  for (const [, hash] of text.matchAll(/"sha256":"([0-9a-f]{64})"/g)) if (hash !== undefined) found.add(hash);
}

/** A file is there for good when its folder says so. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const headSchema = z.object({ archive: z.int(), run: z.string(), partition: z.int(), archivedAt: z.number() });
const lineSchema = z.union([
  z.object({ fields: z.record(z.string(), z.string()) }),
  z.object({ definition: z.object({ hash: z.string(), json: z.string().nullable() }) }),
  z.object({
    entry: z.object({
      id: z.string(),
      version: z.number().nullable(),
      position: z.number(),
      epoch: z.number(),
      messages: z.string(),
      facts: z.string(),
      hash: z.string(),
      genesis: z.string().nullable(),
    }),
  }),
  z.object({ artifact: z.object({ sha256: z.string(), content: z.base64().nullable() }) }),
]);
const endSchema = z.object({ end: z.object({ sha256: z.string() }) });

export interface ArchivedRun {
  readonly run: string;
  readonly partition: number;
  readonly archivedAt: number;
  readonly stored: StoredRun;
  readonly definition: { readonly hash: string; readonly json: string | null };
  readonly history: readonly HistoryEntry[];
  readonly artifacts: readonly { readonly sha256: string; readonly content: Uint8Array | null }[];
}

/** Throws USAGE for a file that is no archive, or not the whole of one. */
export async function readArchive(file: string): Promise<ArchivedRun> {
  try {
    return parseArchive(await readFile(file, 'utf8'));
  } catch (error) {
    throw new CoordError('USAGE', `${file} is no whole archive of a run: ${messageOf(error)}`, { cause: error });
  }
}

function parseArchive(text: string): ArchivedRun {
  const [first = '', ...lines] = text.split('\n').filter((line) => line !== '');
  const last = lines.pop() ?? 'null';
  const { end } = endSchema.parse(JSON.parse(last));
  if (sha256(text.slice(0, text.lastIndexOf(last))) !== end.sha256)
    throw new CoordError('USAGE', 'its lines do not give its hash');
  const { archive, ...head } = headSchema.parse(JSON.parse(first));
  if (archive > ARCHIVE_FORMAT)
    throw new CoordError('USAGE', `it has format ${String(archive)}, which a newer coord has written`);
  let stored: StoredRun | null = null;
  let definition: ArchivedRun['definition'] = { hash: '', json: null };
  const history: HistoryEntry[] = [];
  const artifacts: ArchivedRun['artifacts'][number][] = [];
  for (const line of lines) {
    const part = lineSchema.parse(JSON.parse(line));
    if ('fields' in part) stored = storedRunFrom(new Map(Object.entries(part.fields)), `run ${head.run}`);
    else if ('definition' in part) ({ definition } = part);
    else if ('entry' in part) history.push(part.entry);
    else {
      const { sha256: hash, content } = part.artifact;
      artifacts.push({ sha256: hash, content: content === null ? null : Buffer.from(content, 'base64') });
    }
  }
  if (stored === null) throw new CoordError('USAGE', 'it does not hold the run');
  return { ...head, stored, definition, history, artifacts };
}
