import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { personaDirectories } from '../../src/app/project.js';
import { loadPersonas, surveyPersonas } from '../../src/personas/catalog.js';
import { formatProblem, parsePersonaFile } from '../../src/personas/persona-file.js';
import { aFolder } from './requests.js';

const FILE = '/team/personas/dev.md';

function problemsOf(...keys: readonly string[]): readonly string[] {
  const text = `---\n${keys.join('\n')}\n---\n`;
  return parsePersonaFile(text, FILE).problems.map((problem) => formatProblem(problem).slice(FILE.length + 1));
}

describe('a file of kind agent', () => {
  it('has a mode, limits and patience by itself', () => {
    expect(parsePersonaFile('---\nkind: agent\nagent: codex\n---\nDo it.', FILE).persona).toMatchObject({
      kind: 'agent',
      agent: 'codex',
      permission: 'edit',
      command: null,
      args: [],
      env: [],
      limits: { memory: null, cpu: null, file: null, output: null },
      stall: { warnMs: 300_000, killMs: 1_800_000 },
      maxTurns: null,
      prompt: 'Do it.',
    });
  });

  it('says all of it otherwise', () => {
    const text = [
      '---',
      'kind: agent',
      'agent: claude',
      'permission: full',
      'command: [./claude.sh, --x]',
      'args: [--add-dir, /data]',
      'env: [AWS_PROFILE]',
      'stall_warn: 90s',
      'stall_kill: 1h',
      'max_turns: 12',
      'limits: { memory: 2GiB, cpu: 600, file: 10MB, output: 5000 }',
      '---',
    ].join('\n');
    expect(parsePersonaFile(text, FILE).persona).toMatchObject({
      permission: 'full',
      command: ['/team/personas/claude.sh', '--x'],
      args: ['--add-dir', '/data'],
      env: ['AWS_PROFILE'],
      limits: { memory: 2 * 1024 ** 3, cpu: 600, file: 10_000_000, output: 5_000 },
      stall: { warnMs: 90_000, killMs: 3_600_000 },
      maxTurns: 12,
    });
  });

  it.each([
    ['no agent', ['kind: agent']],
    ['an unknown agent', ['kind: agent', 'agent: cloude']],
    ['a mode that there is not', ['kind: agent', 'agent: claude', 'permission: yolo']],
    ['a mode that goose has not', ['kind: agent', 'agent: goose']],
    ['turns where nobody counts them', ['kind: agent', 'agent: codex', 'max_turns: 3']],
    ['patience the wrong way round', ['kind: agent', 'agent: claude', 'stall_warn: 10m', 'stall_kill: 5m']],
    ['no duration', ['kind: agent', 'agent: claude', 'stall_kill: soon']],
    ['limits that are none', ['kind: agent', 'agent: claude', 'limits: { memory: lots, cpu: 1.5, files: 1 }']],
    ['limits that are a text', ['kind: agent', 'agent: claude', 'limits: 2GiB']],
    ['a variable that is refused', ['kind: agent', 'agent: claude', 'env: [NODE_OPTIONS]']],
    ['an unknown key', ['kind: agent', 'agent: claude', 'permision: full']],
  ])('refuses %s', (_, keys) => {
    expect(problemsOf(...keys)).toMatchSnapshot();
  });
});

describe('a file that was written for Claude Code', () => {
  const TEXT =
    '---\nname: code-reviewer\ndescription: Reviews code.\ntools: Read, Grep, Bash(git diff:*)\nmodel: inherit\ncolor: cyan\n---\n\nYou review.\n';

  it('is a persona as it stands', () => {
    expect(parsePersonaFile(TEXT, FILE)).toMatchObject({
      problems: [],
      persona: {
        kind: 'agent',
        agent: 'claude',
        permission: 'edit',
        name: 'code-reviewer',
        tools: ['Read', 'Grep', 'Bash(git diff:*)'],
        model: 'inherit',
        prompt: 'You review.',
      },
    });
  });

  it('is not taken for one when something of ours is in it', () => {
    expect(problemsOf('description: x', 'command: [ls]')[0]).toContain('key "kind" is required');
    expect(problemsOf('description: x', 'kidn: command').join()).toContain('key "kind" is required');
    expect(problemsOf('color: red')[0]).toContain('key "kind" is required');
  });

  it('is found last in a project, and stops nothing when it cannot be read', async () => {
    const directory = aFolder();
    const own = join(directory, 'personas');
    const agents = join(directory, '.claude', 'agents');
    for (const folder of [own, agents]) mkdirSync(folder, { recursive: true });
    writeFileSync(join(own, 'tester.md'), '---\nkind: command\ncommand: [ls]\n---\n');
    writeFileSync(join(agents, 'tester.md'), '---\ndescription: Tests.\n---\n');
    writeFileSync(join(agents, 'reviewer.md'), TEXT);
    writeFileSync(join(agents, 'Bad Name.md'), '---\ndescription: Has spaces in its name.\n---\n');
    writeFileSync(join(agents, 'notes.md'), 'No front matter.');
    const directories = personaDirectories({ directory }, []);
    const personas = await loadPersonas(directories);
    expect(personas.get('tester')).toMatchObject({ kind: 'command' });
    expect(personas.get('code-reviewer')).toMatchObject({ kind: 'agent', file: join(agents, 'reviewer.md') });
    const { problems } = await surveyPersonas(directories);
    expect(problems.map(({ file, code }) => [file.slice(agents.length + 1), code])).toEqual([
      ['Bad Name.md', 'bad_value'],
      ['notes.md', 'no_front_matter'],
    ]);
    writeFileSync(join(own, 'notes.md'), 'No front matter.');
    await expect(loadPersonas(directories)).rejects.toThrow('1 problem in persona files');
  });
});
