import { describe, expect, it } from 'vitest';
import { formatProblem, parsePersonaFile } from '../../src/personas/persona-file.js';

const FILE = '/team/personas/qa.md';

function problemsOf(text: string): readonly string[] {
  return parsePersonaFile(text, FILE).problems.map((problem) => formatProblem(problem));
}

describe('a persona file', () => {
  it('gives a command persona with paths beside the file', () => {
    const text =
      '---\nkind: command\ncommand: [bin/qa, ./rules.txt, ../shared/x, plain/y, --fast]\nenv: [API_KEY]\n---\n# QA\n\nBe strict.\n';
    expect(parsePersonaFile(text, FILE)).toEqual({
      persona: {
        kind: 'command',
        name: 'qa',
        description: '',
        prompt: '# QA\n\nBe strict.',
        file: FILE,
        concurrency: 1,
        tools: [],
        model: null,
        command: ['/team/personas/bin/qa', '/team/personas/rules.txt', '/team/shared/x', 'plain/y', '--fast'],
        env: ['API_KEY'],
        limits: { memory: null, cpu: null, file: null, output: null },
        output: 'json',
      },
      problems: [],
    });
  });

  it('gives a function persona', () => {
    const text = '---\nname: planner\nkind: function\nmodule: lib/plan.mjs\nexport: plan\nconcurrency: 4\n---\n';
    expect(parsePersonaFile(text, FILE).persona).toMatchObject({
      kind: 'function',
      name: 'planner',
      concurrency: 4,
      run: { module: '/team/personas/lib/plan.mjs', export: 'plan' },
    });
  });

  it('gives a git persona, whose protected branches are those of the remote unless it lists them', () => {
    const text = '---\nname: git\nkind: git\nconcurrency: 2\n---\n';
    expect(parsePersonaFile(text, FILE).persona).toMatchObject({ kind: 'git', concurrency: 2, protected: null });
    for (const [list, branches] of [
      ['[]', []],
      ['[main, release/1]', ['main', 'release/1']],
    ] as const) {
      const listed = text.replace('kind: git', `kind: git\nprotected: ${list}`);
      expect(parsePersonaFile(listed, FILE).persona).toMatchObject({ protected: branches });
    }
    expect(problemsOf('---\nkind: git\nprotected: main\ncommand: [x]\n---\n')).toEqual([
      `${FILE}:3:1 bad_value: protected must be a list of texts, such as ["a", "b"]; numbers and true/false need quotes`,
      `${FILE}:4:1 misplaced_key: key "command" has no meaning for kind "git"`,
    ]);
  });

  it('takes a byte order mark, CRLF, an absolute program, and the tools of agent files', () => {
    const text =
      '\uFEFF---\r\nkind: command\r\ncommand: [/bin/echo]\r\ntools: Read, Grep\r\nmodel: large\r\n---\r\nOne\r\nTwo\r\n';
    expect(parsePersonaFile(text, FILE).persona).toMatchObject({
      command: ['/bin/echo'],
      tools: ['Read', 'Grep'],
      model: 'large',
      prompt: 'One\nTwo',
    });
  });

  it('reports every problem at once with its place', () => {
    const text = [
      '---',
      'name: QA Lead',
      'kind: command',
      'comand: [x]',
      'concurrency: 0',
      'output: yaml',
      'env: [LD_PRELOAD, GIT_SSH_COMMAND, "a b", COORD_RUN]',
      'module: x.js',
      '---',
    ].join('\n');
    expect(problemsOf(text)).toMatchInlineSnapshot(`
      [
        "/team/personas/qa.md:1:1 missing_key: kind "command" needs the key "command": a list of program and arguments",
        "/team/personas/qa.md:2:1 bad_value: name "QA Lead" must start with a lower-case letter and hold only lower-case letters, digits and "-", at most 64",
        "/team/personas/qa.md:4:1 unknown_key: key "comand" is unknown. Did you mean "command"?",
        "/team/personas/qa.md:5:1 bad_value: concurrency must be a whole number from 1 to 1000",
        "/team/personas/qa.md:6:1 bad_value: output must be one of "json", "text"",
        "/team/personas/qa.md:7:1 refused_variable: env: "LD_PRELOAD" changes what programs load or run, so it is never passed on",
        "/team/personas/qa.md:7:1 refused_variable: env: "GIT_SSH_COMMAND" changes what programs load or run, so it is never passed on",
        "/team/personas/qa.md:7:1 refused_variable: env: "a b" is not the name of an environment variable",
        "/team/personas/qa.md:7:1 refused_variable: env: "COORD_RUN" is set by coord itself",
        "/team/personas/qa.md:8:1 misplaced_key: key "module" has no meaning for kind "command"",
      ]
    `);
  });

  it.each([
    ['no front matter', 'Just text'],
    ['an open front matter', '---\nkind: command\n'],
    ['a list as front matter', '---\n- a\n---\n'],
    ['broken YAML', '---\nkind: [a\n---\n'],
    ['a duplicate key', '---\nkind: command\ncommand: [x]\nkind: function\n---\n'],
    ['a command as one text', '---\nkind: command\ncommand: rm -rf x\n---\n'],
    ['an empty command', '---\nkind: command\ncommand: []\n---\n'],
    ['numbers in a command', '---\nkind: command\ncommand: [sleep, 5]\n---\n'],
    ['an unknown kind', '---\nkind: comand\n---\n'],
    ['no kind', '---\nname: qa\n---\n'],
    ['an alias', '---\nkind: &a command\ncommand: [x]\ndescription: *a\n---\n'],
    ['a prototype key', '---\n__proto__: {x: 1}\nkind: command\ncommand: [x]\n---\n'],
    ['too much of it', `---\nkind: command\ncommand: [x]\n---\n${'x'.repeat(300_000)}`],
    ['a function without its module', '---\nkind: function\n---\n'],
  ])('refuses %s', (_, text) => {
    const parsed = parsePersonaFile(text, FILE);
    expect(parsed.persona).toBeNull();
    expect(parsed.problems.map((problem) => formatProblem(problem)).join('\n')).toMatchSnapshot();
  });

  it('refuses a file name that is no persona name', () => {
    expect(parsePersonaFile('---\nkind: command\ncommand: [x]\n---\n', '/p/My QA.md').problems[0]?.message).toMatch(
      /^name "My QA" \(taken from the file name/,
    );
  });
});
