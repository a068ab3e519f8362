/**
 * Roles: what a planner, an engineer or a reviewer is told to do, apart from who does it. A role is a Markdown file of its
 * own, and a persona of any kind takes it over with `role:`. What it says its result looks like is shown to whoever works by it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { messageOf } from '../core/errors.js';
import { type JsonObject, jsonObjectSchema } from '../core/json.js';
import { splitFrontMatter } from './front-matter.js';

export interface Role {
  readonly name: string;
  readonly description: string;
  /** Other names of the same role. */
  readonly aliases: readonly string[];
  /** Whether it changes files; one that does not need not be able to. */
  readonly changes: boolean;
  /** What the result of a pass looks like: JSON Schema. A step that has its own `output` goes before. */
  readonly output: JsonObject | null;
  readonly prompt: string;
}

/** Those that come with coord; the same relative path from `src/personas` and from `dist/personas`. */
const SHIPPED = fileURLToPath(new URL('../../personas/roles/', import.meta.url));

const headSchema = z.strictObject({
  description: z.string().min(1),
  aliases: z.array(z.string()).default([]),
  changes: z.boolean(),
  output: jsonObjectSchema.nullable().default(null),
});

/** By name or alias; one beside the persona's file, in `roles/`, goes before one that comes with coord. */
export function findRole(
  name: string,
  folder: string,
): Role | { readonly problem: string; readonly known: readonly string[] } {
  const known: string[] = [];
  for (const place of [join(folder, 'roles'), SHIPPED]) {
    for (const file of filesIn(place)) {
      const role = readRole(join(place, file));
      if ('problem' in role) {
        if (basename(file, '.md') === name) return { ...role, known: [] };
        continue;
      }
      if (role.name === name || role.aliases.includes(name)) return role;
      known.push(role.name, ...role.aliases);
    }
  }
  return { problem: `there is no role "${name}"`, known };
}

/** The roles that come with coord. */
export function shippedRoles(): readonly Role[] {
  return filesIn(SHIPPED).flatMap((file) => {
    const role = readRole(join(SHIPPED, file));
    return 'problem' in role ? [] : [role];
  });
}

function readRole(file: string): Role | { readonly problem: string } {
  try {
    const parts = splitFrontMatter(readFileSync(file, 'utf8'));
    if (parts === null) return { problem: `${file} has no front matter` };
    const head = headSchema.safeParse(parse(parts.yaml));
    if (head.success) return { name: basename(file, '.md'), ...head.data, prompt: parts.body };
    const issue = head.error.issues[0];
    return { problem: `${file}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim() };
  } catch (error) {
    return { problem: `${file} cannot be read: ${messageOf(error)}` };
  }
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.md') && name !== 'README.md')
      .toSorted();
  } catch {
    return [];
  }
}
