/** Fake coding-agent CLIs: small programs in a folder of their own at the front of PATH, that note how they are called. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Clock, systemClock } from '../../src/core/clock.js';
import type { PersonaRequest } from '../../src/core/exchange.js';
import { AgentRunner } from '../../src/personas/agent.js';
import type { CommandLimits } from '../../src/personas/command.js';
import { NO_LIMITS } from '../../src/personas/limits.js';
import type { AgentPersona } from '../../src/personas/persona.js';
import type { RawReply } from '../../src/personas/runner.js';
import { aContext, aFolder, aRequest, type TestContext } from './requests.js';

export interface Called {
  readonly argv: readonly string[];
  readonly stdin: string;
  readonly message: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly tty: boolean;
}

export class FakeClis {
  readonly folder = aFolder();
  readonly #path = process.env['PATH'] ?? '';

  constructor() {
    mkdirSync(join(this.folder, 'bin'));
    process.env['PATH'] = `${join(this.folder, 'bin')}${delimiter}${this.#path}`;
  }

  /**
   * `body` is the program's text. It may use `out(object)`, which prints a line of JSON, `say(text)`, `argv`, `stdin`, and
   * `nth`, which counts calls from 1.
   */
  write(name: string, body: string): void {
    const log = JSON.stringify(join(this.folder, 'calls'));
    const text = `#!${process.execPath}
const fs = require('fs');
const argv = process.argv.slice(2);
const stdin = fs.readFileSync(0, 'utf8');
const file = argv[argv.indexOf('--message-file') + 1];
const message = argv.includes('--message-file') ? fs.readFileSync(file, 'utf8') : null;
const line = JSON.stringify({ argv, stdin, message, env: process.env, tty: Boolean(process.stdin.isTTY || process.stdout.isTTY) });
fs.appendFileSync(${log}, line + '\\n');
const nth = fs.readFileSync(${log}, 'utf8').split('\\n').length - 1;
const out = (value) => fs.writeSync(1, JSON.stringify(value) + '\\n');
const say = (text) => fs.writeSync(1, text + '\\n');
${body}
`;
    writeFileSync(join(this.folder, 'bin', name), text, { mode: 0o755 });
  }

  calls(): readonly Called[] {
    const lines = readFileSync(join(this.folder, 'calls'), 'utf8').trim().split('\n');
    return lines.map((line) => JSON.parse(line) as Called);
  }

  end(): void {
    process.env['PATH'] = this.#path;
  }
}

export function anAgent(change: Partial<AgentPersona> = {}): AgentPersona {
  const base = {
    name: 'builder',
    description: '',
    file: null,
    concurrency: 1,
    tools: [],
    model: null,
    prompt: 'Be good.',
  };
  const kind = { kind: 'agent', agent: 'claude', permission: 'edit', command: null, args: [], env: [] } as const;
  const stall = { warnMs: 60_000, killMs: 120_000 };
  return { ...base, ...kind, limits: NO_LIMITS, stall, maxTurns: null, ...change };
}

export async function runAgent(
  change: Partial<AgentPersona> = {},
  want: {
    readonly request?: Partial<PersonaRequest>;
    readonly context?: TestContext;
    readonly clock?: Clock;
    readonly limits?: Partial<CommandLimits>;
  } = {},
): Promise<RawReply> {
  const limits = { graceMs: 200, ...want.limits };
  const runner = new AgentRunner(anAgent(change), { clock: want.clock ?? systemClock, limits });
  return await runner.run(aRequest(want.request), want.context ?? aContext());
}

/** The text of a program that answers as Claude Code does. */
export function claudeSays(text: string, more: Readonly<Record<string, unknown>> = {}): string {
  const result = {
    type: 'result',
    subtype: 'success',
    is_error: false,
    result: text,
    session_id: 's-1',
    num_turns: 3,
    total_cost_usd: 0.25,
    permission_denials: [],
    usage: {
      input_tokens: 10,
      cache_creation_input_tokens: 20,
      cache_read_input_tokens: 70,
      output_tokens: 5,
    },
    ...more,
  };
  return `out({ type: 'system', subtype: 'init', session_id: 's-1', model: 'claude-x' });\nout(${JSON.stringify(result)});`;
}

/** A message that ends with a reply in a fenced block. */
export function fenced(reply: unknown): string {
  return `Here it is.\n\n\`\`\`json\n${JSON.stringify(reply, null, 2)}\n\`\`\``;
}
