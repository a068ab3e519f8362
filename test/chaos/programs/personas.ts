/**
 * The personas of the chaos run. What each does with an attempt follows from the seed and the attempt's name: most work,
 * some say no, break, talk nonsense, are late, never answer, answer twice, kill or block their worker, or forge messages.
 */
import { partitionOf } from '../../../src/core/ids.js';
import type { PersonaRequest } from '../../../src/core/exchange.js';
import type { Store } from '../../../src/core/ports.js';
import type { AttemptKey } from '../../../src/core/request-port.js';
import { functionPersona } from '../../../src/personas/catalog.js';
import { NO_LIMITS } from '../../../src/personas/limits.js';
import type { CommandPersona, PersonaDefinition } from '../../../src/personas/persona.js';
import type { PersonaFunction } from '../../../src/personas/runner.js';
import { Chance } from '../random.js';
import { type Settings, writeLine } from './settings.js';

interface Means {
  readonly settings: Settings;
  readonly store: Store;
  readonly worker: string;
}

/** Names of the personas, for workflows to ask. */
export const ASKED = ['worker', 'other'] as const;

type Act = 'work' | 'reject' | 'break' | 'nonsense' | 'twice' | 'late' | 'never' | 'crash' | 'block' | 'forge';

/** Of a hundred first attempts. */
const FIRST: readonly (readonly [Act, number])[] = [
  ['reject', 2],
  ['break', 7],
  ['nonsense', 5],
  ['twice', 5],
  ['late', 3],
  ['never', 3],
  ['crash', 1],
  ['block', 1],
  ['forge', 6],
];

const NONSENSE: readonly unknown[] = [
  undefined,
  42,
  'done!',
  { status: 'maybe' },
  { status: 'pass', error: { class: 'LIMIT', message: 'x' } },
  { status: 'pass', result: 1, extra: true },
  { status: 'pass', result: Number.NaN },
  { status: 'pass', result: 'x'.repeat(300 * 1024) },
  { status: 'pass', artifacts: [{ name: '../../etc/passwd', path: '/etc/passwd' }] },
  JSON.parse('{"status":"pass","result":{"__proto__":{"polluted":true}}}'),
];

export function chaosPersonas(means: Means): ReadonlyMap<string, PersonaDefinition> {
  const asked = ASKED.map((name) => functionPersona({ name, concurrency: 8, run: acting(means) }));
  const planner = functionPersona({ name: 'planner', concurrency: means.settings.partitions, run: planning(means) });
  const environment = { ...ENVIRONMENT, concurrency: means.settings.partitions };
  return new Map([...asked, planner, environment].map((persona) => [persona.name, persona]));
}

/** Tells all it can see of its worker's environment: a secret in there must not be among it. */
const ENVIRONMENT: CommandPersona = {
  kind: 'command',
  name: 'environment',
  description: '',
  prompt: '',
  file: null,
  concurrency: 1,
  tools: [],
  model: null,
  command: ['/bin/sh', '-c', 'env'],
  env: [],
  limits: NO_LIMITS,
  output: 'text',
};

function planning(means: Means): PersonaFunction {
  return (request) => {
    execute(means, request, 'work');
    const steps = [
      { id: 'a', persona: 'worker', retries: { count: 4, backoff: ['50ms'] } },
      { id: 'b', persona: 'other', dependencies: ['a'], retries: { count: 4, backoff: ['50ms'] } },
    ];
    return { status: 'pass', result: { steps } };
  };
}

function acting(means: Means): PersonaFunction {
  const tokens = new Map<string, AttemptKey>();
  return async (request, { signal }) => {
    const { run, step, attempt } = request;
    const chance = new Chance(`${String(means.settings.seed)} ${run} ${step} ${String(attempt)}`);
    const act = request.params['calm'] === true ? 'work' : drawn(chance, request);
    execute(means, request, act);
    const key: AttemptKey = { ...keyOf(request, means), worker: means.worker };
    const before = tokens.get(`${run} ${step}`);
    tokens.set(`${run} ${step}`, key);
    if (tokens.size > 200) tokens.delete(tokens.keys().next().value ?? '');
    const pass = { status: 'pass', result: { of: step, attempt } };
    if (act !== 'block' && chance.chance(0.3)) await aborted(signal, chance.between(5, 120));
    switch (act) {
      case 'work':
        return pass;
      case 'reject':
        return { status: 'fail', result: 'no', error: { class: 'REJECTED', message: 'not good enough' } };
      case 'break':
        throw new Error('broken on purpose');
      case 'nonsense':
        return chance.pick(NONSENSE);
      case 'crash':
        process.kill(process.pid, 'SIGKILL');
        return pass;
      case 'block':
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, means.settings.heartbeatMs * 1.3);
        return pass;
      case 'twice':
        for (const ms of [0, 40, 400]) void again(means, key, ms);
        return pass;
      case 'never':
        await aborted(signal, 60_000);
        return pass;
      case 'late':
        await aborted(signal, 60_000);
        void again(means, key, 300);
        return pass;
      case 'forge':
        await forge(means, { key, before, other: [...tokens.values()].find((known) => known.run !== run), chance });
        return pass;
    }
  };
}

function drawn(chance: Chance, { attempt, timeoutMs }: PersonaRequest): Act {
  const scale = attempt === 1 ? 1 : 0.4;
  let left = chance.next() * 100;
  for (const [act, share] of FIRST) {
    left -= share * scale;
    if (left >= 0) continue;
    // Nobody would end it.
    const endless = (act === 'never' || act === 'late') && (timeoutMs ?? Number.POSITIVE_INFINITY) > 2_000;
    return endless || (act === 'crash' && attempt > 1) ? 'work' : act;
  }
  return 'work';
}

/** Before anything is done: an execution that is cut short counts as one. */
function execute({ settings, worker }: Means, { token, run, step, attempt }: PersonaRequest, act: Act): void {
  writeLine(settings.effects, { token, run, step, attempt, act, worker, at: Date.now() });
}

function keyOf({ run, step, attempt, token }: PersonaRequest, { settings }: Means): Omit<AttemptKey, 'worker'> {
  return { partition: partitionOf(run, settings.partitions), run, step, attempt, token };
}

/** Sends the same reply once more, whatever has become of the attempt. */
async function again({ store }: Means, key: AttemptKey, afterMs: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, afterMs);
  });
  const body = JSON.stringify({ status: 'pass', result: { of: key.step, again: true } });
  await store.requests.reply(key, { body }).catch(() => undefined);
}

/** Calls with names and tokens that are not this attempt's; none of them may be taken. */
async function forge(
  { store, settings }: Means,
  {
    key,
    before,
    other,
    chance,
  }: Readonly<Record<'before' | 'other', AttemptKey | undefined>> & {
    readonly key: AttemptKey;
    readonly chance: Chance;
  },
): Promise<void> {
  const { requests } = store;
  const body = JSON.stringify({ status: 'pass', result: 'forged' });
  const flipped = { ...key, token: `${key.token.slice(0, -1)}${key.token.endsWith('0') ? '1' : '0'}` };
  const stranger = { ...key, worker: 'nobody:1:x' };
  const beat = { heartbeatMs: settings.heartbeatMs, progress: 'forged' };
  const begin = { persona: 'worker', entry: '0-1', heartbeatMs: settings.heartbeatMs, timeoutMs: null };
  const attacks: Record<string, () => Promise<string>> = {
    'reply with a wrong token': () => requests.reply(flipped, { body }),
    'reply for another step': () => requests.reply({ ...key, step: `${key.step}x` }, { body }),
    'reply of another worker': () => requests.reply(stranger, { body }),
    'beat with a wrong token': () => requests.beat(flipped, beat),
    'beat of another worker': () => requests.beat(stranger, beat),
    'begin with a wrong token': () => requests.begin(flipped, begin),
  };
  // A claim that the store has lost is free for anybody.
  if (!settings.lossy) attacks['begin of another worker'] = () => requests.begin(stranger, begin);
  if (other !== undefined)
    attacks['reply for another run'] = () =>
      requests.reply({ ...key, run: other.run, step: other.step, partition: other.partition }, { body });
  if (before !== undefined && before.token !== key.token)
    attacks['reply with the token of an earlier attempt'] = () => requests.reply(before, { body });
  const name = chance.pick(Object.keys(attacks));
  const answer = await attacks[name]?.().catch((error: unknown) => (error as Error).name);
  writeLine(settings.attacks, { attack: name, answer, run: key.run, step: key.step, token: key.token });
}

/** Resolves after the time or when the attempt is ended. */
function aborted(signal: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
