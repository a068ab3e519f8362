/** `coord persona`: over persona files of a project, with programs that are really started. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { World } from '../world.js';

let world: World;
beforeEach(() => {
  world = new World();
  mkdirSync(join(world.directory, 'personas'));
});

function file(name: string, front: string, body = ''): void {
  writeFileSync(join(world.directory, 'personas', name), `---\n${front}\n---\n${body}\n`);
}

const answering = (reply: object): string =>
  `kind: command\ncommand: ["${process.execPath}", "-e", 'process.stdin.resume(); console.error("thinking"); process.stdin.on("end", () => console.log(JSON.stringify(${JSON.stringify(reply)})))']`;

describe('coord persona list', () => {
  test('shows who does the work, and what is wrong with the files that cannot be read', async () => {
    file('planner.md', 'kind: command\ncommand: [./plan.sh, fast]\ndescription: plans\nconcurrency: 3');
    file('odd.md', 'kind: command\ncomand: [x]');
    const { code, out, err } = await world.coord('persona');
    expect(out).toMatch(/^planner +command +3 +personas\/plan\.sh fast +plans$/m);
    expect(out).toMatch(/^git +git +4 +coord itself +Branches/m);
    expect(err).toMatch(/odd\.md:3:1 unknown_key: key "comand" is unknown. Did you mean "command"\?/);
    expect(code).toBe(2);
    const json = JSON.parse((await world.coord('persona', 'list', '--json')).out) as { personas: { name: string }[] };
    expect(json.personas.map(({ name }) => name)).toContain('planner');
  });
});

describe('coord persona show', () => {
  test('has the prompt, and says what is meant when there is no such persona', async () => {
    file('planner.md', 'kind: command\ncommand: [sh]\ndescription: plans\ntools: Read, Grep', 'You plan.\nWell.');
    const { code, out } = await world.coord('persona', 'show', 'planner');
    expect(out).toContain('planner: plans\n');
    expect(out).toContain('Read, Grep\n');
    expect(out).toContain(`${world.directory}/personas/planner.md\n\nYou plan.\nWell.\n`);
    expect(code).toBe(0);
    const gone = await world.coord('persona', 'show', 'planer');
    expect(gone).toMatchObject({ code: 2 });
    expect(gone.err).toContain('there is no persona "planer"; coord persona list shows those that there are');
  });
});

describe('coord persona roles', () => {
  test('says which there are, and who changes files', async () => {
    const { code, out } = await world.coord('persona', 'roles');
    expect(out).toMatch(/^lead-engineer, implementation-agent +yes +Makes the change/m);
    expect(out).toMatch(/^qa-engineer, tester-qa, quality-agent +no +Runs what proves/m);
    expect(code).toBe(0);
  });
});

describe('coord persona check', () => {
  test('finds what a run would only find when it asks', async () => {
    file('fine.md', 'kind: command\ncommand: [sh, -c, "exit 0"]');
    file(
      'gone.md',
      'kind: command\ncommand: [no-such-program-anywhere]\nenv: [COORDTEST_NOT_SET]'.replace('COORDTEST', 'TEST'),
    );
    file('flat.md', 'kind: command\ncommand: [./flat.md]');
    file('lost.md', 'kind: function\nmodule: ./lost.mjs\nexport: run');
    const { code, out } = await world.coord('persona', 'check', 'fine', 'gone', 'flat', 'lost');
    expect(out).toMatch(/^fine: works\n {2}✓ sh +\//);
    expect(out).toMatch(
      /gone: does not work\n {2}✗ no-such-program-anywhere {2}is not on PATH\n +→ install no-such-program-anywhere, or name it by its path/,
    );
    expect(out).toMatch(/! TEST_NOT_SET +is not set here, so the persona does not get it/);
    expect(out).toMatch(/flat: does not work\n {2}✗ \S+flat\.md {2}may not be executed\n +→ chmod \+x \S+flat\.md/);
    expect(out).toMatch(/lost: does not work\n {2}✗ \S+lost\.mjs {2}Cannot find module/);
    expect(code).toBe(1);
    expect(await world.coord('persona', 'check', 'fine')).toMatchObject({ code: 0 });
  });

  test('without names looks at all, and at what cannot be read', async () => {
    file('odd.md', 'kind: nothing');
    const { code, out, err } = await world.coord('persona', 'check');
    expect(out).toContain('git: works\n');
    expect(err).toContain('odd.md:2:1 bad_value');
    expect(code).toBe(1);
  });
});

describe('coord persona try', () => {
  test('asks once, with progress, and shows the reply', async () => {
    const reply = {
      status: 'pass',
      result: { sum: 3 },
      artifacts: [{ name: 'a.md', content: 'hello' }],
      usage: { model: 'm1', inputTokens: 12, outputTokens: 3, costUsd: 0.01, turns: 1 },
    };
    file('adder.md', answering(reply));
    const { code, out, err } = await world.coord('persona', 'try', 'adder', 'add it up');
    expect(err).toBe('thinking\n');
    expect(out.replace(/after \S+( \S+)?,/, 'after -,')).toBe(
      'pass after -, m1, 15 tokens, $0.0100, 1 turn\n{\n  "sum": 3\n}\nartifact a.md (text/markdown, 5 bytes)\nartifact trial.1.log (text/plain, 9 bytes)\n',
    );
    expect(code).toBe(0);
  });

  test('hands over the words, what is set, and the folder', async () => {
    file('echo.md', `kind: command\noutput: text\ncommand: [sh, -c, 'pwd; cat']`);
    const { out } = await world.coord(
      'persona',
      'try',
      'echo',
      'hi',
      '--set',
      'n=2',
      '--param',
      'work=draft',
      '--in',
      '.',
      '--json',
    );
    const { text } = (JSON.parse(out) as { result: { text: string } }).result;
    const [folder, request = ''] = text.split('\n');
    expect(folder).toBe(world.directory);
    expect(JSON.parse(request)).toMatchObject({
      persona: 'echo',
      task: { description: 'hi', n: 2 },
      params: { work: 'draft' },
      workspace: null,
    });
  });

  test('a verdict, an error and a question are told, and are no success', async () => {
    file('no.md', answering({ status: 'fail', error: 'the tests fail' }));
    file('asks.md', answering({ status: 'needs_input', questions: [{ id: 'db', ask: 'Which database?' }] }));
    const no = await world.coord('persona', 'try', 'no');
    expect(no).toMatchObject({ code: 1 });
    expect(no.out).toMatch(/^fail after .*\nREJECTED: the tests fail\n/);
    const asks = await world.coord('persona', 'try', 'asks');
    expect(asks.out).toMatch(/^needs_input after .*\nasks db: Which database\?\n/);
    expect(asks.code).toBe(1);
  });

  test('ends what takes too long, with all that it has started', async () => {
    file('slow.md', `kind: command\noutput: text\ncommand: [sh, -c, 'sleep 60 & sleep 60']`);
    const { code, out } = await world.coord('persona', 'try', 'slow', '--timeout', '50ms');
    expect(out).toMatch(/^error after .*\nTIMEOUT: not done after 50 ms, the limit of this trial\n/);
    expect(code).toBe(1);
  });
});
