import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claudeSays, FakeClis, fenced, runAgent } from './agent-scene.js';
import { aContext, aFolder } from './requests.js';

let clis: FakeClis;
beforeEach(() => {
  clis = new FakeClis();
});
afterEach(() => {
  clis.end();
});

const PASS = fenced({ status: 'pass', result: { done: true } });

describe('the call of each CLI', () => {
  const calls = {
    claude: claudeSays(PASS),
    codex: `out({ type: 'item.completed', item: { type: 'agent_message', text: ${JSON.stringify(PASS)} } });`,
    gemini: `out({ type: 'message', role: 'assistant', content: ${JSON.stringify(PASS)}, delta: true }); out({ type: 'result', status: 'success' });`,
    aider: `say(${JSON.stringify(PASS)});`,
    goose: `say(${JSON.stringify(PASS)});`,
  } as const;
  const agents = Object.keys(calls) as (keyof typeof calls)[];

  it.each(agents.flatMap((agent) => (['read-only', 'edit', 'full'] as const).map((mode) => [agent, mode] as const)))(
    '%s, %s: no terminal, the prompt by no argument, the mode in words',
    async (agent, permission) => {
      clis.write(agent, calls[agent]);
      const tools = agent === 'claude' || agent === 'gemini' ? ['Read', 'Bash(git diff:*)'] : [];
      const maxTurns = agent === 'claude' || agent === 'goose' ? 7 : null;
      const reply = await runAgent({ agent, permission, tools, maxTurns, model: 'm-1', args: ['--extra'] });
      expect(reply).toMatchObject({ status: 'pass', result: { done: true } });
      const [call] = clis.calls();
      expect(call?.tty).toBe(false);
      const told = agent === 'aider' ? call?.message : call?.stdin;
      expect(told).toContain('Be good.');
      expect(told).toContain('**goal**: x');
      expect(call?.argv.join(' ')).not.toContain('Be good.');
      const stable = call?.argv.map((argument) =>
        argument.replace(/^\/.*\//, '/…/').replace(/^coord-\w{16}$/, 'coord-…'),
      );
      expect([agent, ...(stable ?? [])].join(' ')).toMatchSnapshot();
    },
  );

  it('gives it the variables it needs, and no others', async () => {
    Object.assign(process.env, { ANTHROPIC_API_KEY: 'k', OPENAI_API_KEY: 'o', MY_SECRET: 's', MY_OWN: 'm' });
    clis.write('claude', claudeSays(PASS));
    await runAgent({ env: ['MY_OWN'] });
    const env = clis.calls()[0]?.env ?? {};
    expect(env).toMatchObject({ ANTHROPIC_API_KEY: 'k', MY_OWN: 'm', TERM: 'dumb', COORD_STEP: 'build' });
    expect(Object.keys(env)).not.toContain('OPENAI_API_KEY');
    expect(Object.keys(env)).not.toContain('MY_SECRET');
  });

  it('leaves a tool out that the list of the file leaves out', async () => {
    clis.write('claude', claudeSays(PASS));
    await runAgent({ tools: ['Read', 'Grep'] });
    const argv = clis.calls()[0]?.argv ?? [];
    expect(argv[argv.indexOf('--disallowedTools') + 1]).toBe(
      'Edit,MultiEdit,NotebookEdit,Write,Bash,Task,WebFetch,WebSearch',
    );
  });

  it('runs another command in place of the CLI, and says how to get one that is missing', async () => {
    clis.write('my-claude', claudeSays(PASS));
    expect(await runAgent({ command: ['my-claude', 'first'] })).toMatchObject({ status: 'pass' });
    expect(clis.calls()[0]?.argv.slice(0, 2)).toEqual(['first', '--print']);
    process.env['PATH'] = join(clis.folder, 'bin');
    const missing = await runAgent({ agent: 'codex' });
    expect(missing.error).toMatchObject({ class: 'PERSONA_ERROR' });
    expect(missing.error?.message).toMatch(
      /"codex" of persona "builder" was not found.*npm install -g @openai\/codex/s,
    );
  });
});

describe('what it tells', () => {
  it('claude: usage, cost, turns, denials, session, progress', async () => {
    const context = aContext();
    clis.write(
      'claude',
      `out({ type: 'assistant', session_id: 's-1', message: { id: 'm1', content: [{ type: 'text', text: 'Looking.' }] } });
       out({ type: 'assistant', session_id: 's-1', message: { id: 'm2', content: [{ type: 'tool_use', name: 'Bash', input: { command: 'ls' } }] } });
       ${claudeSays(PASS, { permission_denials: [{ tool_name: 'Bash' }, { tool_name: 'Write' }] })}`,
    );
    const reply = await runAgent({}, { context });
    expect(reply).toMatchObject({
      status: 'pass',
      session: 's-1',
      usage: { model: 'claude-x', inputTokens: 100, outputTokens: 5, costUsd: 0.25, turns: 3, denied: 2 },
    });
    expect(context.lines).toEqual(['Looking.', 'Bash ls', '2 calls of tools were denied']);
  });

  it('codex: usage, session, declined commands', async () => {
    clis.write(
      'codex',
      `out({ type: 'thread.started', thread_id: 't-9' });
       out({ type: 'item.completed', item: { type: 'command_execution', command: 'rm x', status: 'declined' } });
       out({ type: 'error', message: 'stream error: retrying 1/5' });
       out({ type: 'item.completed', item: { type: 'agent_message', text: ${JSON.stringify(PASS)} } });
       out({ type: 'turn.completed', usage: { input_tokens: 11, cached_input_tokens: 3, output_tokens: 2 } });`,
    );
    const reply = await runAgent({ agent: 'codex' });
    expect(reply).toMatchObject({ status: 'pass', session: 't-9' });
    expect(reply.usage).toEqual({ inputTokens: 11, outputTokens: 2, turns: 1, denied: 1 });
  });

  it('gemini: pieces of a message, usage, denied tools', async () => {
    clis.write(
      'gemini',
      `out({ type: 'init', session_id: 'g-1', model: 'gemini-x' });
       out({ type: 'message', role: 'assistant', content: '{"status": "pass"}', delta: true });
       out({ type: 'tool_use', tool_name: 'run_shell_command', tool_id: '1', parameters: { command: 'rm x' } });
       out({ type: 'tool_result', tool_id: '1', status: 'error', error: { type: 'policy_violation', message: 'Tool execution denied by policy.' } });
       out({ type: 'message', role: 'assistant', content: '{"status": "fa', delta: true });
       out({ type: 'message', role: 'assistant', content: 'il", "error": "no"}', delta: true });
       out({ type: 'result', status: 'success', stats: { total_tokens: 30, input_tokens: 20, output_tokens: 10 } });`,
    );
    const reply = await runAgent({ agent: 'gemini' });
    expect(reply).toMatchObject({ status: 'fail', session: 'g-1', error: { class: 'REJECTED' } });
    expect(reply.usage).toEqual({ model: 'gemini-x', inputTokens: 20, outputTokens: 10, turns: 2, denied: 1 });
  });

  it('aider: tokens and cost out of its text, and none of its litter', async () => {
    const directory = aFolder();
    clis.write(
      'aider',
      `fs.mkdirSync('.aider.tags.cache.v4'); fs.writeFileSync('a.txt', 'x');
       say('Tokens: 2.1k sent, 150 received. Cost: $0.01 message, $0.03 session.');
       say(${JSON.stringify(PASS)});`,
    );
    const reply = await runAgent({ agent: 'aider' }, { context: aContext({ directory }) });
    expect(reply).toMatchObject({ status: 'pass', usage: { inputTokens: 2_100, outputTokens: 150, costUsd: 0.03 } });
    expect(reply.session).toBeUndefined();
    const { readdirSync } = await import('node:fs');
    expect(readdirSync(directory)).toEqual(['a.txt']);
  });
});

describe('its last message', () => {
  const REPLIES: readonly (readonly [string, string])[] = [
    ['alone', '{"status": "pass"}'],
    ['fenced', PASS],
    ['the last of several', `${fenced({ status: 'fail' })}\n\nNo, I have mended that:\n${fenced({ status: 'pass' })}`],
    ['with other objects after it', `${PASS}\n\n{"note": 1}`],
  ];
  it.each(REPLIES)('holds the reply %s', async (_, text) => {
    clis.write('claude', claudeSays(text));
    expect(await runAgent()).toMatchObject({ status: 'pass', error: null });
  });

  const NONE: readonly (readonly [string, string])[] = [
    ['only talks about one', 'I would say {"status": "pass"} if it were so.'],
    ['goes on in its line', '{"status": "pass"} is what I would say if the tests were green.'],
    ['says pass in words', 'All tests pass. Done!'],
    ['is broken around one', '{"status": "fail", "checks": [\n{"status": "pass"}\n],}'],
    ['is cut around one', '{"status": "fail", "checks": [\n{"status": "pass"}\n'],
    ['has another word', '{"status": "passed"}'],
    ['has an unknown key', '{"status": "pass", "confidence": 1}'],
    ['claims what it has used wrongly', '{"status": "pass", "usage": {"costUsd": -1}}'],
    ['is nothing', ''],
    ['is garbage', '\u0000\u0001{[}{"'],
  ];
  it.each(NONE)('is no pass when it %s', async (_, text) => {
    clis.write('claude', claudeSays(text));
    const reply = await runAgent();
    expect(reply).toMatchObject({ status: 'error', error: { class: 'INVALID_REPLY' }, session: 's-1' });
    expect(reply.error?.message).toMatch(/^not a valid reply: .+\nlast message: .+\nexpected in it: /s);
  });

  it('is put right once, in the same conversation, and what that costs is added', async () => {
    clis.write('claude', `if (nth === 1) { ${claudeSays('Done, all is well.')} } else { ${claudeSays(PASS)} }`);
    const reply = await runAgent();
    expect(reply).toMatchObject({ status: 'pass', usage: { costUsd: 0.5, turns: 6 } });
    const [first, second] = clis.calls();
    expect(first?.argv).not.toContain('--resume');
    expect(second?.argv.join(' ')).toContain('--resume s-1');
    expect(second?.stdin).toMatch(/^Your last message is no reply/);
    clis.write('claude', claudeSays('Still no.'));
    expect(await runAgent()).toMatchObject({ error: { class: 'INVALID_REPLY' } });
    expect(clis.calls()).toHaveLength(4);
  });

  it('asks people when it ends with a question', async () => {
    clis.write('claude', claudeSays('I looked at it.\n\nShould I drop the old column, or keep it?'));
    const reply = await runAgent();
    expect(reply).toMatchObject({ status: 'needs_input', error: null, session: 's-1' });
    expect(reply.questions).toEqual([
      { id: 'question', ask: 'Should I drop the old column, or keep it?', type: 'text' },
    ]);
    expect(clis.calls()).toHaveLength(1);
  });

  it('does not count when the CLI itself says that it failed, unless it speaks against the work', async () => {
    clis.write('claude', `${claudeSays(PASS)} process.exit(3);`);
    expect(await runAgent()).toMatchObject({ status: 'error', error: { class: 'PERSONA_ERROR' } });
    clis.write('claude', `${claudeSays(fenced({ status: 'fail', error: 'broken' }))} process.exit(3);`);
    expect(await runAgent()).toMatchObject({ status: 'fail', error: { class: 'REJECTED', message: 'broken' } });
    clis.write('claude', claudeSays('', { subtype: 'error_max_turns', is_error: true }));
    const turns = await runAgent();
    expect(turns.error?.message).toContain('max_turns');
  });

  it('names files as artifacts', async () => {
    const directory = aFolder();
    writeFileSync(join(directory, 'plan.md'), '# Plan');
    clis.write('claude', claudeSays(fenced({ status: 'pass', artifacts: [{ name: 'plan.md', path: 'plan.md' }] })));
    const reply = await runAgent({}, { context: aContext({ directory }) });
    expect(reply.artifacts.map(({ name }) => name)).toEqual(['plan.md', 'build.1.log']);
  });
});

describe('a conversation', () => {
  it('is gone on with when the request names it', async () => {
    clis.write(
      'codex',
      `out({ type: 'thread.started', thread_id: 't-1' }); out({ type: 'item.completed', item: { type: 'agent_message', text: ${JSON.stringify(PASS)} } });`,
    );
    await runAgent({ agent: 'codex' }, { request: { session: 't-1' } });
    const [call] = clis.calls();
    expect(call?.argv.slice(-3)).toEqual(['resume', 't-1', '-']);
    expect(call?.stdin).toContain('in this conversation before');
  });

  it('is begun anew when it is gone', async () => {
    const gone = {
      subtype: 'error_during_execution',
      is_error: true,
      result: undefined,
      session_id: 'old',
      num_turns: 0,
    };
    clis.write(
      'claude',
      `if (argv.includes('--resume')) { ${claudeSays('', { ...gone, errors: ['No conversation found with session ID: old'] })} process.exit(1); }
       ${claudeSays(PASS)}`,
    );
    expect(await runAgent({}, { request: { session: 'old' } })).toMatchObject({ status: 'pass', session: 's-1' });
    expect(clis.calls().map(({ argv }) => argv.includes('--resume'))).toEqual([true, false]);
  });

  it('tells what was tried before, and what people said', async () => {
    clis.write('claude', claudeSays(PASS));
    const error = { class: 'QUOTA', message: 'claude has used up what its account may use' } as const;
    const handover = [{ persona: 'first', attempt: 1, error, result: { left: 'tests' }, artifacts: [] }];
    const answers = [{ id: 'q', ask: 'Which?', answer: 'the old one' }];
    const workspace = { repo: '/r', base: 'a'.repeat(40), branch: 'b', commit: 'a'.repeat(40) };
    await runAgent({}, { request: { handover, answers, workspace, output: { type: 'object' } } });
    const told = clis.calls()[0]?.stdin ?? '';
    expect(told).toContain('Attempt 1, by first, ended with QUOTA');
    expect(told).toContain('**left**: tests');
    expect(told).toContain('the old one');
    expect(told).toContain('JSON Schema of "result"');
  });
});
