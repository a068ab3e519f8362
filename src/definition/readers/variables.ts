/** The variables of a workflow, and what an environment puts in their place. */
import { quoted } from '../../expression/problem.js';
import type { JsonObject } from '../../core/json.js';
import type { Problems } from '../problem.js';
import { type MapEntry, type MapNode, toJsonObject, type TreeNode } from '../tree.js';
import { reportNames, templateUses, type Use } from '../uses.js';
import { Sheet } from './sheet.js';

const NONE: ReadonlySet<string> = new Set();
const HINT = 'A variable can read the variables above it.';

export interface Variables {
  readonly names: readonly string[];
  readonly values: JsonObject;
}

interface Known {
  /** Variable → its number in the file. */
  readonly places: ReadonlyMap<string, number>;
  readonly variables: ReadonlySet<string>;
  readonly problems: Problems;
}

/** `environment` names the one that is chosen; null for none. With `needed` the workflow must have it. All of them are checked. */
export function readVariables(sheet: Sheet, environment: string | null, needed: boolean): Variables {
  const { fields, problems } = sheet;
  const base = fields.map('variables', 'a map')?.entries ?? [];
  const places = new Map(base.map(({ key }, index) => [key, index]));
  const all = { places, variables: new Set(places.keys()), problems };
  for (const entry of base) checkVariable(entry, all);
  const overlays = readEnvironments(sheet, all);
  if (needed && environment !== null && !overlays.has(environment)) {
    const names = [...overlays.keys()];
    const guess = problems.suggest(environment, names);
    const hint = guess || (names.length === 0 ? 'It has none.' : `Known are ${names.slice(0, 12).join(', ')}.`);
    const at = fields.places.get('environments') ?? fields.range;
    problems.add('unknown-environment', at, `the workflow has no environment ${quoted(environment)}`, hint);
  }
  const chosen = new Map((overlays.get(environment ?? '') ?? []).map((entry) => [entry.key, entry]));
  const merged = base.map((entry) => (environment === null ? entry : (chosen.get(entry.key) ?? entry)));
  const place = { start: 0, end: 0 };
  return { names: [...places.keys()], values: toJsonObject({ kind: 'map', entries: merged, ...place }) };
}

/** Environment → what it says of variables. */
function readEnvironments({ fields, problems }: Sheet, all: Known): ReadonlyMap<string, readonly MapEntry[]> {
  const overlays = new Map<string, readonly MapEntry[]>();
  for (const { key, keyRange, value } of fields.map('environments', 'a map of environments')?.entries ?? []) {
    overlays.set(key, value.kind === 'map' ? readOverlay(key, value, all) : []);
    if (value.kind === 'map') continue;
    const message = `the environment ${quoted(key)} must be a map with "variables"`;
    problems.add('wrong-type', keyRange, message, `For example ${key}: { variables: { … } }`);
  }
  return overlays;
}

function readOverlay(name: string, node: MapNode, all: Known): readonly MapEntry[] {
  const { places, problems } = all;
  const sheet = new Sheet(node, `the environment ${quoted(name)}`, problems);
  sheet.fields.only({ known: ['variables'], meant: { env: 'variables', vars: 'variables' } });
  const entries = sheet.fields.map('variables', 'a map')?.entries ?? [];
  return entries.filter((entry) => {
    if (places.has(entry.key)) {
      checkVariable(entry, all);
      return true;
    }
    const names = [...places.keys()];
    const hint = problems.suggest(entry.key, names) || 'An environment sets variables that the workflow has.';
    const message = `${sheet.owner} sets ${quoted(entry.key)}, which is no variable of the workflow`;
    problems.add('unknown-key', entry.keyRange, message, hint);
    return false;
  });
}

/** A variable may read the task and the variables above it, so that its value does not depend on any order but the written one. */
function checkVariable({ key, value }: MapEntry, all: Known): void {
  const { places, problems } = all;
  const own = places.get(key) ?? 0;
  for (const use of usesAtStart(value, key, all)) {
    for (const { root, keys } of use.references) {
      const [first] = keys;
      if (root !== 'variables' || first === undefined || first.name === null) continue;
      const read = places.get(first.name);
      if (read === undefined || read < own) continue;
      const what =
        read === own
          ? `the variable "${key}" reads itself`
          : `the variable "${key}" reads ${quoted(first.name)}, which is written below it`;
      problems.add('expression', use.part(first.offset, first.length), what, HINT);
    }
  }
}

/** The templates of a value that is rendered before any step has run: they may read the task and variables. */
export function usesAtStart(
  node: TreeNode,
  field: string,
  { variables, problems }: { readonly variables: ReadonlySet<string>; readonly problems: Problems },
): readonly Use[] {
  const uses = templateUses(node, field, problems);
  for (const use of uses)
    reportNames(use, { roots: ['task', 'variables'], variables, states: NONE, steps: NONE }, problems);
  return uses;
}
