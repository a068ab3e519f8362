import { renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Answer, ask, BUILT_IN, Repository } from './repository.js';

const BEFORE = {
  'src/sum.js': 'export const sum = (a, b) => a + b;\n',
  'test/sum.test.js': "import { test } from 'node:test';\ntest('adds', () => {});\ntest('adds more', () => {});\n",
  'package.json': '{ "type": "module", "scripts": { "test": "node --test" }, "dependencies": { "left": "1.0.0" } }\n',
};

async function review(persona: string, change: (repository: Repository) => void): Promise<Answer> {
  const repository = new Repository(BEFORE);
  change(repository);
  repository.commit();
  const answer = await ask({ from: BUILT_IN, persona, in: repository });
  expect(repository.status()).toBe('');
  return answer;
}

/** `severity rule file:line` of every finding. */
function found(answer: Answer): readonly string[] {
  const findings = answer.result['findings'] as readonly Record<'severity' | 'rule' | 'file' | 'line', string | null>[];
  return findings.map(({ severity, rule, file, line }) => `${severity} ${rule} ${file}:${line}`);
}

describe('the built-in code reviewer', () => {
  it('passes a clean change and counts what it read', async () => {
    const answer = await review('code-reviewer', (repository) =>
      repository.write({
        'src/sum.js': 'export const sum = (a, b) => b + a;\nexport const one = 1;\n',
        'a "b".txt': 'x\n',
      }),
    );
    expect(answer.status).toBe('pass');
    expect(answer.result).toMatchObject({ insertions: 3, deletions: 1, fileCount: 2, findings: [] });
    expect(answer.result['files']).toEqual([
      { path: 'a "b".txt', status: 'A', insertions: 1, deletions: 0 },
      { path: 'src/sum.js', status: 'M', insertions: 2, deletions: 1 },
    ]);
  });

  it('fails an empty change', async () => {
    const answer = await review('code-reviewer', () => {});
    expect(answer).toMatchObject({ status: 'fail', result: { fileCount: 0 } });
    expect(found(answer)).toEqual(['high empty-diff null:null']);
  });

  it('finds what was left behind, with file and line', async () => {
    const answer = await review('code-reviewer', (repository) =>
      repository.write({
        'src/sum.js':
          'export const sum = (a, b) => {\n  debugger;\n  console.log(a);\n  return a + b; // TODO: carry\n};\n',
        'NOTES.md': '# Notes\n<<<<<<< ours\nTitle\n=======\n',
      }),
    );
    expect(answer.status).toBe('fail');
    expect(found(answer)).toEqual([
      'critical conflict-marker NOTES.md:2',
      'high debugger src/sum.js:2',
      'medium console-log src/sum.js:3',
      'low todo src/sum.js:4',
    ]);
    expect(answer.error).toContain('NOTES.md:2');
  });

  it('finds weakened tests', async () => {
    const focused = await review('code-reviewer', (repository) =>
      repository.write({ 'test/sum.test.js': "import { test } from 'node:test';\ntest.only('adds', () => {});\n" }),
    );
    expect(found(focused)).toEqual([
      'high focused-test test/sum.test.js:2',
      'medium fewer-tests test/sum.test.js:null',
    ]);
    const skipped = await review('code-reviewer', (repository) =>
      repository.write({ 'test/new.test.js': "it.skip('works', () => {});\n" }),
    );
    expect(found(skipped)).toEqual(['high skipped-test test/new.test.js:1']);
    const deleted = await review('code-reviewer', (repository) => repository.remove('test/sum.test.js'));
    expect(found(deleted)).toEqual(['high deleted-test test/sum.test.js:null']);
  });

  it('finds a file that does not parse, as module or script', async () => {
    const answer = await review('code-reviewer', (repository) =>
      repository.write({
        'src/sum.js': 'export const sum = (a, b) =>\n  a + ;\n',
        'src/old.cjs': 'const x = 1;\nmodule.exports = x;\n',
        'src/view.js': 'export const view = () => <p>hello</p>;\n',
      }),
    );
    expect(answer.status).toBe('fail');
    expect(found(answer)).toEqual(['critical syntax src/sum.js:2']);
  });

  it('reads the commits, not what lies in the folder, and is not blinded by attributes', async () => {
    const repository = new Repository(BEFORE);
    repository.write({ '.gitattributes': '*.js -diff\n', 'src/sum.js': 'debugger;\nexport const sum = 1;\n' });
    repository.commit();
    writeFileSync(join(repository.folder, 'src/sum.js'), 'export const sum = 1;\n');
    const answer = await ask({ from: BUILT_IN, persona: 'code-reviewer', in: repository });
    expect(found(answer)).toEqual(['high debugger src/sum.js:1']);
  });

  it('keeps files and lines apart when a file becomes a link, another moves, and content looks like a header', async () => {
    const repository = new Repository({ ...BEFORE, 'old.sql': '-- a/x\n' });
    const { folder } = repository;
    repository.remove('src/sum.js');
    repository.remove('old.sql');
    symlinkSync('../package.json', join(folder, 'src/sum.js'));
    renameSync(join(folder, 'test/sum.test.js'), join(folder, 'test/total.test.js'));
    repository.write({ 'z.py': '++ b/x\n@@ -1 +1 @@\nbreakpoint()\n' });
    repository.commit();
    const answer = await ask({ from: BUILT_IN, persona: 'code-reviewer', in: repository });
    expect(found(answer)).toEqual(['high debugger z.py:3']);
    expect(answer.result['files']).toEqual([
      { path: 'old.sql', status: 'D', insertions: 0, deletions: 1 },
      { path: 'src/sum.js', status: 'T', insertions: 1, deletions: 1 },
      { path: 'test/total.test.js', status: 'R', insertions: 0, deletions: 0 },
      { path: 'z.py', status: 'A', insertions: 3, deletions: 0 },
    ]);
  });
});

describe('the built-in security reviewer', () => {
  it('passes a clean change', async () => {
    const answer = await review('security-review', (repository) =>
      repository.write({
        'src/sum.js': 'const re = /a/;\nexport const sum = (a, b) => re.exec(a + b) ?? process.env.API_KEY;\n',
      }),
    );
    expect(answer).toMatchObject({ status: 'pass', result: { findings: [], dependencies: [] } });
  });

  it('finds secrets and never repeats them', async () => {
    const key = ['AKIA', 'ABCDEFGHIJKLMNOP'].join(''); // in two parts: no scanner is to stumble over this file
    const answer = await review('security-review', (repository) =>
      repository.write({
        'src/sum.js': `const id = '${key}';\nconst password = 'hunter2-hunter2';\nconst token = \`\${id}\`;\n`,
        'key.pem': `${'-'.repeat(5)}BEGIN RSA PRIVATE KEY${'-'.repeat(5)}\n`,
        '.env': 'A=1\n',
      }),
    );
    expect(answer.status).toBe('fail');
    expect(found(answer).toSorted()).toEqual([
      'critical aws-key src/sum.js:1',
      'critical private-key key.pem:1',
      'high hard-coded-secret src/sum.js:2',
      'high secret-file .env:null',
    ]);
    expect(JSON.stringify(answer)).not.toMatch(new RegExp(`${key}|hunter2`));
  });

  it('finds injection and switched-off TLS, in added lines only', async () => {
    const answer = await review('security-review', (repository) =>
      repository.write({
        'src/sum.js': [
          'export const sum = (a, b) => a + b;',
          'eval(input);',
          'const f = new Function(input);',
          'execSync(`rm ${input}`);',
          'child_process.exec("ls " + input);',
          "spawn('ls', { shell: true });",
          'request({ rejectUnauthorized: false });',
          "fetch('http://shop.test/');",
          "fetch('http://localhost:8080/');",
          '',
        ].join('\n'),
      }),
    );
    expect(found(answer)).toEqual([
      'high eval src/sum.js:2',
      'high eval src/sum.js:3',
      'high shell-command src/sum.js:4',
      'high shell-command src/sum.js:5',
      'high tls-off src/sum.js:7',
      'medium shell-option src/sum.js:6',
      'low plain-http src/sum.js:8',
    ]);
    expect(answer.status).toBe('fail');
  });

  it('lists new dependencies and finds install scripts', async () => {
    const after = {
      type: 'module',
      scripts: { test: 'node --test', postinstall: 'node x.js' },
      dependencies: { left: '1.0.0', right: '^2.0.0' },
      devDependencies: { own: 'github:someone/own' },
    };
    const answer = await review('security-review', (repository) =>
      repository.write({ 'package.json': JSON.stringify(after) }),
    );
    expect(answer.status).toBe('fail');
    expect(found(answer)).toEqual([
      'high install-script package.json:null',
      'medium new-dependency package.json:null',
      'low new-dependency package.json:null',
    ]);
    expect(answer.result['dependencies']).toMatchObject([
      { file: 'package.json', kind: 'dependencies', name: 'right', version: '^2.0.0', registry: true },
      { kind: 'devDependencies', name: 'own', registry: false },
    ]);
  });
});
