/** Who is found on a machine, and what is written for a team of theirs. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { teamDesk } from '../../src/app/team.js';
import { systemClock } from '../../src/core/clock.js';
import type { Colleague } from '../../src/cli/team-desk.js';
import { surveyPersonas } from '../../src/personas/catalog.js';
import { World } from '../cli/world.js';

let folder: string;
let server: Server;
let asked: { url: string; key: string | undefined }[];
let answer: { status: number; body: string };
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coord-team-'));
  asked = [];
  answer = { status: 200, body: JSON.stringify({ data: [{ id: 'big-1' }, { id: 'small-1' }, {}] }) };
  server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', key: request.headers.authorization });
    response.writeHead(answer.status).end(answer.body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
});
afterEach(async () => {
  await new Promise((resolve) => {
    server.close(resolve);
  });
  rmSync(folder, { recursive: true, force: true });
});

/** Every endpoint of the world is the fake one; those of this machine are not there unless `local` says so. */
function desk(env: Record<string, string>, local: readonly string[] = []): ReturnType<typeof teamDesk> {
  const { port } = server.address() as AddressInfo;
  const get: typeof fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.hostname === '127.0.0.1' && !local.includes(url.port)) throw new TypeError('fetch failed');
    return fetch(`http://127.0.0.1:${String(port)}/${url.host}${url.pathname}`, init);
  };
  return teamDesk({ env, fetch: get, clock: systemClock });
}

function program(name: string, mode = 0o755): void {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  writeFileSync(join(folder, 'bin', name), '#!/bin/sh\n');
  chmodSync(join(folder, 'bin', name), mode);
}

describe('colleagues', () => {
  test('are agents that are installed, and can be executed', async () => {
    program('aider');
    program('claude');
    program('goose', 0o644);
    expect(await desk({ PATH: join(folder, 'bin') }).colleagues()).toEqual([
      { id: 'claude', title: `Claude Code, ${folder}/bin/claude`, edits: true, models: null },
      { id: 'aider', title: `aider, ${folder}/bin/aider`, edits: true, models: null },
    ]);
    expect(asked).toEqual([]);
  });

  test('are models whose key is set and is accepted, and those that are served here', async () => {
    const found = await desk({ PATH: '', OPENAI_API_KEY: 'sk-1' }, ['11434']).colleagues();
    expect(found).toEqual([
      { id: 'openai', title: 'OpenAI', edits: false, models: ['big-1', 'small-1'] },
      { id: 'ollama', title: 'Ollama, http://127.0.0.1:11434/v1', edits: false, models: ['big-1', 'small-1'] },
    ]);
    // A key goes to its provider and to nobody else.
    expect(asked.toSorted((a, b) => (a.url < b.url ? -1 : 1))).toEqual([
      { url: '/127.0.0.1:11434/v1/models', key: undefined },
      { url: '/api.openai.com/v1/models', key: 'Bearer sk-1' },
    ]);
    answer = { status: 401, body: '{"error":{}}' };
    expect(await desk({ PATH: '', OPENAI_API_KEY: 'sk-1' }).colleagues()).toEqual([]);
  });

  test.each(['<html>', '[]', '{"data":7}', 'null', ''])('are none that answer %j', async (body) => {
    answer = { status: 200, body };
    expect(await desk({ PATH: '' }, ['8000']).colleagues()).toEqual([]);
  });
});

const CLAUDE: Colleague = { id: 'claude', title: 'Claude Code, /bin/claude', edits: true, models: null };
const OLLAMA: Colleague = { id: 'ollama', title: 'Ollama', edits: false, models: ['big-1', 'small-1'] };

describe('a team', () => {
  test('of an agent plays all roles that need somebody who thinks', async () => {
    const files = await desk({}).write(folder, { colleague: CLAUDE, model: null });
    expect(files.map(({ file, created }) => [file, created])).toEqual([
      ['personas/implementation-planner.md', true],
      ['personas/lead-engineer.md', true],
      ['personas/plan-evaluator.md', true],
    ]);
    expect(readFileSync(join(folder, 'personas/lead-engineer.md'), 'utf8')).toBe(
      '---\ndescription: Makes the change that the plan describes, with its tests.\nkind: agent\nagent: claude\nrole: lead-engineer\n---\n',
    );
  });

  test.each(['claude', 'codex', 'gemini', 'aider', 'goose'])('of %s has files that can be read', async (id) => {
    await desk({}).write(folder, { colleague: { ...CLAUDE, id }, model: null });
    const { personas, problems } = await surveyPersonas([join(folder, 'personas')]);
    expect(problems).toEqual([]);
    expect(personas.get('lead-engineer')).toMatchObject({
      kind: 'agent',
      permission: id === 'goose' ? 'full' : 'edit',
    });
    expect(personas.get('plan-evaluator')).toMatchObject({ kind: 'agent', permission: 'read-only' });
  });

  test('of a model plays those that change nothing; what is there stays', async () => {
    mkdirSync(join(folder, 'personas'));
    writeFileSync(join(folder, 'personas/plan-evaluator.md'), 'mine');
    const files = await desk({}).write(folder, { colleague: OLLAMA, model: 'big-1' });
    expect(files.map(({ file, created }) => [file, created])).toEqual([
      ['personas/implementation-planner.md', true],
      ['personas/plan-evaluator.md', false],
    ]);
    expect(readFileSync(join(folder, 'personas/plan-evaluator.md'), 'utf8')).toBe('mine');
    expect(readFileSync(join(folder, 'personas/implementation-planner.md'), 'utf8')).toContain(
      'kind: model\nprovider: openai\nendpoint: http://127.0.0.1:11434/v1\nmodel: "big-1"\nrole: implementation-planner\n',
    );
    expect(existsSync(join(folder, 'personas/lead-engineer.md'))).toBe(false);
  });
});

describe('coord init', () => {
  test('with several found says how to choose, and writes no team', async () => {
    const world = new World();
    world.colleagues = [CLAUDE, OLLAMA];
    const { code, out } = await world.coord('init');
    expect(out).toContain('coord init --with claude   Claude Code, /bin/claude\n  coord init --with ollama   Ollama\n');
    expect(existsSync(join(world.directory, 'personas/lead-engineer.md'))).toBe(false);
    expect(code).toBe(0);
  });

  test('somebody who is not there is an error before anything is written', async () => {
    const world = new World();
    world.colleagues = [CLAUDE];
    const { code, err } = await world.coord('init', '--with', 'claud');
    expect(err).toContain('"claud" is not found on this machine; found here: claude. Did you mean "claude"?');
    expect(code).toBe(2);
    expect(existsSync(join(world.directory, 'workflows'))).toBe(false);
  });
});
