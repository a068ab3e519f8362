import { execFileSync } from 'node:child_process';
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
    ['- a\n- b\n', 'must be an object, which is a map such as "title: Fix the login", not ["a","b"]'],
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

describe('what is given as a task', () => {
  test('and is JSON but no object is told what a task is', async () => {
    await expect(loadTask('[]')).rejects.toThrow(
      'the task given as JSON must be an object, which is a map such as "title: Fix the login", not []',
    );
  });

  test('is refused at once when it is a pipe that nobody writes to, a folder or a device', async () => {
    const pipe = join(folder, 'fifo');
    execFileSync('mkfifo', [pipe]);
    await expect(loadTask(pipe)).rejects.toThrow('cannot be read: it is a pipe, not a regular file');
    await expect(loadTask(folder)).rejects.toThrow('cannot be read: it is a folder, not a regular file');
    await expect(loadTask('/dev/zero')).rejects.toThrow('cannot be read: it is a device, not a regular file');
    await expect(loadTask('/nowhere/task.yml')).rejects.toThrow('cannot be read: there is no such file or folder');
  });

  test.each(['{"a": {"__proto__": 1}}', '{"constructor": {}}', '{"list": [{"prototype": 1}]}'])(
    'is refused for a key that would be dropped: %s',
    async (text) => {
      await expect(loadTask(text)).rejects.toMatchObject({
        code: 'TASK_INVALID',
        message: expect.stringContaining(', which nothing may read') as string,
      });
    },
  );
});
