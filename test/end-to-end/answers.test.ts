/** Many people answer one question at the same moment, from several processes: one answer holds, and all others are told whose. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Fact } from '../../src/core/facts.js';
import type { RunView } from '../../src/core/views.js';
import { COORD, type Ended, killTree, start, type Started, TOP } from '../harness/process-tree.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';

const PROCESSES = 4;
const ANSWERS = 50;

let folder: string;
let server: TestServer;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coord-answers-'));
  mkdirSync(join(folder, 'workflows'));
  writeFileSync(join(folder, 'workflows/ask.yml'), ASK);
  writeFileSync(join(folder, 'answer.mjs'), PROGRAM);
  server = await startTestServer();
});
afterEach(async () => {
  await killAll();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const ASK = `
name: ask
steps:
  - { id: ok, type: decision, prompt: "Go on?", choices: [yes, no, later], reject: [] }
  - { id: told, type: emit, event: decided, dependencies: [ok], data: { choice: "{{ steps.ok.result.choice }}" } }
`;

/** Answers as many times as it is told, all at once, as soon as there is the file `go`; prints what became of each. */
const PROGRAM = `
import { existsSync } from 'node:fs';
import { connect } from ${JSON.stringify(join(TOP, 'dist/app/client.js'))};
const [redis, run, name, count] = process.argv.slice(2);
const { client, close } = await connect({ redis });
const signal = new AbortController().signal;
console.log('ready');
while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 2));
const choices = ['yes', 'no', 'later'];
const answers = await Promise.all(
  Array.from({ length: Number(count) }, async (_, index) => {
    const answer = { step: 'ok', choice: choices[index % 3], by: name + '-' + index, from: name };
    try {
      const outcome = await client.decided(await client.decide(run, answer), { waitMs: 60_000, signal });
      return { ...answer, ...outcome };
    } catch (error) {
      return { ...answer, outcome: 'refused', code: error.code, reason: error.message };
    }
  }),
);
console.log(JSON.stringify(answers));
await close();
process.exit(0);
`;

interface Told {
  readonly by: string;
  readonly choice: string;
  readonly outcome: string;
  readonly code?: string;
  readonly reason?: string;
}

const killAll = (): Promise<number> => killTree({ mark: `COORD_TEST_TREE=${folder}`, folder });
const address = (): string => `unix:${server.server.socket}`;
const begin = (command: readonly [string, ...string[]]): Started =>
  start(command, { cwd: folder, env: { COORD_TEST_TREE: folder } });
const coord = (...args: string[]): Promise<Ended> => begin([COORD, '--redis', address(), ...args]).ended;

/** Resolves when the process prints it, on either output. */
function says({ child }: Started, text: string): Promise<void> {
  return new Promise((resolve) => {
    let said = '';
    const listen = (chunk: string): void => {
      said += chunk;
      if (said.includes(text)) resolve();
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
  });
}

/** A daemon that owns the partition. */
async function coordinator(): Promise<Started> {
  const daemon = begin([COORD, '--redis', address(), 'daemon']);
  await says(daemon, 'is ours');
  return daemon;
}

/** Answers from all processes at once; `meanwhile` happens right after they were let go. */
async function answerAll(run: string, meanwhile: () => Promise<void>): Promise<readonly Told[]> {
  const children = Array.from({ length: PROCESSES }, (_, index) =>
    begin([process.execPath, join(folder, 'answer.mjs'), address(), run, `p${String(index)}`, String(ANSWERS)]),
  );
  await Promise.all(children.map((child) => says(child, 'ready')));
  writeFileSync(join(folder, 'go'), '');
  await meanwhile();
  const ended = await Promise.all(children.map((child) => child.ended));
  return ended.flatMap(({ stdout }) => JSON.parse(stdout.split('\n')[1] ?? '[]') as readonly Told[]);
}

async function expectOne(run: string, told: readonly Told[]): Promise<void> {
  const winners = told.filter(({ outcome }) => outcome === 'done');
  expect(winners).toHaveLength(1);
  const [winner] = winners;
  const losers = told.filter(({ outcome }) => outcome === 'refused');
  expect(losers).toHaveLength(PROCESSES * ANSWERS - 1);
  for (const { reason, code = 'DECISION_REFUSED' } of losers) {
    expect(reason).toMatch(`${String(winner?.by)} answered "${String(winner?.choice)}" at 20`);
    expect(code).toBe('DECISION_REFUSED');
  }
  const shown = JSON.parse((await coord('show', run, '--json')).stdout) as RunView;
  expect(shown).toMatchObject({ status: 'completed', result: { data: { choice: winner?.choice } } });
  const history = (await coord('history', run, '--json')).stdout;
  const facts = history.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Fact]));
  expect(facts.filter(({ type }) => type === 'decision.answered')).toMatchObject([
    { by: winner?.by, choice: winner?.choice, from: winner?.by.split('-')[0] },
  ]);
  expect(facts.filter(({ type }) => type === 'event.emitted')).toHaveLength(1);
}

async function asked(): Promise<string> {
  const { stdout } = await coord('run', 'ask', '--no-repo', '--until-waiting', '--json');
  return (JSON.parse(stdout) as RunView).id;
}

test('200 answers from 4 processes: one holds, 199 are told who won', { timeout: 90_000 }, async () => {
  await coordinator();
  const run = await asked();
  const told = await answerAll(run, async () => undefined);
  expect(told).toHaveLength(PROCESSES * ANSWERS);
  await expectOne(run, told);
});

test('200 answers from 4 processes while the coordinator is killed', { timeout: 90_000 }, async () => {
  const first = await coordinator();
  const run = await asked();
  const told = await answerAll(run, async () => {
    first.child.kill('SIGKILL');
    await first.ended;
    await coordinator();
  });
  expect(told).toHaveLength(PROCESSES * ANSWERS);
  await expectOne(run, told);
});
