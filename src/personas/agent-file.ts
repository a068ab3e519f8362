/** The keys of a persona file of kind `agent`. */
import { PERMISSIONS } from './agents/preset.js';
import { AGENTS, PRESETS } from './agents/presets.js';
import { readEnv, readLimits, readProgram } from './command-file.js';
import type { FrontMatter } from './front-matter.js';
import type { AgentPersona, FilePlace } from './persona.js';

export const AGENT_KEYS = [
  'agent',
  'permission',
  'command',
  'args',
  'env',
  'limits',
  'stall_warn',
  'stall_kill',
  'max_turns',
];

const WARN_MS = 5 * 60_000;
const KILL_MS = 30 * 60_000;

export function readAgent(front: FrontMatter, { base, folder }: FilePlace): AgentPersona {
  // A file without a kind is one that Claude Code reads as well.
  if (front.has('kind') && !front.has('agent')) {
    const names = AGENTS.map((name) => `"${name}"`).join(', ');
    front.report('agent', 'missing_key', `kind "agent" needs the key "agent": one of ${names}`);
  }
  const agent = front.choice('agent', AGENTS) ?? 'claude';
  const preset = PRESETS[agent];
  // A role that changes nothing need not be able to.
  const usual = base.role?.changes === false ? 'read-only' : 'edit';
  const permission = front.choice('permission', PERMISSIONS) ?? usual;
  if (!preset.permissions.includes(permission)) {
    const other = preset.permissions.map((word) => `"permission: ${word}"`).join(' or ');
    front.report('permission', 'bad_value', `${agent} has no mode for permission "${permission}"; write ${other}`);
  }
  for (const key of preset.ignores)
    if (front.has(key))
      front.report(key, 'misplaced_key', `key "${key}" has no meaning for ${agent}, which has no such option`);
  const warnMs = front.duration('stall_warn') ?? WARN_MS;
  const killMs = front.duration('stall_kill') ?? Math.max(KILL_MS, 2 * warnMs);
  if (killMs <= warnMs) front.report('stall_kill', 'bad_value', 'stall_kill must be longer than stall_warn');
  return {
    ...base,
    kind: 'agent',
    agent,
    permission,
    command: readProgram(front, folder),
    args: front.has('args') ? (front.list('args') ?? []) : [],
    env: readEnv(front),
    limits: readLimits(front),
    stall: { warnMs, killMs },
    maxTurns: front.integer('max_turns', { least: 1, most: 10_000 }),
  };
}
