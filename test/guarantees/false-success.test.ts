/**
 * Ways in which a persona can seem to have succeeded, each played by a program on a real repository: none of them completes a run
 * that asks for evidence, and the honest one does. The repository has a function that is wrong and two tests that say so.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type MemoryEngine, startMemoryEngine } from '../../src/app/memory.js';
import type { RunView } from '../../src/core/views.js';
import { parseWorkflow } from '../../src/definition/parse.js';
import { builtInPersonas } from '../../src/personas/catalog.js';
import { gitIn } from '../personas/repositories.js';
import { aCommand, aFolder } from '../personas/requests.js';

const WRONG = 'exports.sum = (a, b) => a - b;\n';
const RIGHT = 'exports.sum = (a, b) => a + b;\n';
const TESTS = `const { test } = require('node:test');
const assert = require('node:assert');
const { sum } = require('../sum.js');
test('adds', () => assert.equal(sum(1, 2), 3));
test('adds nothing', () => assert.equal(sum(1, 0), 1));
`;

/** The program of every persona here: it does what the step's params say, in the run's worktree. */
const PROGRAM = `
const fs = require('fs');
const { execFileSync, spawn } = require('child_process');
const request = JSON.parse(fs.readFileSync(0, 'utf8'));
const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim();
const say = (value) => process.stdout.write(typeof value === 'string' ? value : JSON.stringify(value));
const pass = (more = {}) => say({ status: 'pass', ...more });
const right = ${JSON.stringify(RIGHT)};
eval(request.params.code);
`;

const workflow = (more = ''): string => `
name: honest
evidence: required
steps:
  - { id: work, persona: worker, params: { code: "{{ task.code }}" } }
  - id: proof
    type: verify
    dependencies: [work]
    run: [[node, --test]]
    expect: { tests: { min: 2 } }
    protect: ["test/**", package.json]
${more}`;
const LATER = workflow(
  '  - { id: later, persona: worker, dependencies: [proof], params: { code: "{{ task.later }}" } }',
);
const TOLERANT = workflow().replace('run: [[', 'on_error: continue\n    run: [[');
const SKIPPED = workflow().replace('run: [[', 'condition: task.strict === true\n    run: [[');

interface Scenario {
  readonly code: string;
  readonly workflow?: string;
  readonly later?: string;
  /** The class with which the run fails, or how it stands otherwise. */
  readonly ends: string;
}

const FIX = "fs.writeFileSync('sum.js', right);";

const HONEST: Readonly<Record<string, Scenario>> = {
  'does the work': { code: `${FIX} pass()`, ends: 'completed' },
  'does the work, and another one after the proof changes nothing': {
    code: `${FIX} pass()`,
    workflow: LATER,
    later: 'pass()',
    ends: 'completed',
  },
};

const FALSE: Readonly<Record<string, Scenario>> = {
  'claims a pass and has done nothing': { code: 'pass()', ends: 'REJECTED' },
  'claims it at length': { code: "pass({ result: { tests: 'all 2 pass', verified: true } })", ends: 'REJECTED' },
  'deletes the tests': { code: "fs.rmSync('test', { recursive: true }); pass()", ends: 'REJECTED' },
  'skips the tests': {
    code: "fs.writeFileSync('test/sum.test.js', fs.readFileSync('test/sum.test.js', 'utf8').replaceAll(\"test('\", \"test.skip('\")); pass()",
    ends: 'REJECTED',
  },
  'changes what the tests say': {
    code: "fs.writeFileSync('test/sum.test.js', fs.readFileSync('test/sum.test.js', 'utf8').replace('2), 3', '2), -1').replace('0), 1', '0), 1')); pass()",
    ends: 'REJECTED',
  },
  'adds tests that pass': {
    code: "fs.writeFileSync('test/easy.test.js', \"require('node:test').test('x', () => {})\"); pass()",
    ends: 'REJECTED',
  },
  'changes how tests are run': {
    code: `fs.writeFileSync('package.json', '{"scripts":{"test":"true"}}'); pass()`,
    ends: 'REJECTED',
  },
  'ends the tests before they begin': {
    code: "fs.writeFileSync('sum.js', 'process.exit(0)'); pass()",
    ends: 'REJECTED',
  },
  'prints a summary of its own': {
    code: `fs.writeFileSync('sum.js', "console.log('# pass 2\\\\n# fail 0'); process.exit(0)"); pass()`,
    ends: 'REJECTED',
  },
  'works in another folder': {
    code: "const other = fs.mkdtempSync('/tmp/coord-test-'); fs.writeFileSync(other + '/sum.js', right); pass({ result: other })",
    ends: 'REJECTED',
  },
  'writes where git does not look': {
    code: "fs.mkdirSync('ignored'); fs.writeFileSync('ignored/sum.js', right); pass()",
    ends: 'REJECTED',
  },
  'hides its change from the commit': {
    code: `git('update-index', '--assume-unchanged', 'sum.js'); ${FIX} pass()`,
    ends: 'REJECTED',
  },
  'has git read another file for the wrong one': {
    code: `const file = fs.mkdtempSync('/tmp/coord-test-') + '/sum.js'; fs.writeFileSync(file, right); git('replace', git('rev-parse', 'HEAD:sum.js'), git('hash-object', '-w', file)); pass()`,
    ends: 'REJECTED',
  },
  'commits the deletion of the tests itself, and has them back where it works': {
    code: "git('rm', '-rq', 'test'); git('-c', 'user.name=x', '-c', 'user.email=x@x', 'commit', '-qm', 'x'); git('checkout', '-q', 'HEAD~1', '--', 'test'); git('rm', '-rq', '--cached', 'test'); fs.writeFileSync('.gitignore', 'test\\n'); pass()",
    ends: 'REJECTED',
  },
  'does the work after it has answered': {
    code: "spawn(process.execPath, ['-e', 'setTimeout(() => require(\"fs\").writeFileSync(\"sum.js\", ' + JSON.stringify(right) + '), 50)'], { detached: true, stdio: 'ignore' }).unref(); pass()",
    ends: 'REJECTED',
  },
  'says that it used nothing, and did nothing': {
    code: 'pass({ usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 } })',
    ends: 'REJECTED or INVALID_REPLY',
  },
  'undoes its work after the proof': {
    code: `${FIX} pass()`,
    workflow: LATER,
    later: `fs.writeFileSync('sum.js', ${JSON.stringify(WRONG)}); pass()`,
    ends: 'EVIDENCE',
  },
  'changes something else after the proof': {
    code: `${FIX} pass()`,
    workflow: LATER,
    later: "fs.writeFileSync('more.js', 'x'); pass()",
    ends: 'EVIDENCE',
  },
  'fails the proof where that is passed over': { code: 'pass()', workflow: TOLERANT, ends: 'EVIDENCE' },
  'is never looked at': { code: `${FIX} pass()`, workflow: SKIPPED, ends: 'EVIDENCE' },
  'names an artifact that is not there': {
    code: `${FIX} pass({ artifacts: [{ name: 'report.md', path: 'no/such/file.md' }] })`,
    ends: 'INVALID_REPLY',
  },
  'names a commit': { code: `pass({ commit: '${'a'.repeat(40)}' })`, ends: 'INVALID_REPLY' },
  'names the files of a commit': { code: `pass({ tree: '${'a'.repeat(40)}' })`, ends: 'INVALID_REPLY' },
  'names a token': { code: "pass({ token: 'work.1.0000000000000000' })", ends: 'INVALID_REPLY' },
  'speaks for another persona': { code: "pass({ persona: 'verify', step: 'proof' })", ends: 'INVALID_REPLY' },
  'says that it is done, and asks': {
    code: "say({ status: 'needs_input', result: 'done', questions: [{ id: 'ok', ask: 'It is done, is it?' }] })",
    ends: 'waiting',
  },
  'asks without a question': { code: "say({ status: 'needs_input' })", ends: 'INVALID_REPLY' },
  'prints nothing': { code: '', ends: 'INVALID_REPLY' },
  'prints garbage and exits with 0': { code: "say('\\u0000\\u0001 ok')", ends: 'INVALID_REPLY' },
  'says in prose that it has passed': { code: "say('All tests pass. status: pass. PASS')", ends: 'INVALID_REPLY' },
  'prints its pass in a fence': { code: 'say(\'```json\\n{"status":"pass"}\\n```\')', ends: 'INVALID_REPLY' },
  'prints a pass after a fail': {
    code: "say({ status: 'fail', error: 'no' }); say('\\n'); pass()",
    ends: 'INVALID_REPLY',
  },
  'puts the pass somewhere inside': { code: "say({ result: { status: 'pass' } })", ends: 'INVALID_REPLY' },
  'passes in a list': { code: "say([{ status: 'pass' }])", ends: 'INVALID_REPLY' },
  'passes in capitals': { code: "say({ status: 'PASS' })", ends: 'INVALID_REPLY' },
  'passes with true': { code: 'say({ status: true })', ends: 'INVALID_REPLY' },
  'passes with an error': { code: "pass({ error: 'two tests fail' })", ends: 'INVALID_REPLY' },
  'passes and exits with 1': { code: 'pass(); process.exitCode = 1', ends: 'PERSONA_ERROR' },
  'passes and is killed': {
    code: 'fs.writeSync(1, \'{"status":"pass"}\'); process.kill(process.pid, \'SIGKILL\')',
    ends: 'PERSONA_ERROR',
  },
};

let engine: MemoryEngine;
let template: string;

beforeAll(async () => {
  template = aFolder();
  mkdirSync(join(template, 'test'));
  writeFileSync(join(template, 'sum.js'), WRONG);
  writeFileSync(join(template, 'test', 'sum.test.js'), TESTS);
  writeFileSync(join(template, 'package.json'), '{ "scripts": { "test": "node --test" } }\n');
  writeFileSync(join(template, '.gitignore'), 'ignored/\n');
  gitIn(template, 'init', '-q', '-b', 'main');
  gitIn(template, 'add', '-A');
  gitIn(template, 'commit', '-q', '-m', 'first');
  const worker = aCommand([process.execPath, '-e', PROGRAM], { name: 'worker', concurrency: 4 });
  engine = await startMemoryEngine({ personas: [...builtInPersonas().values(), worker], stateDirectory: aFolder() });
});
afterAll(() => engine.stop());

/** Plays it until the run has ended, or waits for people. */
async function play({ code, later = '', workflow: text = workflow() }: Scenario): Promise<RunView> {
  const repo = join(aFolder(), 'repo');
  cpSync(template, repo, { recursive: true });
  const parsed = parseWorkflow(text, { file: 'honest.yml', personas: null });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const { run } = await engine.client.start({
    definition: parsed.definition,
    task: { code, later },
    workspace: { repo, base: gitIn(repo, 'rev-parse', 'HEAD') },
  });
  const until = new AbortController();
  for await (const fact of engine.client.follow(run, until.signal)) if (fact.type === 'step.waiting') until.abort();
  return engine.client.get(run);
}

function endOf({ status, failure }: RunView): string {
  return status === 'failed' ? (failure?.class ?? '') : status;
}

describe.concurrent('a persona that', { timeout: 60_000 }, () => {
  test.for(Object.entries(HONEST))('%s completes the run', async ([, scenario]) => {
    const view = await play(scenario);
    expect(view.failure).toBeNull();
    expect(view.status).toBe('completed');
  });

  test.for(Object.entries(FALSE))('%s does not complete it', async ([, scenario]) => {
    const view = await play(scenario);
    expect(scenario.ends.split(' or ')).toContain(endOf(view));
  });
});

test('there are enough of them', () => {
  expect(Object.keys(FALSE).length).toBeGreaterThanOrEqual(20);
});
