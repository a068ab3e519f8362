import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { JsonObject } from '../../src/core/json.js';
import { loadPersonas } from '../../src/personas/catalog.js';
import { type Answer, ask, BUILT_IN, EXAMPLE, OF_EXAMPLE, Repository, WITH_BROKEN } from './repository.js';

const TASK = parse(readFileSync(join(EXAMPLE, 'task.yml'), 'utf8')) as JsonObject;
const CRITERIA = TASK['acceptance_criteria'] as readonly string[];
const FAILING = ['a percent coupon gives whole cents', 'a coupon never takes more than the goods cost'];

const plan = async (repository: Repository): Promise<Answer> =>
  await ask({ from: OF_EXAMPLE, persona: 'implementation-planner', in: repository, task: TASK });

const evaluate = async (repository: Repository, planning: JsonObject): Promise<Answer> =>
  await ask({ from: OF_EXAMPLE, persona: 'plan-evaluator', in: repository, task: TASK, results: { planning } });

describe('the persona files', () => {
  it('all load, and name programs that exist', async () => {
    for (const from of [BUILT_IN, OF_EXAMPLE, WITH_BROKEN]) {
      for (const persona of (await loadPersonas(from)).values()) {
        if (persona.file === null) continue;
        expect(persona.prompt).not.toBe('');
        if (persona.kind !== 'command') throw new Error(`${persona.name} is no command`);
        for (const path of persona.command.filter((word) => word.startsWith('/'))) readFileSync(path);
      }
    }
    const steps = ['code-reviewer', 'implementation-planner', 'lead-engineer', 'plan-evaluator', 'qa-engineer'];
    expect([...(await loadPersonas(OF_EXAMPLE)).keys()]).toEqual([...steps, 'security-review', 'git', 'verify']);
  });
});

describe('the implementation planner', () => {
  it('finds the failing tests, the code they test, and a file for each criterion', async () => {
    const repository = new Repository('shop');
    const { status, result, artifacts } = await plan(repository);
    expect(status).toBe('pass');
    expect(result['test']).toMatchObject({
      passed: 7,
      failed: 2,
      failing: FAILING.map((name) => ({ name, file: 'test/coupons.test.js' })),
    });
    expect((result['keyFiles'] as readonly JsonObject[]).map((file) => file['path'])).toEqual([
      'src/coupons.js',
      'CHANGELOG.md',
      'test/coupons.test.js',
    ]);
    expect((result['steps'] as readonly JsonObject[]).slice(0, 3)).toMatchObject([
      { files: ['src/coupons.js'], criterion: CRITERIA[0] },
      { files: ['src/coupons.js'], criterion: CRITERIA[1] },
      { files: ['CHANGELOG.md'], criterion: CRITERIA[2] },
    ]);
    expect(result['risks']).toEqual(['src/coupons.js is used by src/cart.js, which will see the change']);
    expect(artifacts['plan.md']).toContain(`failing: "${FAILING[0]}" (test/coupons.test.js:15)`);
    expect(repository.status()).toBe('');
  });

  it('really looks: another repository gives another plan', async () => {
    const repository = new Repository({
      'package.json': '{ "type": "module", "scripts": { "test": "node --test" } }',
      'lib/discount.js': 'export const couponDiscount = (subtotal) => subtotal / 3;\n',
      'test/discount.test.js': "import { test } from 'node:test';\ntest('fine', () => {});\n",
    });
    const { result } = await plan(repository);
    expect(result).toMatchObject({ test: { passed: 1, failed: 0 }, keyFiles: [{ path: 'lib/discount.js' }] });
    expect(result['risks']).toContain('No test fails today, so no test shows when the work is done');
  });

  it('answers with an error when the task does not say when it is done', async () => {
    const answer = await ask({ from: OF_EXAMPLE, persona: 'implementation-planner', in: new Repository('shop') });
    expect(answer).toMatchObject({ status: 'error' });
    expect(answer.error).toContain('acceptance_criteria');
  });
});

describe('the plan evaluator', () => {
  it('passes the plan of the planner', async () => {
    const repository = new Repository('shop');
    const answer = await evaluate(repository, (await plan(repository)).result);
    expect(answer).toMatchObject({ status: 'pass', result: { score: 100, reasons: [] } });
    expect(answer.artifacts['plan-evaluation.md']).toContain('100 of 100');
  });

  it('refuses a plan that is made up, and says why', async () => {
    const answer = await evaluate(new Repository('shop'), {
      goal: 'Something',
      test: { command: 'npm test', failing: [{ name: 'a test that is not there', file: 'test/coupons.test.js' }] },
      keyFiles: [{ path: 'src/coupons.js' }, { path: 'src/discounts.js' }],
      steps: [{ title: 'Change it', files: ['src/coupons.js'], criterion: CRITERIA[0] ?? '' }],
      risks: [],
    });
    // 10 of 20 for one of two files, 8 of 25 for one of three criteria, 10 of 10 for its file; nothing else.
    expect(answer).toMatchObject({ status: 'fail', result: { score: 28 } });
    expect(answer.error).toContain('the plan scores 28 of 100');
    expect(answer.error).toContain('src/discounts.js: not in the repository');
    expect(answer.error).toContain('"a test that is not there": not found in the file it names');
  });

  it('answers with an error when there is no plan', async () => {
    const answer = await ask({ from: OF_EXAMPLE, persona: 'plan-evaluator', in: new Repository('shop'), task: TASK });
    expect(answer).toMatchObject({ status: 'error' });
    expect(answer.error).toContain('there is no plan');
  });
});

describe('the lead engineer', () => {
  const engineer = async (repository: Repository): Promise<Answer> =>
    await ask({
      from: OF_EXAMPLE,
      persona: 'lead-engineer',
      in: repository,
      task: TASK,
      results: { planning: { keyFiles: [{ path: 'src/coupons.js' }, { path: 'CHANGELOG.md' }] } },
    });

  it('makes the change, says that it was prepared, and can be repeated at any point', async () => {
    const repository = new Repository('shop');
    const files = ['CHANGELOG.md', 'src/coupons.js', 'test/coupons.test.js'];
    const first = await engineer(repository);
    expect(first).toMatchObject({ status: 'pass', result: { prepared: true, changed: files, alreadyThere: [] } });
    expect(first.result['outsidePlan']).toEqual(['test/coupons.test.js']);
    expect(first.result['summary']).toContain('no model was asked');
    const changed = repository.git('diff');

    const uncommitted = await engineer(repository);
    expect(uncommitted).toMatchObject({ status: 'pass', result: { changed: [], alreadyThere: files } });
    expect(repository.git('diff')).toBe(changed);
    expect(uncommitted.artifacts).toEqual(first.artifacts);

    repository.git('checkout', '--quiet', 'src/coupons.js'); // as if an attempt was cut short
    const half = await engineer(repository);
    expect(half).toMatchObject({ status: 'pass', result: { changed: ['src/coupons.js'] } });
    expect(repository.git('diff')).toBe(changed);

    repository.commit();
    const committed = await engineer(repository);
    expect(committed).toMatchObject({ status: 'pass', result: { changed: [], alreadyThere: files } });
    expect(repository.status()).toBe('');
    expect(committed.artifacts).toEqual(first.artifacts);
  });

  it('answers with an error when the code is not the one that the change was prepared for', async () => {
    const repository = new Repository('shop');
    repository.write({ 'src/coupons.js': 'export const other = 1;\n' });
    const answer = await engineer(repository);
    expect(answer.status).toBe('error');
    expect(answer.error).toContain('does not fit src/coupons.js');
  });

  it('leaves work that QA and both reviewers pass, with a line in the effects file for each begin and end', async () => {
    const repository = new Repository('shop');
    await engineer(repository);
    repository.commit();
    const effects = join(repository.folder, '.git', 'effects');
    const passing: Readonly<Record<string, JsonObject>> = {
      'qa-engineer': { passed: 10, failed: 0, leftBehind: [] },
      'code-reviewer': { findings: [], fileCount: 3, insertions: 10, deletions: 3 },
      'security-review': { findings: [], fileCount: 3, dependencies: [] },
    };
    for (const [persona, result] of Object.entries(passing)) {
      const answer = await ask({ from: OF_EXAMPLE, persona, in: repository, env: { EFFECTS_FILE: effects } });
      expect(answer).toMatchObject({ status: 'pass', error: null, result });
    }
    const lines = readFileSync(effects, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => line.replace(/^\d{13} /, ''))).toEqual(
      Object.keys(passing).flatMap((step) =>
        ['begin', 'end'].map((effect) => `r1 ${step} attempt=1 token=t1 ${effect}`),
      ),
    );
  });

  it('of the broken personas says pass, and QA finds out', async () => {
    const repository = new Repository('shop');
    const answer = await ask({ from: WITH_BROKEN, persona: 'lead-engineer', in: repository, task: TASK });
    expect(answer).toMatchObject({ status: 'pass', result: { changed: ['CHANGELOG.md', 'src/coupons.js'] } });
    repository.commit();
    const qa = await ask({ from: WITH_BROKEN, persona: 'qa-engineer', in: repository });
    expect(qa.status).toBe('fail');
    expect(qa.result).toMatchObject({ passed: 5, failed: 4 });
    expect(qa.error).toContain('a percent coupon gives whole cents');
  });
});
