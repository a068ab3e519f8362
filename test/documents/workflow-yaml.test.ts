/**
 * `docs/workflow-yaml.md` against the code: every YAML block is marked as a workflow, as steps or as refused, and what is
 * said to work is loaded and run to its end; the tables list every key, type, class and code that there is.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_CLASSES, RETRYABLE_CLASSES } from '../../src/core/statuses.js';
import { loadWorkflow } from '../../src/definition/load.js';
import { loadStepTypes } from '../../src/definition/load-types.js';
import { parseWorkflow } from '../../src/definition/parse.js';
import { SPELLINGS } from '../../src/definition/spelling.js';
import type { CustomStepType } from '../../src/definition/step-types.js';
import { STEP_TYPES } from '../../src/definition/steps.js';
import type { TestedWorkflow } from '../../src/testing/scenario.js';
import { TOP } from '../harness/process-tree.js';
import { differences } from '../workflows/simulated.js';

const page = readFileSync(join(TOP, 'docs/workflow-yaml.md'), 'utf8');

interface Schema {
  readonly properties: object;
  readonly $defs: Readonly<Record<string, { readonly properties?: object }>>;
}

interface Block {
  /** What stands behind the three ticks. */
  readonly mark: string;
  readonly text: string;
  /** Of the section that it stands in, and its number there. */
  readonly where: string;
}

const blocks = blocksOf(page);
const yaml = blocks.filter(({ mark }) => mark.startsWith('yaml'));

/** Everything that the examples read of a task. */
const TASK = {
  project: 'coord',
  title: 'Cart',
  slug: 'cart',
  version: '1.2.0',
  owner: 'ben',
  files: ['a.ts', 'b.ts', 'c.ts'],
  tags: ['db-1'],
  public: true,
};
/** Where passing replies and approvals are not enough, or more is to be seen than that the run completes. */
const SCENARIOS: Readonly<Record<string, object>> = {
  'The workflow language 1': {
    replies: { review: ['fail', 'pass'] },
    decisions: { publish: { choice: 'approve', after: '1d' } },
    expect: { path_includes: ['draft', 'improve[1]/review', 'improve[2]/polish', 'publish'] },
  },
  'conditional 1': { expect: { steps: { repair: 'skipped', build: 'succeeded' } } },
  'parallel 1': {
    replies: { 'with-claude': 'hang' },
    expect: {
      steps: { 'with-claude': 'canceled' },
      requests: { compare: { params: { candidates: { 'with-aider': {} } } } },
    },
  },
  'loop 1': {
    replies: { qa: ['fail', 'pass'] },
    expect: { requests: { 'fix[2]/repair': { params: { round: 2, remarks: {} } } } },
  },
  'for_each 1': {
    replies: { 'each-file[1]/check': 'fail' },
    expect: {
      requests: { 'each-file[2]/check': { name: 'c.ts (3 of 3)' }, summary: { params: { reports: [{}, {}, {}] } } },
    },
  },
  'decision 1': {
    decisions: { approve: { choice: 'approve', data: { note: 'go' }, by: 'ana' } },
    expect: { requests: { deploy: { params: { approved_by: 'ana' } } } },
  },
  'decision 2': {
    replies: { draft: { result: { title: 'Cart' } } },
    decisions: { review: { choice: 'approve', data: { notes: 'soon' }, edits: { title: 'Basket' } } },
    expect: { requests: { build: { params: { plan: { title: 'Basket' }, scope: 'page' } } } },
  },
  'verify 1': {
    replies: { proof: { result: { commit: 'c', tree: 't' } } },
    // Nothing that a test has scripted is a commit.
    expect: { status: 'failed', error: { class: 'EVIDENCE' }, path: ['work', 'proof'] },
  },
  'Quotas 1': {
    replies: { '@claude': { error: 'enough', class: 'QUOTA', resume_in: '2h' } },
    expect: { requests: { work: { persona: 'goose', count: 2 } }, elapsed: { at_most: '1s' } },
  },
  'Budgets 1': {
    replies: {
      plan: { usage: { input_tokens: 39_000, output_tokens: 1_000, cost_usd: 2 } },
      work: [{ error: 'no', class: 'QUOTA', resume_in: '2h', usage: { input_tokens: 60_000 } }, 'pass'],
    },
    decisions: { work: { choice: 'raise', data: { tokens: 1_000 } } },
    expect: { events: ['budget.warned', 'decision.answered'], requests: { work: { ceiling: { tokens: 1_000 } } } },
  },
  'end 1': { decisions: { review: { choice: 'stop', by: 'ana' } }, expect: { status: 'canceled', never: ['work'] } },
  'States 1': { replies: { write: { result: { summary: 'short' } } }, expect: { path: ['write', 'publish'] } },
  'wait 1': {
    signals: [{ name: 'released 1.2.0', at: '3d' }],
    expect: { elapsed: { at_least: '3d', at_most: '3d' } },
  },
  'lock 1': {
    task: { ticket: 'T-7' },
    expect: { path: ['lock', 'rewrite', 'unlock', 'report'], elapsed: { at_most: '1s' } },
  },
  'emit 1': { expect: { events: ['phase.completed'] } },
  'plan 1': {
    replies: {
      tasks: {
        result: {
          steps: [
            { id: 'x', persona: 'lead-engineer' },
            { id: 'y', persona: 'qa-engineer', dependencies: ['x'] },
          ],
        },
      },
      y: { result: { ok: 1 } },
    },
    expect: { path: ['tasks', 'tasks[1]/x', 'tasks[1]/y', 'qa'], requests: { qa: { params: { done: { ok: 1 } } } } },
  },
  'when 1': {
    replies: { build: 'fail' },
    expect: {
      status: 'failed',
      path: ['build', 'clean-up', 'tell'],
      steps: { deploy: 'skipped', tell: { result: { data: { build: 'fail' } } } },
    },
  },
  'Retries and fallback 1': {
    replies: {
      '@claude': { error: 'slow down', class: 'RATE_LIMIT' },
      '@goose': { error: 'broken', class: 'PERSONA_ERROR' },
    },
    expect: { requests: { work: { persona: 'aider', count: 6 } }, events: ['step.fallback'] },
  },
  'error_handling 1': {
    replies: { '@lead-engineer': 'error' },
    expect: { requests: { work: { persona: 'goose', count: 4 }, check: { count: 1 } } },
  },
  'on_error 1': {
    replies: { lint: 'fail', build: ['error', 'error', 'pass'] },
    decisions: { build: 'retry' },
    expect: {
      requests: { build: { count: 3 }, report: { params: { lint: 'fail' } } },
    },
  },
  'compensate 1': {
    replies: { deploy: { result: { previous: '1.1' } }, verify: 'fail' },
    expect: {
      status: 'failed',
      steps: { 'deploy[compensate]/deploy-undo': 'succeeded' },
      requests: { 'deploy-undo': { params: { action: 'rollback', to: '1.1' } } },
    },
  },
  'Input and output 1': {
    replies: { count: { result: { files: 3 } } },
    expect: { result: { title: 'Cart', files: 3 } },
  },
  'Variables 1': { env: 'staging', expect: { requests: { deploy: { params: { branch: 'feat/cart', replicas: 1 } } } } },
  'Artifacts 1': {
    replies: { planning: { artifacts: { 'plan.md': 'build it' } } },
    expect: { requests: { implementation: { params: { files: ['plan.md'], plan: '/^[0-9a-f]{64}$/' } } } },
  },
  'Expressions 1': {
    replies: { review: { result: { score: 90 } } },
    expect: { path: ['qa', 'review', 'celebrate'] },
  },
  'Templates 1': {
    expect: {
      requests: {
        work: {
          name: 'Work on Cart',
          params: { files: TASK.files, branch: 'feat/cart', literally: '{{ stays }}', optional: null },
        },
      },
    },
  },
  'Other spellings 1': {
    replies: { lint: { after: '5m' }, test: { after: '5m' } },
    expect: {
      path: ['analyze', 'lint', 'test', 'merge'],
      elapsed: { at_most: '5m' },
      requests: { analyze: { params: { branch: 'main', type: 'code_analysis' } } },
    },
  },
  'Own types 2': { expect: { path: ['cart-work', 'cart-qa', 'release'] } },
};

let folder: string;
let types: ReadonlyMap<string, CustomStepType>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coord-language-'));
  mkdirSync(join(folder, 'plugins'));
  writeFileSync(join(folder, 'plugins', 'checked-work.ts'), marked('ts plugin'));
  types = await loadStepTypes([join(folder, 'plugins')]);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

it('marks every YAML block', () => {
  const unmarked = yaml.filter(({ mark }) => !/^yaml (?:workflow|steps|refused [a-z-]+)$/.test(mark));
  expect(unmarked.map(({ where, mark }) => `${where}: ${mark}`)).toEqual([]);
  expect(yaml.length).toBeGreaterThan(30);
  const known = new Set(yaml.map(({ where }) => where));
  expect(Object.keys(SCENARIOS).filter((where) => !known.has(where))).toEqual([]);
});

describe('works as it says', () => {
  it.each(yaml.filter(({ mark }) => !mark.startsWith('yaml refused')))('$where', async ({ where, text }) => {
    const { env = null, ...scenario } = (SCENARIOS[where] ?? {}) as { readonly env?: string };
    const tested = await loaded(`${where.replaceAll(' ', '-')}.yml`, wholeOf(text), env);
    expect(await differences(tested, { task: TASK, ...scenario })).toEqual([]);
  });

  it('a program', async () => {
    const tested = await loaded('reviews.ts', marked('ts program'), null);
    const scenario = { expect: { path: ['work', 'by-code-reviewer', 'by-security-review'] } };
    expect(await differences(tested, { task: TASK, ...scenario })).toEqual([]);
  });
});

describe('is refused as it says', () => {
  it.each(yaml.filter(({ mark }) => mark.startsWith('yaml refused')))('$where: $mark', ({ mark, text }) => {
    const parsed = parseWorkflow(wholeOf(text), { file: 'example.yml', personas: null });
    const codes = parsed.ok ? [] : parsed.problems.map(({ code }) => code);
    expect(codes).toEqual([mark.replace('yaml refused ', '')]);
  });
});

describe('its tables', () => {
  const schema = JSON.parse(readFileSync(join(TOP, 'schema/workflow.schema.json'), 'utf8')) as Schema;
  const foreign = new Set(SPELLINGS.map(({ from }) => from));
  const keysOf = (type: string): readonly string[] =>
    Object.keys(schema.$defs[type]?.properties ?? {}).filter((key) => key === 'id' || !foreign.has(key));

  it('have every type, with a section for each', () => {
    expect(rowsOf('## Types of steps')).toEqual([...STEP_TYPES]);
    for (const type of STEP_TYPES) expect(page).toContain(`\n### ${type}\n`);
  });

  it('have every key of the file', () => {
    expect(new Set(rowsOf('## The file'))).toEqual(
      new Set(Object.keys(schema.properties).filter((key) => key !== 'id')),
    );
  });

  it('have every key of all steps', () => {
    const common = keysOf('emit').filter((key) => STEP_TYPES.every((type) => keysOf(type).includes(key)));
    expect(new Set(rowsOf('## A step'))).toEqual(new Set(common));
  });

  it.each(STEP_TYPES)('have every key of %s', (type) => {
    const common = new Set(rowsOf('## A step'));
    const text = section(`### ${type}`);
    expect(keysOf(type).filter((key) => !common.has(key) && !text.includes(key))).toEqual([]);
    expect(keysOf(type).length).toBeGreaterThan(common.size);
  });

  it('have every class of an error, and whether it is tried again', () => {
    const rows = rowsOf('## Failures');
    expect(new Set(rows)).toEqual(new Set(ERROR_CLASSES));
    const again = section('## Failures')
      .split('\n')
      .filter((line) => line.endsWith('| yes |'))
      .flatMap(idsOf);
    expect(new Set(again)).toEqual(new Set(RETRYABLE_CLASSES));
  });

  it('have every other spelling', () => {
    const text = section('## Other spellings');
    expect(SPELLINGS.filter(({ from }) => !text.includes(from)).map(({ from }) => from)).toEqual([]);
  });
});

it('links to its own sections', () => {
  const anchors = new Set([...page.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => anchorOf(title)));
  const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = '']) => anchor);
  expect(links.filter((anchor) => !anchors.has(anchor))).toEqual([]);
});

async function loaded(name: string, text: string, environment: string | null): Promise<TestedWorkflow> {
  const file = join(folder, name);
  writeFileSync(file, text);
  const directories = [join(TOP, 'workflows')];
  const { definition, inner, warnings } = await loadWorkflow(file, { directories, personas: null, types, environment });
  expect(warnings).toEqual([]);
  return { definition, inner };
}

function wholeOf(text: string): string {
  return text.startsWith('- ') ? `name: example\nsteps:\n${text.replaceAll(/^(?=.)/gm, '  ')}` : text;
}

function marked(mark: string): string {
  return blocks.find((block) => block.mark === mark)?.text ?? '';
}

function blocksOf(text: string): readonly Block[] {
  const found: Block[] = [];
  let title = '';
  for (const [, heading, mark, content] of text.matchAll(/^#+ (.+)$|^```([^\n]+)\n([\s\S]*?)^```$/gm)) {
    if (heading !== undefined) title = heading;
    if (mark === undefined || content === undefined) continue;
    const count = found.filter(({ where }) => where.replace(/ \d+$/, '') === title).length + 1;
    found.push({ mark, text: content, where: `${title} ${String(count)}` });
  }
  return found;
}

/** From a heading to the next one. */
function section(heading: string): string {
  const start = page.indexOf(`\n${heading}\n`) + heading.length + 2;
  const end = page.slice(start).search(/^#/m);
  return page.slice(start, end === -1 ? undefined : start + end);
}

/** What the first cells of a section's table name. */
function rowsOf(heading: string): readonly string[] {
  return section(heading)
    .split('\n')
    .filter((line) => /^\| \[?`/.test(line))
    .flatMap(idsOf);
}

/** The words in ticks of the first cell. */
function idsOf(line: string): readonly string[] {
  const cell = /^\| ((?:[^|\\]|\\.)*) \|/.exec(line)?.[1] ?? '';
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
}

function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
