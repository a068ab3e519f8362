import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadTask } from '../../src/app/task.js';

const folder = mkdtempSync(join(tmpdir(), 'coord-task-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string): string {
  const path = join(folder, 'task.yml');
  writeFileSync(path, text);
  return path;
}

describe('a task', () => {
  test('is a YAML file, a JSON file, or JSON text', async () => {
    expect(await loadTask(file('title: Fix\ntags: [a, b]\nno: no\n'))).toEqual({
      title: 'Fix',
      tags: ['a', 'b'],
      no: 'no',
    });
    expect(await loadTask(file('{"title": "Fix"}'))).toEqual({ title: 'Fix' });
    expect(await loadTask(' {"title": "Fix"}')).toEqual({ title: 'Fix' });
  });

  test.each([
    ['- a\n- b\n', 'must be an object such as "title: Fix the login", not ["a","b"]'],
    ['', 'must be an object'],
    ['just text', 'not "just text"'],
    ['a: [1, 2', 'cannot be read'],
    [
      'a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n',
      'cannot be read',
    ],
  ])('that is %j is refused', async (text, message) => {
    await expect(loadTask(file(text))).rejects.toMatchObject({
      code: 'TASK_INVALID',
      message: expect.stringContaining(message),
    });
  });

  test('that is not there is refused by name', async () => {
    await expect(loadTask('/nowhere/task.yml')).rejects.toMatchObject({
      code: 'TASK_INVALID',
      message: expect.stringContaining('/nowhere/task.yml'),
    });
    await expect(loadTask('{"a":')).rejects.toMatchObject({ code: 'TASK_INVALID' });
  });
});
