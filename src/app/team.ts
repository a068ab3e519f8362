/**
 * Who can work for a project on this machine: coding agents that are installed, models whose key is set, models that are
 * served here. `coord init` finds them, and writes the personas of a team that one of them plays.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Colleague, TeamDesk } from '../cli/team-desk.js';
import type { Clock } from '../core/clock.js';
import { CoordError, messageOf } from '../core/errors.js';
import { systemCode, systemWords } from '../core/system-errors.js';
import { findProgram } from '../personas/program.js';
import { shippedRoles } from '../personas/role.js';

/** The roles of the shipped workflows that need somebody who thinks; the checks come with coord as programs. */
const TEAM: ReadonlySet<string> = new Set(['implementation-planner', 'plan-evaluator', 'lead-engineer']);

/** In the order that one is taken when nobody says which: those that can change files first. */
const AGENTS = [
  { agent: 'claude', title: 'Claude Code' },
  { agent: 'codex', title: 'Codex' },
  { agent: 'gemini', title: 'Gemini CLI' },
  { agent: 'aider', title: 'aider' },
  { agent: 'goose', title: 'goose' },
] as const;

interface Provider {
  readonly id: string;
  readonly title: string;
  readonly provider: 'openai' | 'anthropic';
  /** Base of its addresses; null: the provider's own, and then its key must be set. */
  readonly endpoint: string | null;
  readonly models: string;
  readonly key: string | null;
}

const PROVIDERS: readonly Provider[] = [
  {
    id: 'anthropic',
    title: 'Anthropic',
    provider: 'anthropic',
    endpoint: null,
    models: 'https://api.anthropic.com/v1/models',
    key: 'ANTHROPIC_API_KEY',
  },
  {
    id: 'openai',
    title: 'OpenAI',
    provider: 'openai',
    endpoint: null,
    models: 'https://api.openai.com/v1/models',
    key: 'OPENAI_API_KEY',
  },
  local('ollama', 'Ollama', 'http://127.0.0.1:11434/v1'),
  local('lm-studio', 'LM Studio', 'http://127.0.0.1:1234/v1'),
  local('vllm', 'vLLM', 'http://127.0.0.1:8000/v1'),
];

function local(id: string, title: string, endpoint: string): Provider {
  return { id, title, provider: 'openai', endpoint, models: `${endpoint}/models`, key: null };
}

/** How long an endpoint may take to say which models it has, ms: one that is here answers at once. */
const LOOK_MS = 2_000;

interface TeamMeans {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
}

export function teamDesk({ env, fetch: get, clock }: TeamMeans): TeamDesk {
  return {
    colleagues: async () => {
      const found = await Promise.all([
        ...AGENTS.map(async ({ agent, title }): Promise<Colleague | null> => {
          const program = await findProgram(agent, env['PATH']);
          return 'file' in program
            ? { id: agent, title: `${title}, ${program.file}`, edits: true, models: null }
            : null;
        }),
        ...PROVIDERS.map(async (provider): Promise<Colleague | null> => {
          const models = await modelsOf(provider, { env, fetch: get, clock });
          const { id, title, endpoint } = provider;
          const where = endpoint === null ? '' : `, ${endpoint}`;
          return models.length === 0 ? null : { id, title: `${title}${where}`, edits: false, models };
        }),
      ]);
      return found.filter((colleague) => colleague !== null);
    },
    write: async (folder, { colleague, model }) => {
      const files: { file: string; created: boolean; persona: string }[] = [];
      for (const role of shippedRoles().filter(({ name }) => TEAM.has(name))) {
        // A model sees what it is told and changes nothing, so it cannot do the work itself.
        if (role.changes && !colleague.edits) continue;
        const file = join('personas', `${role.name}.md`);
        const text = [
          '---',
          `description: ${role.description}`,
          ...frontOf(colleague, { model, changes: role.changes }),
          `role: ${role.name}`,
          '---',
          '',
        ];
        files.push({ file, persona: role.name, created: await writeNew(join(folder, file), text.join('\n')) });
      }
      return files;
    },
  };
}

function frontOf(
  { id }: Colleague,
  { model, changes }: { readonly model: string | null; readonly changes: boolean },
): readonly string[] {
  const provider = PROVIDERS.find((one) => one.id === id);
  const named = model === null ? [] : [`model: ${JSON.stringify(model)}`];
  // goose either asks for everything or for nothing, and nobody is there to answer.
  const permission = id === 'goose' && changes ? ['permission: full'] : [];
  if (provider === undefined) return ['kind: agent', `agent: ${id}`, ...permission, ...named];
  const { endpoint } = provider;
  return [
    'kind: model',
    `provider: ${provider.provider}`,
    ...(endpoint === null ? [] : [`endpoint: ${endpoint}`]),
    ...named,
  ];
}

/** The models that an endpoint offers; none when it is not there, or its key is not set. */
async function modelsOf({ models, key }: Provider, { env, fetch: get, clock }: TeamMeans): Promise<readonly string[]> {
  const secret = key === null ? '' : (env[key] ?? '');
  if (key !== null && secret === '') return [];
  const headers: Record<string, string> =
    secret === '' ? {} : { authorization: `Bearer ${secret}`, 'x-api-key': secret, 'anthropic-version': '2023-06-01' };
  const late = new AbortController();
  const cancel = clock.after(LOOK_MS, () => late.abort());
  try {
    const answer = await get(models, { headers, redirect: 'error', signal: late.signal });
    const body: unknown = answer.ok ? await answer.json() : null;
    return namesIn(body);
  } catch {
    // It is not there, or does not answer like one: then nobody can work by it.
    return [];
  } finally {
    cancel();
  }
}

function namesIn(body: unknown): readonly string[] {
  const list: unknown = typeof body === 'object' && body !== null && 'data' in body ? body.data : null;
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => {
    const id: unknown = typeof item === 'object' && item !== null && 'id' in item ? item.id : null;
    return typeof id === 'string' && id !== '' ? [id] : [];
  });
}

/** False when the file is there. Throws USAGE. */
async function writeNew(file: string, text: string): Promise<boolean> {
  try {
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw new CoordError('USAGE', `${file} cannot be written: ${systemWords(error)} (${messageOf(error)})`, {
      cause: error,
    });
  }
}
