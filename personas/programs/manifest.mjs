/** What a change of a package.json brings in: new or changed dependencies, and scripts that run by themselves. */
import { fileAt } from './git.mjs';

const KINDS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];
const AUTOMATIC = {
  preinstall: 'every install',
  install: 'every install',
  postinstall: 'every install',
  prepare: 'an install from git',
  prepublish: 'an install from source',
};

/** `[{ kind, name, version, registry }]`: `registry` false when it comes from a URL, a repository or a folder. */
export function newDependencies(range) {
  const { before, after } = manifests(range);
  return KINDS.flatMap((kind) =>
    changedEntries(before[kind], after[kind]).map(([name, version]) => ({
      kind,
      name,
      version,
      registry: !/[:/]/.test(version) || /^(npm|workspace):/.test(version),
    })),
  );
}

/** `[{ name, on, onInstall }]` for scripts that npm starts by itself. */
export function newScripts(range) {
  const { before, after } = manifests(range);
  return changedEntries(before.scripts, after.scripts)
    .filter(([name]) => Object.hasOwn(AUTOMATIC, name))
    .map(([name]) => ({ name, on: AUTOMATIC[name], onInstall: AUTOMATIC[name] === 'every install' }));
}

function manifests({ base, commit, path, oldPath }) {
  return { before: parse(fileAt(base, oldPath)), after: parse(fileAt(commit, path)) };
}

/** A manifest that cannot be parsed brings nothing in: npm refuses it as well. */
function parse(text) {
  try {
    const value = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function changedEntries(before, after) {
  return Object.entries(after ?? {}).filter(
    ([name, value]) => typeof value === 'string' && (before ?? {})[name] !== value,
  );
}
