/**
 * The project loop as a user has it after `coord init`: a team of an agent that is installed here, or of a model beside it, on a
 * repository of 500 files. The agent is a program that talks as the real one does, and stops in the middle since its quota is used up.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunView } from '../../src/core/views.js';
import { HttpService } from '../harness/http-service.js';
import { COORD, type Ended, killTree, start, TOP } from '../harness/process-tree.js';
import { openaiSays } from '../personas/models.js';

const SHOP = join(TOP, 'examples/shopping-cart');
const FILES = 500;

const PLAN = {
  goal: 'Coupons give whole cents and never more than the goods cost',
  plan: [{ goal: 'round and cap', key_files: ['src/coupons.js'], acceptance_criteria: ['npm test passes'] }],
  risks: ['src/cart.js uses it'],
};
const SCORE = { score: 88, reasons: ['src/coupons.js is there, and the failing tests are named'] };

let folder: string;
let project: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'coord-team-e2e-')));
  project = join(folder, 'shop');
  cpSync(join(SHOP, 'project'), project, { recursive: true });
  mkdirSync(join(project, 'src/more'));
  for (let number = 0; number < FILES; number++)
    writeFileSync(
      join(project, `src/more/part-${String(number)}.js`),
      `export const part${String(number)} = ${String(number)};\n`,
    );
  const git = (...args: string[]): void => {
    execFileSync(
      'git',
      ['-c', 'user.name=T', '-c', 'user.email=t@example.com', '-c', 'commit.gpgsign=false', ...args],
      { cwd: project },
    );
  };
  git('-c', 'init.defaultBranch=main', 'init', '--quiet');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'shop');
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/claude'), agent());
  chmodSync(join(folder, 'bin/claude'), 0o755);
});
afterEach(async () => {
  await killTree({ mark: `COORD_TEST_TREE=${folder}`, folder });
  rmSync(folder, { recursive: true, force: true });
});

/** Talks as `claude --print --output-format stream-json` does. The engineer's first call ends at a usage limit, in the middle of the work. */
function agent(): string {
  return `#!${process.execPath}
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
const say = (event) => console.log(JSON.stringify({ session_id: 'session-' + role, ...event }));
const prompt = readFileSync(0, 'utf8');
const role = prompt.includes('implementation planner') ? 'planner' : prompt.includes('evaluate the plan') ? 'evaluator' : 'engineer';
appendFileSync(${JSON.stringify(join(folder, 'calls'))}, JSON.stringify({ role, argv: process.argv.slice(2), prompt }) + '\\n');
say({ type: 'system', subtype: 'init', model: 'fake-1' });
say({ type: 'assistant', message: { id: 'm1', content: [{ type: 'tool_use', name: 'Read', input: { file_path: 'src/coupons.js' } }], usage: { input_tokens: 900, output_tokens: 40 } } });
const reply = (result) => {
  const text = 'Done.\\n\\n\`\`\`json\\n' + JSON.stringify({ status: 'pass', result }) + '\\n\`\`\`';
  say({ type: 'result', subtype: 'success', is_error: false, result: text, num_turns: 2, total_cost_usd: 0.02, usage: { input_tokens: 1000, output_tokens: 100 } });
};
if (role === 'planner') reply(${JSON.stringify(PLAN)});
else if (role === 'evaluator') reply(${JSON.stringify(SCORE)});
else if (!process.argv.includes('--resume')) {
  execFileSync('git', ['apply', '--include=src/*', ${JSON.stringify(join(SHOP, 'personas/coupons.patch'))}]);
  const reset = Math.floor(Date.now() / 1000) + 2;
  say({ type: 'result', subtype: 'success', is_error: true, result: 'Claude AI usage limit reached|' + reset, num_turns: 1, total_cost_usd: 0.01, usage: { input_tokens: 500, output_tokens: 50 } });
  process.exitCode = 1;
} else {
  execFileSync('git', ['apply', '--exclude=src/*', ${JSON.stringify(join(SHOP, 'personas/coupons.patch'))}]);
  reply({ summary: 'rounded and capped', files: ['src/coupons.js', 'CHANGELOG.md'] });
}
`;
}

interface Call {
  readonly role: string;
  readonly argv: readonly string[];
  readonly prompt: string;
}

const calls = (): readonly Call[] =>
  readFileSync(join(folder, 'calls'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Call);

function coord(...args: string[]): Promise<Ended> {
  const env = {
    COORD_TEST_TREE: folder,
    PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
    ANTHROPIC_API_KEY: '',
    OPENAI_API_KEY: '',
  };
  return start([COORD, '-C', project, ...args], { cwd: project, env }).ended;
}

async function runs(): Promise<RunView> {
  const { stdout, stderr } = await coord('run', 'project-loop', '--task', join(SHOP, 'task.yml'), '--json');
  const { id } = JSON.parse(stdout === '' ? `{"id": ${JSON.stringify(stderr)}}` : stdout) as { id: string };
  return JSON.parse((await coord('show', id, '--json')).stdout) as RunView;
}

/** What the run has left: a branch whose tests pass, and a checkout that nobody has touched. */
function handedOver(view: RunView): void {
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: project, encoding: 'utf8' }).trim();
  expect(git('diff', '--stat', `main...${view.workspace?.branch ?? ''}`)).toContain('src/coupons.js');
  expect(git('status', '--porcelain', '--untracked-files=no')).toBe('');
  const copy = join(folder, 'copy');
  git('worktree', 'add', '--quiet', '--detach', copy, view.head ?? '');
  execFileSync('npm', ['test'], { cwd: copy, stdio: 'pipe' });
}

test('with a team of an agent: init, and a run over a usage limit in the middle of the work', {
  timeout: 120_000,
}, async () => {
  const made = await coord('init', '--with', 'claude');
  expect(made.stdout).toContain('The team is Claude Code');
  expect(made.stdout).toContain('it answers in');
  expect(made.code).toBe(0);
  rmSync(join(folder, 'calls'));

  const view = await runs();
  expect(view.steps.map(({ id, status, attempt }) => `${id} ${status} ${String(attempt)}`)).toEqual([
    'planning succeeded 1',
    'plan-evaluation succeeded 1',
    'implementation succeeded 2',
    'qa succeeded 1',
    'code-review succeeded 1',
    'security-review succeeded 1',
  ]);
  expect(view.status).toBe('completed');
  const [planner, evaluator, first, second] = calls();
  expect(planner?.argv.join(' ')).toContain('--permission-mode default');
  expect(evaluator?.prompt).toContain(PLAN.goal);
  expect(first?.argv.join(' ')).toContain('--permission-mode acceptEdits');
  expect(second?.argv.join(' ')).toContain('--resume session-engineer');
  expect(second?.prompt).toContain('ended with QUOTA');
  expect(calls()).toHaveLength(4);

  const history = await coord('history', view.id, '--json');
  expect(history.stdout).toContain('"parked":true');
  const stats = await coord('stats', '--json');
  expect(stats.stdout).toContain('costUsd');
  handedOver(view);
});

test('with models that plan and evaluate, and an agent that works', { timeout: 120_000 }, async () => {
  const service = await new HttpService((response, call) => {
    const isPlanner = call.body.includes('You are the implementation planner');
    openaiSays(JSON.stringify({ status: 'pass', result: isPlanner ? PLAN : SCORE }))(response, call);
  }).open();
  try {
    await coord('init', '--with', 'claude', '--no-ask');
    for (const role of ['implementation-planner', 'plan-evaluator'])
      writeFileSync(
        join(project, `personas/${role}.md`),
        `---\nkind: model\nprovider: openai\nendpoint: ${service.url}/v1\nmodel: m-1\nprice_input: 2\nprice_output: 10\nrole: ${role}\n---\n`,
      );
    const view = await runs();
    expect(view).toMatchObject({ status: 'completed', failure: null });
    expect(view.steps.find(({ id }) => id === 'plan-evaluation')?.result).toEqual(SCORE);
    expect(calls().map(({ role }) => role)).toEqual(['engineer', 'engineer']);
    handedOver(view);
  } finally {
    await service.close();
  }
});
