/** The step types of a project's plugins. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CoordError } from '../core/errors.js';
import { checkSchema } from './json-schema.js';
import { loadModule } from './load-module.js';
import { type CustomStepType, problemOf, schemaOf } from './step-types.js';

const PLUGIN = /(?<!\.d|\.test)\.(?:m?js|ts)$/;

export interface PluginStepType extends CustomStepType {
  readonly file: string;
}

/**
 * The step types of every plugin in the folders, by name. A plugin is a program whose default export is a step type or
 * a list of them; a folder that does not exist has none. Throws DEFINITION_INVALID, naming the file.
 */
export async function loadStepTypes(directories: readonly string[]): Promise<ReadonlyMap<string, PluginStepType>> {
  const types = new Map<string, PluginStepType>();
  for (const directory of directories) {
    const files = (await readdir(directory).catch(() => [])).filter((name) => PLUGIN.test(name)).toSorted();
    for (const name of files) {
      const file = join(directory, name);
      for (const type of typesOf(await loadModule(file), file)) {
        const other = types.get(type.name);
        if (other !== undefined)
          throw invalid(file, `the step type "${type.name}" is there already, from ${other.file}; rename one of them`);
        types.set(type.name, { ...type, file });
      }
    }
  }
  return types;
}

function typesOf(exported: unknown, file: string): readonly CustomStepType[] {
  const values: readonly unknown[] = Array.isArray(exported) ? exported : [exported];
  return values.map((value) => {
    const problem = problemOf(value);
    if (problem !== null) throw invalid(file, problem);
    const type = value as CustomStepType;
    const params = schemaOf(type.params, `the params of the step type "${type.name}"`);
    const [issue] = checkSchema(params);
    if (issue !== undefined) {
      const where = issue.path.length === 0 ? '' : ` at ${issue.path.map(String).join('.')}`;
      throw invalid(
        file,
        `the params of the step type "${type.name}" are no schema that is accepted${where}: ${issue.message}`,
      );
    }
    return { name: type.name, description: type.description, params, expand: (step) => type.expand(step) };
  });
}

function invalid(file: string, message: string): CoordError {
  return new CoordError('DEFINITION_INVALID', `${file}: ${message}`);
}
