/** An agent that runs out of quota in the middle of its work: what it has done is there for the one that goes on. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { anAgent, FakeClis, fenced } from './agent-scene.js';
import { aRepository, gitIn } from './repositories.js';
import { aFolder } from './requests.js';
import { Scene } from './worker-scene.js';

// Without the identity and settings of whoever runs the tests.
for (const name of ['HOME', 'XDG_CONFIG_HOME']) process.env[name] = aFolder();

let clis: FakeClis;
beforeEach(() => {
  clis = new FakeClis();
});
afterEach(() => {
  clis.end();
});

it('its diff lies in the folder of the next, whose prompt says what was tried', async () => {
  const { repo, base } = aRepository();
  const workspace = { repo, base, branch: 'coord/demo-1', commit: base };
  clis.write(
    'claude',
    `fs.writeFileSync('half.txt', 'half'); fs.appendFileSync('a.txt', 'more');
     out({ type: 'system', subtype: 'init', session_id: 's-1', model: 'm' });
     out({ type: 'result', subtype: 'success', is_error: true, result: "You've hit your session limit · resets 11pm (UTC)", session_id: 's-1', num_turns: 2, total_cost_usd: 0.5, usage: { input_tokens: 9, output_tokens: 3 } });
     process.exit(1);`,
  );
  clis.write(
    'codex',
    `const seen = fs.readFileSync('half.txt', 'utf8') + fs.readFileSync('a.txt', 'utf8');
     fs.writeFileSync('rest.txt', 'rest');
     out({ type: 'item.completed', item: { type: 'agent_message', text: ${JSON.stringify(fenced({ status: 'pass', result: 'SEEN' }))}.replace('SEEN', JSON.stringify(seen).slice(1, -1)) } });`,
  );
  const scene = new Scene();
  const personas = [anAgent({ name: 'first' }), anAgent({ name: 'second', agent: 'codex' })];
  const { events } = scene.worker(personas);
  await scene.ask({ persona: 'first', workspace });
  await events.next('replied');
  const [failed] = await scene.replies();
  expect(failed).toMatchObject({
    status: 'error',
    error: { class: 'QUOTA' },
    session: 's-1',
    usage: { costUsd: 0.5, turns: 2, inputTokens: 9, outputTokens: 3 },
  });
  // The clock of the scene stands at 22:13:20.
  expect(failed?.resumeInMs).toBe((46 * 60 + 40) * 1000);
  const commit = failed?.commit ?? '';
  expect(gitIn(repo, 'show', `${commit}:half.txt`)).toBe('half');
  expect(gitIn(repo, 'rev-parse', 'coord/demo-1')).toBe(base);

  const { error = null, result = null } = failed ?? {};
  const handover = [{ persona: 'first', attempt: 1, error, result, artifacts: [] }];
  await scene.ask({ persona: 'second', attempt: 2, workspace: { ...workspace, commit }, handover });
  await events.next('replied');
  const [, passed] = await scene.replies();
  expect(passed).toMatchObject({ status: 'pass', result: 'halfa\nmore' });
  const told = clis.calls()[1]?.stdin ?? '';
  expect(told).toContain('### Attempt 1, by first, ended with QUOTA');
  expect(told).toContain('resets 11pm');
  expect(told).toContain('may lie in the folder already, committed');
  const files = gitIn(repo, 'ls-tree', '--name-only', passed?.commit ?? '').split('\n');
  expect(files).toEqual(['.gitignore', 'a.txt', 'half.txt', 'rest.txt']);
  expect(existsSync(join(repo, 'half.txt'))).toBe(false);
  expect(readFileSync(join(repo, 'a.txt'), 'utf8')).toBe('a\n');
  await scene.end();
});
