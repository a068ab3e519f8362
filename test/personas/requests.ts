/** A request and an attempt context to test with; each test changes what it is about. */
import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PersonaRequest } from '../../src/core/exchange.js';
import { NO_LIMITS } from '../../src/personas/limits.js';
import type { CommandPersona } from '../../src/personas/persona.js';
import type { AttemptContext } from '../../src/personas/runner.js';

export function aRequest(change: Partial<PersonaRequest> = {}): PersonaRequest {
  return {
    protocol: 1,
    run: 'demo-1',
    workflow: 'demo',
    step: 'build',
    name: 'Build',
    persona: 'builder',
    attempt: 1,
    token: 'token-1',
    params: {},
    task: { goal: 'x' },
    results: {},
    omitted: [],
    workspace: null,
    timeoutMs: null,
    ...change,
  };
}

export interface TestContext extends AttemptContext {
  readonly abort: () => void;
  readonly lines: string[];
  /** Resolves at the first line of progress that holds the text. */
  said(text: string): Promise<string>;
  readonly groups: number[];
}

export function aContext(change: Partial<AttemptContext> = {}): TestContext {
  const controller = new AbortController();
  const lines: string[] = [];
  const groups: number[] = [];
  const waiting: { text: string; resolve: (line: string) => void }[] = [];
  return {
    signal: controller.signal,
    directory: null,
    token: `token-${Math.random().toString(36).slice(2)}`,
    worker: 'worker-1',
    progress: (line) => {
      lines.push(line);
      for (const { text, resolve } of waiting) if (line.includes(text)) resolve(line);
    },
    groupStarted: (pid) => groups.push(pid),
    ...change,
    abort: () => controller.abort(),
    lines,
    groups,
    said: (text) =>
      new Promise((resolve) => {
        const found = lines.find((line) => line.includes(text));
        if (found === undefined) waiting.push({ text, resolve });
        else resolve(found);
      }),
  };
}

export function aCommand(command: readonly string[], change: Partial<CommandPersona> = {}): CommandPersona {
  const base = { name: 'builder', description: '', prompt: '', file: null, concurrency: 1, tools: [], model: null };
  return { ...base, kind: 'command', env: [], limits: NO_LIMITS, output: 'json', command, ...change };
}

/** `node -e`, which tells what was wrong on stderr. */
export function script(code: string): readonly string[] {
  return [process.execPath, '-e', code];
}

export function aFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'coord-test-')));
}
