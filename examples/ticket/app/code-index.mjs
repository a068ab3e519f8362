/**
 * The index of a repository: which words stand in which file. Building one takes its time, so an index says how far it
 * is, and whoever wants to ask it looks at that first.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { filesAbout, wordsOf } from '../../shopping-cart/personas/programs/repository.mjs';

const MOST_FILES = 2000;
const MOST_BYTES = 200 * 1024;
const LEFT_OUT = new Set(['node_modules', 'dist', 'build', 'coverage']);
/** How many files are read between two looks at how far it is. */
const BATCH = 50;

/** The text files of a folder, `[{ path, text }]`, whether it is a git repository or not. */
export function readFolder(folder) {
  return pathsOf(folder).flatMap((path) => {
    const text = readFileSync(join(folder, path), 'utf8');
    return text.includes('\0') ? [] : [{ path, text }];
  });
}

/** Whether there is a folder to look into. */
export function isFolder(path) {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** `{ status, done, total }` of the index of a repository: ready, indexing, missing, or unavailable when it cannot be read. */
export function indexStatus(data, repository) {
  try {
    const { status, done, total } = readIndex(data, repository);
    return { status, done, total };
  } catch (error) {
    return { status: error.code === 'ENOENT' ? 'missing' : 'unavailable', done: 0, total: 0 };
  }
}

/** The files that say most about a text, best first: `[{ path, score, matched }]`. */
export function queryIndex(data, repository, text) {
  const { status, files } = readIndex(data, repository);
  if (status !== 'ready') throw new Error(`the index of ${repository} is not ready: ${status}`);
  return filesAbout(
    text,
    files.map(({ path, words }) => ({ path, words: new Map(words), nameWords: new Set(wordsOf(path)) })),
  );
}

/** Builds the index of a repository, and returns how many files it has. */
export async function buildIndex(data, repository) {
  if (!isFolder(repository)) throw new Error(`there is no folder ${repository}`);
  const files = readFolder(repository).map(({ path, text }) => ({ path, words: counted(wordsOf(text)) }));
  for (let done = 0; done < files.length; done += BATCH)
    writeIndex(data, { repository, status: 'indexing', done, total: files.length, files: [] });
  writeIndex(data, { repository, status: 'ready', done: files.length, total: files.length, files });
  return files.length;
}

/** Puts an index in its place, whole. */
export function writeIndex(data, index) {
  const path = indexPath(data, index.repository);
  mkdirSync(join(data, 'index'), { recursive: true });
  writeFileSync(`${path}.tmp`, JSON.stringify(index));
  renameSync(`${path}.tmp`, path);
}

function readIndex(data, repository) {
  return JSON.parse(readFileSync(indexPath(data, repository), 'utf8'));
}

function indexPath(data, repository) {
  const digest = createHash('sha256').update(repository).digest('hex').slice(0, 8);
  return join(data, 'index', `${basename(repository)}-${digest}.json`);
}

function pathsOf(folder) {
  const found = [];
  const open = [folder];
  while (open.length > 0 && found.length < MOST_FILES) {
    const at = open.pop();
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const path = join(at, entry.name);
      if (entry.name.startsWith('.') || LEFT_OUT.has(entry.name)) continue;
      if (entry.isDirectory()) open.push(path);
      else if (entry.isFile() && statSync(path).size <= MOST_BYTES) found.push(relative(folder, path));
    }
  }
  return found.toSorted().slice(0, MOST_FILES);
}

function counted(words) {
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts];
}
