/**
 * The file of a backup: JSON lines, the first says what it is of, the last counts and seals all before it. It is written
 * beside its place and moved there when it is whole and on the disk, and read to its end before anything of it is used.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { BackupItem } from '../core/backup-port.js';
import { CoordError, messageOf } from '../core/errors.js';

const BACKUP_FORMAT = 1;
const WRITTEN_AT_ONCE = 1_000_000;

const headerSchema = z.strictObject({
  kind: z.literal('coord-backup'),
  format: z.int().positive(),
  /** Of coord. */
  version: z.string(),
  namespace: z.string(),
  namespaceFormat: z.int(),
  partitions: z.int().positive(),
  incarnation: z.string(),
  /** The store's time, ms. */
  at: z.number(),
});
export type BackupHeader = Readonly<z.infer<typeof headerSchema>>;

const partitionSchema = z.strictObject({ kind: z.literal('partition'), partition: z.int(), position: z.int() });
const itemSchema = z.strictObject({
  kind: z.literal('key'),
  partition: z.int().nullable(),
  key: z.string(),
  type: z.string(),
  dump: z.string(),
  ttlMs: z.number().nullable(),
});
const goneSchema = z.strictObject({ kind: z.literal('gone'), partition: z.int(), run: z.string() });
const footerSchema = z.strictObject({ kind: z.literal('end'), keys: z.int(), sha256: z.string() });
const lineSchema = z.discriminatedUnion('kind', [headerSchema, partitionSchema, itemSchema, goneSchema, footerSchema]);

export type BackupLine =
  | BackupHeader
  | Readonly<z.infer<typeof partitionSchema>>
  | ({ readonly kind: 'key' } & BackupItem)
  | Readonly<z.infer<typeof goneSchema>>;

export interface BackupWriter {
  line(line: BackupLine): Promise<void>;
}

/** Writes a whole backup, or leaves what was there. Returns the bytes. */
export async function writeBackup(file: string, write: (writer: BackupWriter) => Promise<void>): Promise<number> {
  const unfinished = `${file}.unfinished`;
  const handle = await open(unfinished, 'w').catch((error: unknown) => {
    throw new CoordError('USAGE', `${file} cannot be written: ${messageOf(error)}`, { cause: error });
  });
  try {
    const hash = createHash('sha256');
    let keys = 0;
    let bytes = 0;
    let unwritten: string[] = [];
    let characters = 0;
    const flush = async (): Promise<void> => {
      await handle.appendFile(unwritten.join(''));
      unwritten = [];
      characters = 0;
    };
    const put = async (text: string): Promise<void> => {
      bytes += Buffer.byteLength(text);
      characters += text.length;
      unwritten.push(text);
      if (characters > WRITTEN_AT_ONCE) await flush();
    };
    await write({
      line: async (line) => {
        if (line.kind === 'key') keys++;
        const text = `${JSON.stringify(line.kind === 'key' ? { ...line, dump: Buffer.from(line.dump).toString('base64') } : line)}\n`;
        hash.update(text);
        await put(text);
      },
    });
    await put(`${JSON.stringify({ kind: 'end', keys, sha256: hash.digest('hex') })}\n`);
    await flush();
    await handle.sync();
    await handle.close();
    await rename(unfinished, file);
    await syncFolder(dirname(file));
    return bytes;
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** The name in the folder must last as well. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Reads it to its end. Throws INTEGRITY when it is not whole, FORMAT_UNKNOWN when a newer coord has written it. */
export async function checkBackup(file: string): Promise<BackupHeader> {
  const hash = createHash('sha256');
  let header: BackupHeader | null = null;
  let keys = 0;
  let sealed = false;
  for await (const text of linesOf(file)) {
    if (sealed) throw damaged(file, 'something stands behind its end');
    const line = parsed(file, text);
    if (header === null) header = headerOf(file, line);
    if (line.kind === 'end') {
      if (line.keys !== keys || line.sha256 !== hash.digest('hex'))
        throw damaged(file, 'it was changed since it was made');
      sealed = true;
      continue;
    }
    if (line.kind === 'key') keys++;
    hash.update(`${text}\n`);
  }
  if (header === null || !sealed) throw damaged(file, 'its end is missing');
  return header;
}

/** The lines of a backup that `checkBackup` has read. */
export async function* readBackup(file: string): AsyncGenerator<BackupLine> {
  for await (const text of linesOf(file)) {
    const line = parsed(file, text);
    if (line.kind === 'end') return;
    yield line.kind === 'key' ? { ...line, dump: Buffer.from(line.dump, 'base64') } : line;
  }
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const stream = createReadStream(file);
  try {
    yield* createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    throw new CoordError('USAGE', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  } finally {
    stream.destroy();
  }
}

function parsed(file: string, text: string): z.infer<typeof lineSchema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged(file, `"${text.slice(0, 40)}…" is no line of it`);
  }
  const line = lineSchema.safeParse(value);
  if (!line.success) throw damaged(file, `"${text.slice(0, 40)}…" is no line of it`);
  return line.data;
}

function headerOf(file: string, line: z.infer<typeof lineSchema>): BackupHeader {
  if (line.kind !== 'coord-backup') throw damaged(file, 'it does not begin as a backup of coord');
  if (line.format > BACKUP_FORMAT)
    throw new CoordError(
      'FORMAT_UNKNOWN',
      `${file} has format ${String(line.format)}, this coord knows up to ${String(BACKUP_FORMAT)}; upgrade coord`,
    );
  return line;
}

function damaged(file: string, what: string): CoordError {
  return new CoordError('INTEGRITY', `${file} is no whole backup: ${what}`);
}

export function newHeader(of: Omit<BackupHeader, 'kind' | 'format'>): BackupHeader {
  return { kind: 'coord-backup', format: BACKUP_FORMAT, ...of };
}
