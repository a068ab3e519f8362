import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listScheduleFiles, loadSchedules } from '../../src/definition/load-schedules.js';
import { readSchedule } from '../../src/definition/schedule.js';

const read = (text: string): ReturnType<typeof readSchedule> =>
  readSchedule(text, { file: 'schedules/nightly.yml', fallbackName: 'nightly' });

/** `line:column code message | hint` of each problem. */
const problems = (text: string): readonly string[] =>
  read(text).problems.map(
    ({ line, column, code, message, hint }) => `${String(line)}:${String(column)} ${code} ${message} | ${hint ?? ''}`,
  );

describe('a schedule file', () => {
  test('says what is started and when; the rest has defaults', () => {
    expect(read('workflow: loop\ncron: "0 3 * * *"\n')).toEqual({
      problems: [],
      draft: {
        name: 'nightly',
        workflow: 'loop',
        environment: null,
        task: {},
        repo: null,
        trigger: { kind: 'cron', cron: '0 3 * * *', zone: 'UTC' },
        overlap: 'skip',
        catchUp: 'last',
        catchUpLimit: 10,
        jitterMs: 0,
        startsAt: null,
        endsAt: null,
        paused: false,
      },
    });
    expect(read('workflow: loop\nevery: 15m\n').draft?.trigger).toEqual({ kind: 'every', everyMs: 900_000 });
    expect(read('workflow: loop\nbranch: main\n').draft?.trigger).toEqual({ kind: 'branch', branch: 'main' });
    expect(read('workflow: loop\nfiles: docs/**/*.md\n').draft?.trigger).toEqual({
      kind: 'files',
      files: 'docs/**/*.md',
    });
    // An event is not made up for by the next one.
    expect(read('workflow: loop\nevent: built\n').draft).toMatchObject({ catchUp: 'all', trigger: { event: 'built' } });
  });

  test('may say all of it', () => {
    const text = `
name: other
workflow: ../flows/loop.yml
env: staging
task: { title: Look, urgent: true }
repo: false
cron: "@daily"
zone: Europe/Berlin
overlap: cancel-previous
catch_up: all
catch_up_limit: 3
jitter: 30s
starts: 2026-01-01T00:00:00Z
ends: "2027-01-01T00:00:00Z"
paused: true
`;
    expect(read(text).draft).toMatchObject({
      name: 'other',
      workflow: '../flows/loop.yml',
      environment: 'staging',
      task: { title: 'Look', urgent: true },
      repo: false,
      trigger: { kind: 'cron', cron: '@daily', zone: 'Europe/Berlin' },
      overlap: 'cancel-previous',
      catchUp: 'all',
      catchUpLimit: 3,
      jitterMs: 30_000,
      startsAt: Date.parse('2026-01-01T00:00:00Z'),
      endsAt: Date.parse('2027-01-01T00:00:00Z'),
      paused: true,
    });
  });

  test.each([
    [
      '',
      [
        '1:1 wrong-type the file is empty | It has "workflow:", and says when: "cron:", "every:", "event:", "branch:" or "files:".',
      ],
    ],
    [
      'workflow: a\n',
      [
        '1:1 missing-key the schedule has no "cron" | Say when it starts: "cron", "every", "event", "branch" or "files".',
      ],
    ],
    [
      'cron: "0 3 * * *"\n',
      ['1:1 missing-key the schedule has no "workflow" | Name what is started, for example "workflow: project-loop".'],
    ],
    ['workflow: a\ncorn: "0 3 * * *"\n', ['2:1 unknown-key unknown key "corn" in the schedule | Did you mean "cron"?']],
    [
      'workflow: a\ncron: "@daily"\ntimezone: UTC\n',
      ['3:1 unknown-key unknown key "timezone" in the schedule | Did you mean "zone"?'],
    ],
    [
      'workflow: a\ncron: "@daily"\nevery: 5m\n',
      ['3:8 wrong-type the schedule has "cron" and "every" | Keep one of them; two schedules can start one workflow.'],
    ],
    [
      'workflow: a\ncron: "0 25 * * *"\n',
      ['2:10 wrong-type there is no hour "25" | A hour is from 0 to 23; also a range 1-5, a list 1,3 or a step */2.'],
    ],
    [
      'workflow: a\ncron: "@daily"\nzone: Europe/Berlim\n',
      ['3:7 wrong-type there is no time zone "Europe/Berlim". Did you mean "Europe/Berlin"? | '],
    ],
    [
      'workflow: a\nevery: 10ms\n',
      [
        '2:8 wrong-type "every" of the schedule must be a duration from 1s to 365d, such as "15m" or "1.5h", not the text "10ms" | ',
      ],
    ],
    [
      'workflow: a\nevery: 5m\nzone: UTC\n',
      [
        '3:7 wrong-type "zone" of the schedule must be left out: "every" looks at no clock on the wall, not the text "UTC" | ',
      ],
    ],
    [
      'workflow: a\nevery: 5m\noverlap: skp\n',
      [
        '3:10 wrong-type "overlap" of the schedule must be one of skip, queue, allow, cancel-previous, not the text "skp" | Did you mean "skip"?',
      ],
    ],
    [
      'workflow: a\nevery: 5m\ncatch_up_limit: 0\n',
      ['3:17 wrong-type "catch_up_limit" of the schedule must be a whole number from 1 to 1000, not the number 0 | '],
    ],
    [
      'workflow: a\nevery: 5m\nname: 1a\n',
      [
        '3:7 wrong-type "name" of the schedule must be a name that starts with a letter and has up to 64 letters, digits, "-" and "_", not the text "1a" | ',
      ],
    ],
    [
      'workflow: a\nevery: 5m\nstarts: 2026-02-01T00:00:00Z\nends: 2026-01-01T00:00:00Z\n',
      ['4:7 wrong-type "ends" of the schedule must be later than "starts", not the text "2026-01-01T00:00:00Z" | '],
    ],
    [
      'workflow: a\nfiles: ../x\n',
      ['2:8 wrong-type "files" cannot be a pattern: it must stay below the folder | For example "docs/**/*.md".'],
    ],
    [
      'workflow: a\nbranch: -x\n',
      ['2:9 wrong-type "branch" of the schedule must be the name of a branch, not the text "-x" | '],
    ],
    [
      'workflow: a\nbranch: main\nrepo: false\n',
      ['3:7 wrong-type "repo" of the schedule must be the repository of the branch, not false | '],
    ],
    [
      'workflow: a\nevery: 5m\npaused: maybe\n',
      ['3:9 wrong-type "paused" of the schedule must be true or false, not the text "maybe" | '],
    ],
  ])('%j is told at its place', (text, wanted) => {
    expect(problems(text)).toEqual(wanted);
    expect(read(text).draft).toBeNull();
  });
});

describe('the files of a folder', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'coord-schedules-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('are read in order; every problem of all of them is told', async () => {
    const put = (name: string, text: string): void => writeFileSync(join(folder, name), text);
    put('b.yml', 'workflow: b\nevery: 5m\n');
    put('a.yaml', 'workflow: a\nevery: 5m\n');
    put('notes.txt', 'no schedule');
    const files = await listScheduleFiles(folder);
    expect((await loadSchedules(files)).map(({ draft }) => draft.name)).toEqual(['a', 'b']);
    expect(await listScheduleFiles(join(folder, 'none'))).toEqual([]);
    put('c.yml', 'workflow: c\nevery: 5m\nname: a\n');
    put('d.yml', 'workflow: d\nevery: never\n');
    const error: unknown = await loadSchedules(await listScheduleFiles(folder)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'SCHEDULE_INVALID' });
    expect(String(error)).toContain(`${join(folder, 'd.yml')}:2:8  wrong-type`);
    expect(String(error)).toContain('are both called "a"');
    await expect(loadSchedules([join(folder, 'gone.yml')])).rejects.toMatchObject({ code: 'SCHEDULE_INVALID' });
  });
});
