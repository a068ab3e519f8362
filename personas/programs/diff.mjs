/**
 * The change a run has made, as data: which files, and which lines were added and removed, with line numbers.
 * Names come from `--raw -z` (never quoted), lines from the patch; both list the files in the same order.
 */
import { git } from './git.mjs';

// `--text`: a `.gitattributes` in the change must not be able to hide a file from review as "binary".
const PLAIN = ['--no-ext-diff', '--no-textconv', '--no-color', '--no-relative', '--find-renames', '--submodule=short'];

/**
 * What changed on the way to `commit` since it left `base`:
 * `{ files: [{ path, oldPath, status, mode, size, binary, added: [{ line, text }], removed: [{ line, text }] }], insertions, deletions }`.
 * `status` is git's letter: A, M, D, R, T. Binary files have no lines.
 */
export function readDiff({ base, commit }) {
  for (const id of [base, commit]) {
    if (!/^[0-9a-f]{40,64}$/.test(id)) throw new Error(`"${id}" is not a full commit id`);
  }
  const range = `${base}...${commit}`;
  const entries = parseRaw(git(['diff', ...PLAIN, '--raw', '-z', '--no-abbrev', range]));
  const sections = parsePatch(git(['diff', ...PLAIN, '--patch', '--unified=0', '--text', range]));
  const sizes = blobSizes(entries.map((entry) => entry.blob));
  const files = entries.map((entry, index) => {
    // A change of type (a file becomes a link) is one entry but two sections: one taken away, one added.
    const own = sections.splice(0, entry.status === 'T' ? 2 : 1);
    const added = own.flatMap((section) => section.added);
    const removed = own.flatMap((section) => section.removed);
    const binary = [...added, ...removed].some((line) => line.text.includes('\0'));
    const { blob: _blob, ...names } = entry;
    return { ...names, size: sizes[index], binary, added: binary ? [] : added, removed: binary ? [] : removed };
  });
  const sum = (lines) => files.reduce((total, file) => total + lines(file).length, 0);
  return { files, insertions: sum((file) => file.added), deletions: sum((file) => file.removed) };
}

/** `:100644 100644 <old> <new> M\0path\0`, and a second path after a rename. */
export function parseRaw(text) {
  const fields = text.split('\0');
  const entries = [];
  while (fields.length > 1) {
    const [, mode, , blob, letters] = fields.shift().split(' ');
    const oldPath = fields.shift();
    const status = letters[0];
    entries.push({ path: status === 'R' || status === 'C' ? fields.shift() : oldPath, oldPath, status, mode, blob });
  }
  return entries;
}

/** One `{ added, removed }` per `diff --git` section. Line counts of each hunk say what is content and what is a header. */
export function parsePatch(text) {
  const sections = [];
  let oldLine = 0;
  let newLine = 0;
  let oldLeft = 0;
  let newLeft = 0;
  for (const line of text.split('\n')) {
    const section = sections.at(-1);
    if (oldLeft > 0 && line.startsWith('-')) {
      section.removed.push({ line: oldLine++, text: line.slice(1).replace(/\r$/, '') });
      oldLeft -= 1;
    } else if (newLeft > 0 && line.startsWith('+')) {
      section.added.push({ line: newLine++, text: line.slice(1).replace(/\r$/, '') });
      newLeft -= 1;
    } else if (line.startsWith('diff --git ')) {
      sections.push({ added: [], removed: [] });
    } else {
      const hunk = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
      if (hunk === null) continue;
      oldLine = Number(hunk[1]);
      oldLeft = Number(hunk[2] ?? 1);
      newLine = Number(hunk[3]);
      newLeft = Number(hunk[4] ?? 1);
    }
  }
  return sections;
}

/** Sizes in bytes, in order; 0 for what is deleted or not a file. */
function blobSizes(blobs) {
  if (blobs.length === 0) return [];
  const lines = git(['cat-file', '--batch-check'], { input: `${blobs.join('\n')}\n` })
    .trimEnd()
    .split('\n');
  return lines.map((line) => Number(/ blob (\d+)$/.exec(line)?.[1] ?? 0));
}

export function isTest(path) {
  return (
    /(^|\/)(tests?|__tests__|specs?)\//.test(path) ||
    /[._-](test|spec)\.\w+$/.test(path) ||
    /(^|\/)test_[^/]*\.py$/.test(path)
  );
}

export function isCode(path) {
  return /\.([cm]?[jt]sx?|py|rb|go|rs|java|kt|php|cs|c|h|cc|cpp|hpp|swift|sh|vue|svelte)$/.test(path);
}
