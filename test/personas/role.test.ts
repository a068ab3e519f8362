/** The roles that come with coord, and how personas take them over. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkSchema } from '../../src/definition/schema-check.js';
import { parsePersonaFile } from '../../src/personas/persona-file.js';
import { shippedRoles } from '../../src/personas/role.js';
import { TOP } from '../harness/process-tree.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coord-roles-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const parse = (front: string, body = ''): ReturnType<typeof parsePersonaFile> =>
  parsePersonaFile(`---\nkind: command\ncommand: [sh]\n${front}\n---\n${body}`, join(folder, 'someone.md'));

describe('the roles that come with coord', () => {
  const roles = shippedRoles();
  const names = new Set(roles.flatMap(({ name, aliases }) => [name, ...aliases]));

  test('can all be read, and no name means two of them', () => {
    const files = readdirSync(join(TOP, 'personas/roles')).filter((file) => file.endsWith('.md'));
    expect(roles.map(({ name }) => `${name}.md`)).toEqual(files.toSorted());
    expect(names.size).toBe(roles.reduce((sum, { aliases }) => sum + 1 + aliases.length, 0));
  });

  test.each(roles.map((role) => [role.name, role] as const))(
    '%s says what its result looks like, and when it passes',
    (_, role) => {
      expect(checkSchema(role.output)).toEqual([]);
      expect(role.output).toMatchObject({ type: 'object', required: expect.any(Array) as string[] });
      expect(role.prompt.length).toBeGreaterThan(300);
      expect(role.changes || /change no file|change nothing|summarize|decide nothing/i.test(role.prompt)).toBe(true);
    },
  );

  test('are there for every persona that the shipped workflows ask, but those of an example of their own', () => {
    const folderOf = join(TOP, 'workflows');
    const texts = readdirSync(folderOf)
      .filter((file) => file.endsWith('.yml') && file !== 'ticket.yml')
      .map((file) => readFileSync(join(folderOf, file), 'utf8'));
    const asked = new Set(
      texts.flatMap((text) => [...text.matchAll(/persona: *"?([a-z][a-z0-9-]*)/g)].map(([, name]) => name ?? '')),
    );
    expect(asked.size).toBeGreaterThan(8);
    expect([...asked].filter((name) => !names.has(name))).toEqual([]);
  });

  test('are there for every persona of the existing fleet', () => {
    const fleet =
      'summarization coordination context implementation-planner lead-engineer tester-qa project-manager devops code-reviewer security-review ui-engineer troubleshooting architect plan-evaluator researcher analyst qa-engineer ml-engineer analysis-reviewer hotfix-specialist';
    expect(fleet.split(' ').filter((name) => !names.has(name))).toEqual([]);
  });
});

describe('a persona that takes a role over', () => {
  test('has its prompt before its own words, its description, and its result', () => {
    const { persona } = parse('role: plan-evaluator', 'Here, a plan names a ticket.');
    expect(persona?.prompt).toMatch(/^You evaluate the plan before anybody[^]*\n\nHere, a plan names a ticket\.$/);
    expect(persona?.description).toMatch(/^Judges a plan/);
    expect(persona?.role?.output).toMatchObject({ required: ['score', 'reasons'] });
    expect(parse('role: plan-evaluator\ndescription: mine').persona?.description).toBe('mine');
  });

  test('by an alias, too', () => {
    expect(parse('role: tester-qa').persona?.role?.name).toBe('qa-engineer');
  });

  test('may have a role of the project, which goes before one of the same name', () => {
    mkdirSync(join(folder, 'roles'));
    writeFileSync(join(folder, 'roles/architect.md'), '---\ndescription: ours\nchanges: false\n---\nOur way.\n');
    expect(parse('role: architect').persona).toMatchObject({ prompt: 'Our way.', description: 'ours' });
    writeFileSync(join(folder, 'roles/architect.md'), '---\ndescription: ours\n---\nOur way.\n');
    expect(parse('role: architect').problems[0]?.message).toMatch(/roles\/architect\.md: changes Invalid input/);
  });

  test('that there is none of is told what was meant, at its place', () => {
    expect(parse('role: lead-enginer').problems).toMatchObject([
      {
        line: 4,
        column: 1,
        code: 'bad_value',
        message: 'role: there is no role "lead-enginer". Did you mean "lead-engineer"?',
      },
    ]);
  });
});
