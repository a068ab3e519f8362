/** The coding-agent CLIs that coord knows. */
import { aider } from './aider.js';
import { claude } from './claude.js';
import { codex } from './codex.js';
import { gemini } from './gemini.js';
import { goose } from './goose.js';
import type { AgentPreset } from './preset.js';

export const PRESETS = { claude, codex, aider, goose, gemini } satisfies Readonly<Record<string, AgentPreset>>;

export type AgentName = keyof typeof PRESETS;
export const AGENTS = Object.keys(PRESETS) as readonly AgentName[];
