/** One call of a coding-agent CLI: its process from start to end, what it said, and whether it was ended for its silence. */
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../core/clock.js';
import { durationText } from '../core/duration.js';
import { sha256 } from '../core/json.js';
import type { AgentCall, AgentPreset, AgentSaid } from './agents/preset.js';
import { attemptMarks } from './attempt-files.js';
import { type AttemptPlace, placeEnvironment } from './attempt-place.js';
import { Lines } from './capture.js';
import { runChild } from './child.js';
import type { CommandLimits } from './command.js';
import type { CommandOutcome } from './command-reply.js';
import { withLimits } from './limits.js';
import type { AgentPersona } from './persona.js';
import { cleanLine } from './plain-text.js';
import { Silence } from './silence.js';

export interface AgentMeans {
  readonly persona: AgentPersona;
  readonly preset: AgentPreset;
  readonly clock: Clock;
  readonly limits: CommandLimits;
}

export type CallEnd =
  | { readonly failure: NodeJS.ErrnoException | 'limits' }
  | {
      readonly said: AgentSaid;
      readonly outcome: CommandOutcome;
      /** Whether it was ended for printing nothing. */
      readonly stalled: boolean;
      /** Whether it was ended for printing too much. */
      readonly flooded: boolean;
    };

/** A longer line is not read as an event. */
const EVENTS = { longest: 1024 * 1024, most: Infinity };

export async function callAgent(
  means: AgentMeans,
  place: AttemptPlace,
  want: { readonly prompt: string; readonly session: string | null },
): Promise<CallEnd> {
  const { persona, preset, clock, limits } = means;
  const { context, directory } = place;
  const call = callOf(persona, place, want.session);
  const argv = await withLimits([...programOf(means), ...preset.argv(call), ...persona.args], persona.limits);
  if (argv === null) return { failure: 'limits' };
  if (preset.prompt === 'file') await writeFile(call.promptFile, want.prompt);

  const reader = preset.reader(call);
  const tell = (text: string | null): void => {
    // Not cut yet: secrets are taken out first, and half of one would not be found.
    const line = cleanLine(text ?? '');
    if (line !== '') context.progress(line);
  };
  const lines = new Lines((text) => tell(reader.line(text)), EVENTS);
  const stall = new AbortController();
  const silence = new Silence(clock, persona.stall, {
    tell: (ms) => context.progress(`silent for ${durationText(ms)}`),
    end: () => stall.abort(),
  });
  const killAt = persona.limits.output ?? limits.floodBytes;
  const names = [...preset.environment, ...persona.env];
  try {
    const end = await runChild({
      argv,
      directory,
      environment: await placeEnvironment(place, persona, { names, set: preset.set(call) }),
      input: preset.prompt === 'stdin' ? want.prompt : '',
      signal: AbortSignal.any([context.signal, stall.signal]),
      clock,
      graceMs: limits.graceMs,
      stdout: { keep: 'tail', limit: limits.stderrBytes, killAt },
      stderrLimit: limits.stderrBytes,
      stderrKillAt: killAt,
      marks: attemptMarks(context.token, context.worker),
      printed: (chunk) => {
        silence.heard();
        lines.add(chunk);
      },
      line: (text) => {
        silence.heard();
        tell(text);
      },
      started: (pid) => context.groupStarted(pid),
    });
    if ('failure' in end) return end;
    lines.end();
    const { outcome } = end;
    const flooded = outcome.printed > killAt || outcome.complained > killAt;
    return { said: reader.said(), outcome, stalled: stall.signal.aborted && !context.signal.aborted, flooded };
  } finally {
    silence.stop();
    await clearLitter(directory, preset.litter);
  }
}

/** Program and first arguments. */
export function programOf({ persona, preset }: Pick<AgentMeans, 'persona' | 'preset'>): readonly string[] {
  return persona.command ?? [preset.program];
}

function callOf(persona: AgentPersona, { request, context, scratch }: AttemptPlace, session: string | null): AgentCall {
  const { permission, model, tools, maxTurns } = persona;
  const { turns, costUsd } = request.ceiling ?? {};
  const least = Math.min(maxTurns ?? Infinity, turns ?? Infinity);
  return {
    permission,
    model,
    tools,
    maxTurns: Number.isFinite(least) ? least : null,
    maxCostUsd: costUsd ?? null,
    session,
    newSession: `coord-${sha256(`${context.token} ${context.worker}`).slice(0, 16)}`,
    promptFile: join(scratch, 'message.md'),
    scratch,
  };
}

/** What a CLI keeps for itself must not be committed as work. */
async function clearLitter(directory: string, litter: RegExp | null): Promise<void> {
  if (litter === null) return;
  for (const name of await readdir(directory).catch(() => []))
    if (litter.test(name)) await rm(join(directory, name), { recursive: true, force: true });
}
