/**
 * Collects the artifacts that a persona declares, among them files that it names. Such a file must lie in the attempt's folder for real: links, and
 * folders swapped for links while it is being read, are refused by checking the file that is open, not its name.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { ARTIFACT_LIMIT_BYTES } from '../core/exchange.js';
import { abbreviate } from './plain-text.js';
import { type DeclaredArtifact, mediaTypeOf } from './reply.js';
import type { RawArtifact } from './runner.js';

/** `directory` is the attempt's folder, null for none. Problems are phrases that name the artifact. */
export async function collectArtifacts(
  declared: readonly DeclaredArtifact[],
  directory: string | null,
): Promise<{ readonly artifacts: readonly RawArtifact[]; readonly problems: readonly string[] }> {
  const artifacts: RawArtifact[] = [];
  const problems: string[] = [];
  for (const { name, type, source } of declared) {
    const read = 'content' in source ? textContent(source.content) : await fileContent(directory, source.path);
    const fallback = 'content' in source ? 'text/plain' : 'application/octet-stream';
    if ('content' in read) artifacts.push({ name, type: type ?? mediaTypeOf(name, fallback), content: read.content });
    else problems.push(`artifact "${name}"${read.refusal}`);
  }
  return { artifacts, problems };
}

const TOO_LARGE = `is larger than ${String(ARTIFACT_LIMIT_BYTES)} bytes, the limit of one artifact`;

function textContent(text: string): ArtifactRead {
  const content = new TextEncoder().encode(text);
  return content.length > ARTIFACT_LIMIT_BYTES ? { refusal: ` ${TOO_LARGE}` } : { content };
}

async function fileContent(directory: string | null, path: string): Promise<ArtifactRead> {
  const named = `: path "${abbreviate(path, 200)}"`;
  if (directory === null) return { refusal: `${named} cannot be read: the attempt has no folder` };
  const read = await readArtifactFile(directory, path);
  return 'refusal' in read ? { refusal: `${named} ${read.refusal}` } : read;
}

export type ArtifactRead = { readonly content: Uint8Array } | { readonly refusal: string };

/** The bytes, or a phrase that says why not. Never throws for what is on the disk. */
async function readArtifactFile(directory: string, path: string): Promise<ArtifactRead> {
  const wanted = resolve(directory, path);
  if (isAbsolute(path) || path.includes('\0') || !isBelow(directory, wanted)) {
    return { refusal: "must be relative and stay in the attempt's folder" };
  }
  let handle: FileHandle;
  try {
    handle = await open(wanted, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    if (code === 'ENOENT' || code === 'ENOTDIR') return { refusal: 'does not exist' };
    return { refusal: code === 'ELOOP' ? 'is a symbolic link' : `cannot be opened (${code})` };
  }
  try {
    return await readOpen(handle, { directory, wanted });
  } catch (error) {
    return { refusal: `cannot be read (${error instanceof Error ? error.message : String(error)})` };
  } finally {
    await handle.close();
  }
}

async function readOpen(
  handle: FileHandle,
  place: { readonly directory: string; readonly wanted: string },
): Promise<ArtifactRead> {
  const about = await handle.stat();
  if (!about.isFile()) return { refusal: 'is not a file' };
  const real = await realpath(place.wanted);
  const found = await stat(real);
  if (!isBelow(await realpath(place.directory), real) || found.ino !== about.ino || found.dev !== about.dev) {
    return { refusal: "lies outside the attempt's folder" };
  }
  if (about.size > ARTIFACT_LIMIT_BYTES) return { refusal: TOO_LARGE };
  const content = new Uint8Array(about.size);
  let length = 0;
  while (length < content.length) {
    const { bytesRead } = await handle.read(content, length, content.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return { content: content.subarray(0, length) };
}

function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
