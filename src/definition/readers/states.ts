/** The states of what a workflow works on: which may follow which, and what must be there in each. */
import { quoted } from '../../expression/problem.js';
import { isText } from '../fields.js';
import type { WorkState } from '../workflow.js';
import { STEP_ID } from '../workflow.js';
import { conditionUse, type Use } from '../uses.js';
import { Sheet } from './sheet.js';

/** Of each state, what its requirements read: whoever enters it reads it. */
export type StateUses = ReadonlyMap<string, readonly Use[]>;

export interface ReadStates {
  /** Null when the workflow has none. */
  readonly states: readonly WorkState[] | null;
  readonly uses: StateUses;
}

export function readStates(outer: Sheet): ReadStates {
  const { problems } = outer;
  const node = outer.fields.map(
    'states',
    'a map of states, the first one first: { draft: { to: [ready] }, ready: {} }',
  );
  const uses = new Map<string, readonly Use[]>();
  if (node === null) return { states: null, uses };
  const names = node.entries.map(({ key }) => key);
  const states = node.entries.flatMap(({ key, keyRange, value }): WorkState[] => {
    if (!STEP_ID.test(key)) {
      const hint = 'It starts with a letter and has up to 64 letters, digits, "-" and "_".';
      problems.add('wrong-type', keyRange, `${quoted(key)} cannot be the name of a state`, hint);
      return [];
    }
    uses.set(key, []);
    if (value.kind === 'scalar' && value.value === null) return [{ name: key, to: null, requires: [] }];
    if (value.kind !== 'map') {
      problems.add('wrong-type', value, `the state ${quoted(key)} must be a map with "to" and "requires"`);
      return [];
    }
    const sheet = new Sheet(value, `the state ${quoted(key)}`, problems);
    sheet.fields.only({
      known: ['to', 'requires'],
      meant: { next: 'to', transitions: 'to', needs: 'requires', required: 'requires' },
    });
    const to = sheet.fields.has('to') ? sheet.texts('to', 'states').map((word) => known(word, names, sheet)) : null;
    const required = sheet.fields.node('requires');
    const items = required === null ? [] : required.kind === 'list' ? required.items : [required];
    const requires = items.flatMap((item) => {
      if (isText(item)) {
        const use = conditionUse(item, 'requires', problems);
        if (use !== null) uses.set(key, [...(uses.get(key) ?? []), use]);
        return [item.value];
      }
      problems.add('wrong-type', item, `"requires" of ${sheet.owner} must be a list of expressions`);
      return [];
    });
    return [{ name: key, to, requires }];
  });
  if (node.entries.length === 0) problems.add('wrong-type', node, 'the workflow has no states', 'Leave "states" out.');
  return { states: states.length === 0 ? null : states, uses };
}

/** Reports a state that there is not. */
function known(
  word: { readonly value: string; readonly start: number; readonly end: number },
  names: readonly string[],
  sheet: Sheet,
): string {
  if (!names.includes(word.value)) {
    const hint = sheet.problems.suggest(word.value, names) || `States are ${names.join(', ')}.`;
    sheet.problems.add('wrong-type', word, `there is no state ${quoted(word.value)}`, hint);
  }
  return word.value;
}

/** The state that a step enters; null for none. What the state requires, the step reads. */
export function readEnters(sheet: Sheet, uses: StateUses): string | null {
  const word = sheet.fields.text('enters');
  if (word === null) return null;
  if (uses.size === 0) {
    const hint = 'Say which states there are at the top: "states:".';
    sheet.problems.add('wrong-type', word, `${sheet.owner} enters a state, and the workflow has none`, hint);
    return null;
  }
  sheet.uses.push(...(uses.get(known(word, [...uses.keys()], sheet)) ?? []));
  return word.value;
}
