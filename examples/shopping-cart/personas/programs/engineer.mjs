/**
 * Makes a change that was prepared beforehand: applies the patch named as its argument. No model is asked, and the
 * reply says so. Harmless when repeated: each file is changed, or found changed already, or an error.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { git, tryGit } from '../../../../personas/programs/git.mjs';
import { answer, count, progress, workspaceOf } from '../../../../personas/programs/persona.mjs';

const patchFile = process.argv[2];

await answer((request) => {
  const { base } = workspaceOf(request);
  const patch = readFileSync(patchFile, 'utf8');
  const files = git(['apply', '--numstat', '-z'], { input: patch })
    .split('\0')
    .filter(Boolean)
    .map((entry) => entry.split('\t')[2]);
  const changed = [];
  const alreadyThere = [];
  for (const file of files) {
    // One file at a time: an attempt that was cut short may have left some of them changed.
    const apply = (...options) =>
      tryGit(['apply', '--whitespace=nowarn', `--include=${file}`, ...options], { input: patch });
    if (apply('--reverse', '--check').status === 0) {
      alreadyThere.push(file);
      continue;
    }
    const done = apply();
    if (done.status !== 0) throw new Error(`the prepared change does not fit ${file}: ${done.stderr.trim()}`);
    changed.push(file);
    progress(`changed ${file}`);
  }
  const planned = new Set((request.results?.planning?.result?.keyFiles ?? []).map((file) => file.path));
  const result = {
    summary: `Applied the prepared change ${basename(patchFile)} to ${count(files.length, 'file')}; no model was asked.`,
    prepared: true,
    changed,
    alreadyThere,
    outsidePlan: files.filter((file) => !planned.has(file)),
  };
  const diff = git(['diff', '--no-ext-diff', '--no-textconv', '--no-color', base, '--', ...files]);
  return { status: 'pass', result, artifacts: [{ name: 'change.diff', type: 'text/x-diff', content: diff }] };
});
