/** The types of steps as JSON Schema: what each is for, and which keys it cannot do without. */
import type { JsonObject, JsonValue } from '../core/json.js';
import { COMMON_SCHEMAS, OTHER_VALUES, TYPE_SCHEMAS, WAIT_UNTIL } from './editor-keys.js';
import { ref } from './editor-parts.js';
import { COMMON_KEYS, PLUGIN_KEYS, TYPE_KEYS, type TypeKey } from './keys.js';
import { SPELLINGS } from './spelling.js';
import { BRANCH_OPERATIONS, STEP_TYPES, type StepType } from './steps.js';

interface TypeRow {
  readonly description: string;
  readonly required: readonly string[];
  /** Further keywords. */
  readonly more?: JsonObject;
}

const TYPES: Readonly<Record<StepType, TypeRow>> = {
  'persona-request': {
    description: 'Asks a persona to do something.',
    required: ['persona'],
  },
  'git-operation': {
    description: 'Has git do something in the worktree of the run.',
    required: ['operation'],
    more: {
      allOf: [needs('operation', BRANCH_OPERATIONS, 'branch'), needs('operation', ['commit'], 'message')],
    },
  },
  verify: {
    description: 'Runs commands in a clean worktree at the commit where the run stands.',
    required: ['run'],
  },
  conditional: {
    description: 'Does one list of steps or another.',
    required: ['condition'],
    more: { anyOf: [{ required: ['then_steps'] }, { required: ['else_steps'] }] },
  },
  parallel: {
    description: 'Does steps at the same time, and waits for all, for any, or for some of them.',
    required: ['steps'],
  },
  loop: {
    description: 'Does steps again and again, up to a number of rounds.',
    required: ['steps', 'max_rounds'],
    more: { oneOf: [{ required: ['until'] }, { required: ['while'] }] },
  },
  for_each: {
    description: 'Does steps for each item of a list.',
    required: ['items', 'steps'],
  },
  workflow: {
    description: 'Runs another workflow.',
    required: ['workflow'],
  },
  decision: {
    description: 'Asks people.',
    required: ['prompt'],
  },
  wait: {
    description: 'Waits for a while, for a time or for a signal.',
    required: [],
    more: { oneOf: [{ required: ['duration'] }, { required: ['until'] }, { required: ['signal'] }] },
  },
  emit: { description: 'Tells the world something.', required: ['event'] },
  end: { description: 'Ends the run at once.', required: ['status'] },
  lock: { description: 'Waits until the run holds a named lock.', required: ['lock'] },
  unlock: { description: 'Gives a lock back before the run ends.', required: ['lock'] },
  plan: {
    description: 'Asks a persona for steps, which are checked and then done.',
    required: ['persona'],
  },
};

/** With one of `values` behind `key`, `needed` must be there. */
function needs(key: string, values: readonly string[], needed: string): JsonObject {
  return { if: { required: [key], properties: { [key]: { enum: values } } }, then: { required: [needed] } };
}

/** One schema per type, by the name it has in `$defs`. */
export function typeSchemas(): Readonly<Record<string, JsonObject>> {
  const schemas: Record<string, JsonObject> = {};
  for (const type of STEP_TYPES) schemas[type] = typeSchema(TYPES[type], { title: type, type, keys: TYPE_KEYS[type] });
  schemas['plugin'] = typeSchema(
    { description: 'A step of a type that a plugin brings.', required: [] },
    { title: 'a type of a plugin', type: null, keys: PLUGIN_KEYS },
  );
  return schemas;
}

/** A step, told apart by its type: an editor then speaks of the keys of that type only. */
export function anyStep(): JsonObject {
  const isPlugin = { required: ['type'], properties: { type: { not: { enum: [...STEP_TYPES] } } } };
  // Where an agent is named, any type is a word for what the agent does.
  const byAgent = { required: ['agent'] };
  return {
    type: 'object',
    properties: { type: COMMON_SCHEMAS.type },
    allOf: [
      {
        if: { anyOf: [{ not: { required: ['type'] } }, { allOf: [isPlugin, byAgent] }] },
        then: ref('persona-request'),
      },
      ...STEP_TYPES.map((type) => ({
        if: { required: ['type'], properties: { type: { const: type } } },
        then: ref(type),
      })),
      { if: { allOf: [isPlugin, { not: byAgent }] }, then: ref('plugin') },
    ],
  };
}

function typeSchema(
  row: TypeRow,
  { title, type, keys }: { title: string; type: StepType | null; keys: readonly TypeKey[] },
): JsonObject {
  const properties: Record<string, JsonValue> = {};
  for (const key of [...COMMON_KEYS, ...keys]) properties[key] = keyOf(key, type);
  for (const { from, to, value, note } of SPELLINGS.filter(({ where }) => where === 'step')) {
    if (!Object.hasOwn(properties, to)) continue;
    const schema = OTHER_VALUES[value] ?? keyOf(to, type);
    properties[from] = { ...schema, description: `Another word for "${to}": ${note}.`, deprecated: true };
  }
  const { more = {}, required } = row;
  // The persona may be spelled as other documents do.
  const asked = required.includes('persona') ? { anyOf: [{ required: ['persona'] }, { required: ['agent'] }] } : {};
  const needed = required.filter((key) => key !== 'persona');
  return {
    title,
    description: row.description,
    type: 'object',
    properties,
    additionalProperties: false,
    ...(needed.length === 0 ? {} : { required: needed }),
    ...asked,
    ...more,
  };
}

function keyOf(key: string, type: StepType | null): JsonObject {
  return type === 'wait' && key === 'until' ? WAIT_UNTIL : ref(`key-${key}`);
}

/** The schemas of keys, by the name they have in `$defs`. */
export function keySchemas(): Readonly<Record<string, JsonObject>> {
  return Object.fromEntries(
    Object.entries({ ...COMMON_SCHEMAS, ...TYPE_SCHEMAS }).map(([key, schema]) => [`key-${key}`, schema]),
  );
}
