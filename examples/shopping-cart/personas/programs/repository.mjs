/** The files of the repository in the current folder, the words in them, and which file imports which. */
import { lstatSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { isCode } from '../../../../personas/programs/diff.mjs';
import { git } from '../../../../personas/programs/git.mjs';

const MOST_FILES = 2000;
const MOST_BYTES = 200 * 1024;
const FILLER = new Set(
  'a an and are as at be but by can could cannot do does for from has have in into is it its must name never no not of on one or other owe shop so than that the their them then there they this to use used was when which with would'.split(
    ' ',
  ),
);

/** `[{ path, text, words: Map<word, count>, nameWords: Set, imports: [path] }]` of the tracked text files. */
export function readRepository() {
  const paths = git(['ls-files', '-z']).split('\0').filter(Boolean).slice(0, MOST_FILES);
  return paths.flatMap((path) => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined || !stat.isFile() || stat.size > MOST_BYTES) return [];
    const text = readFileSync(path, 'utf8');
    if (text.includes('\0')) return [];
    const words = new Map();
    for (const word of wordsOf(text)) words.set(word, (words.get(word) ?? 0) + 1);
    return [{ path, text, words, nameWords: new Set(wordsOf(path)), imports: importsOf(path, text) }];
  });
}

/** The words that say something, in order: `discountFor(coupons)` gives discount, coupon. */
export function wordsOf(text) {
  const parts =
    text
      .replace(/([a-z])([A-Z])/g, '$1 $2')
      .toLowerCase()
      .match(/[a-z]{3,}/g) ?? [];
  return parts.filter((part) => !FILLER.has(part)).map((part) => part.replace(/(?<=.{4})(ed|s)$/, ''));
}

/**
 * The files that say most about `text`, best first: `[{ path, score, matched }]`. A word counts for more the
 * fewer files have it, and for more still in the file's name.
 */
export function filesAbout(text, files) {
  const wanted = [...new Set(wordsOf(text))];
  const rarity = new Map(
    wanted.map((word) => [
      word,
      Math.log(1 + files.length / (1 + files.filter((file) => file.words.has(word)).length)),
    ]),
  );
  return files
    .map((file) => {
      const matched = wanted.filter((word) => file.words.has(word) || file.nameWords.has(word));
      const points = matched.map(
        (word) =>
          rarity.get(word) *
          (Math.min(file.words.get(word) ?? 0, 3) * (isCode(file.path) ? 1 : 0.3) + (file.nameWords.has(word) ? 4 : 0)),
      );
      return { path: file.path, score: Math.round(points.reduce((sum, one) => sum + one, 0) * 10) / 10, matched };
    })
    .filter((found) => found.score > 0)
    .toSorted((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1));
}

/** Files that import `path`. */
export function importersOf(path, files) {
  return files.filter((file) => file.imports.includes(path)).map((file) => file.path);
}

function importsOf(path, text) {
  if (!isCode(path)) return [];
  return [...text.matchAll(/\bfrom\s+['"](\.[^'"]+)['"]/g)].map(([, target]) =>
    posix.join(posix.dirname(path), target),
  );
}
