/** A secret that a persona was given, and tells in every way it can, is stored, shown and logged nowhere. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { COORD, type Ended, killTree, start } from '../harness/process-tree.js';

const CANARY = 'Cn4ry-7f/3Kq+ZxW-secret-92';
/** What a part of it looks like that no accident writes. */
const TRACES = [
  CANARY,
  CANARY.slice(0, 8),
  CANARY.slice(-8),
  encodeURIComponent(CANARY),
  Buffer.from(CANARY).toString('base64').slice(0, 16),
];

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'coord-canary-')));
  mkdirSync(join(folder, 'personas'));
  mkdirSync(join(folder, 'workflows'));
  const persona = (name: string, more: string): void =>
    writeFileSync(
      join(folder, 'personas', `${name}.md`),
      `---\nkind: command\ncommand: [node, ./talker.mjs, ${name}]\nenv: [CANARY_TOKEN]\n${more}---\n`,
    );
  persona('talker', '');
  persona('shouter', '');
  persona('writer', 'output: text\n');
  writeFileSync(
    join(folder, 'personas/talker.mjs'),
    `import { writeFileSync } from 'node:fs';
     const secret = process.env.CANARY_TOKEN, how = process.argv[2];
     console.error('I was given ' + secret);
     console.error('x'.repeat(4090) + secret + 'y'.repeat(5000));
     process.stderr.write(secret.slice(0, 9)); process.stderr.write(secret.slice(9) + '\\n');
     console.error('z'.repeat(65530 - 20) + '\\n' + Buffer.from('me:' + secret + ':').toString('base64'));
     if (how === 'shouter') { console.error('failed with ' + secret); process.exit(3); }
     if (how === 'writer') { for (let n = 0; n < 3000; n++) console.log('line ' + n + ' ' + secret); }
     if (how === 'talker') {
       writeFileSync('picture.bin', Buffer.concat([Buffer.from([0, 1, 255]), Buffer.from(secret), Buffer.from([0])]));
       console.log(JSON.stringify({
         status: 'pass',
         result: { [secret]: 'key', list: ['a ' + secret], address: 'https://x/?t=' + encodeURIComponent(secret) },
         artifacts: [
           { name: 'note.md', content: 'It is ' + secret + '.' },
           { name: 'picture.bin', path: 'picture.bin' },
         ],
       }));
     }`,
  );
  writeFileSync(
    join(folder, 'workflows/telling.yml'),
    [
      'name: telling',
      'steps:',
      '  - { id: talk, persona: talker }',
      '  - { id: write, persona: writer, dependencies: [talk] }',
      '  - { id: pass-on, persona: talker, dependencies: [write], params: { said: "{{ steps.talk.result }}" } }',
      '  - { id: shout, persona: shouter, dependencies: [pass-on], retries: 1 }',
      '',
    ].join('\n'),
  );
});
afterEach(async () => {
  await killTree({ mark: `COORD_TEST_TREE=${folder}`, folder });
  rmSync(folder, { recursive: true, force: true });
});

const coord = (...args: string[]): Promise<Ended> =>
  start([COORD, '-C', folder, ...args], { cwd: folder, env: { COORD_TEST_TREE: folder, CANARY_TOKEN: CANARY } }).ended;

test('neither in the store, nor in files and logs, nor in what commands print', { timeout: 60_000 }, async () => {
  const { stdout } = await coord('run', 'telling', '--no-repo', '--json');
  const { id, status } = JSON.parse(stdout) as { id: string; status: string };
  expect(status).toBe('failed');
  const shown = await Promise.all([
    coord('logs', id),
    coord('history', id, '--json'),
    coord('show', id, '--json'),
    coord('artifacts', id, 'note.md'),
    coord('persona', 'try', 'talker', 'hello', '--json'),
  ]);
  expect(shown.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
  const texts = [stdout, ...shown.flatMap((ended) => [ended.stdout, ended.stderr])];
  // All of it was really said, and stands there without the secret.
  expect(texts.join('')).toContain('[redacted]');
  expect(shown[3]?.stdout).toBe('It is [redacted].');
  expect(TRACES.filter((trace) => texts.some((text) => text.includes(trace)))).toEqual([]);

  await coord('down');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  expect(files.some((file) => file.includes('appendonly'))).toBe(true);
  const found = files.flatMap((file) => {
    const content = readFileSync(file);
    return TRACES.filter((trace) => content.includes(trace)).map((trace) => `${file}: ${trace}`);
  });
  expect(found).toEqual([]);
});
