/** Loads a workflow with all that it runs: its file, and the workflows of its `workflow` steps, which are pinned by their content. */
import { dirname, resolve } from 'node:path';
import { CoordError, hasCode } from '../core/errors.js';
import { quoted } from '../expression/problem.js';
import type { Located } from './fields.js';
import { formatProblems } from './frame.js';
import { withInner } from './inner.js';
import { fileOf, hintFor, isModule, isPath, listWorkflows, readText, type WorkflowFile } from './load-files.js';
import { loadDefinitionModule } from './load-module.js';
import { parseText } from './parse.js';
import type { Problem, Problems } from './problem.js';
import type { CustomStepType } from './step-types.js';
import { definitionHash, type WorkflowDefinition } from './workflow.js';

export { listWorkflows } from './load-files.js';

export interface LoadOptions {
  /** Folders with workflow files; the first that has the name wins. */
  readonly directories: readonly string[];
  /** Known personas, or null to check none. */
  readonly personas: ReadonlySet<string> | null;
  /** Whether the problems of an invalid file are shown in color; not, by default. */
  readonly color?: boolean;
  /** The environment whose variables count. Workflows that are run inside and do not have it stay as they are. */
  readonly environment?: string | null | undefined;
  /** Step types of plugins, by name. */
  readonly types?: ReadonlyMap<string, CustomStepType> | undefined;
}

export interface LoadedWorkflow {
  readonly definition: WorkflowDefinition;
  /** Every definition that it runs, directly or not; they must be stored with it. */
  readonly inner: readonly WorkflowDefinition[];
  readonly file: string;
  /** The file's text; of a program, the YAML of what it exports. */
  readonly text: string;
  readonly warnings: readonly Problem[];
}

/**
 * Loads a workflow by its name, or by the path of a file: a text with a `/` or with the ending of such a file is a path.
 * Throws DEFINITION_NOT_FOUND, or DEFINITION_INVALID with every problem of the file, and of those it runs, as the message.
 */
export async function loadWorkflow(nameOrPath: string, options: LoadOptions): Promise<LoadedWorkflow> {
  const file = isPath(nameOrPath) ? nameOrPath : await fileOf(nameOrPath, options.directories);
  const loader = new Loader(options);
  const loaded = await loader.load(file, []);
  if (loaded === null || loader.reports.length > 0)
    throw new CoordError('DEFINITION_INVALID', loader.reports.join('\n\n'));
  const inner = loader.inner.filter((definition) => definition !== loaded.definition);
  return { ...loaded, file, inner };
}

type Loaded = Pick<LoadedWorkflow, 'definition' | 'text' | 'warnings'>;

interface Running {
  readonly path: string;
  readonly name: string;
}

class Loader {
  /** What is wrong, one text per file. */
  readonly reports: string[] = [];
  readonly #options: LoadOptions;
  /** By absolute path; null for one that has problems, which are reported. */
  readonly #loaded = new Map<string, Loaded | null>();
  #files: readonly WorkflowFile[] | null = null;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  get inner(): readonly WorkflowDefinition[] {
    const byHash = new Map<string, WorkflowDefinition>();
    for (const loaded of this.#loaded.values())
      if (loaded !== null) byHash.set(definitionHash(loaded.definition), loaded.definition);
    return [...byHash.values()];
  }

  /** `outer` are the workflows that run this one, the outermost first. Throws when the file cannot be read at all. */
  async load(file: string, outer: readonly Running[]): Promise<Loaded | null> {
    const path = resolve(file);
    const known = this.#loaded.get(path);
    if (known !== undefined) return known;
    const { personas, environment, types } = this.#options;
    const { text, inPlace } = await readSource(file);
    const needed = outer.length === 0;
    const { reading, problems } = parseText(text, { file, personas, environment, environmentNeeded: needed, types });
    const hashes = new Map<string, string>();
    if (reading !== null) {
      const running = [...outer, { path, name: reading.definition.name }];
      for (const call of reading.calls) await this.#resolve(call, { running, problems, hashes });
    }
    const found = problems.list().map(inPlace);
    const errors = found.filter(({ severity }) => severity === 'error');
    if (errors.length > 0) this.reports.unshift(this.#format(errors, file, text));
    const incomplete = reading === null || errors.length > 0 || reading.calls.some(({ value }) => !hashes.has(value));
    const loaded = incomplete ? null : { definition: withInner(reading.definition, hashes), text, warnings: found };
    this.#loaded.set(path, loaded);
    return loaded;
  }

  /** Finds what a step runs, and notes the hash of its definition. */
  async #resolve(
    call: Located<string>,
    at: {
      readonly running: readonly Running[];
      readonly problems: Problems;
      readonly hashes: Map<string, string>;
    },
  ): Promise<void> {
    const { running, problems, hashes } = at;
    if (hashes.has(call.value)) return;
    this.#files ??= await listWorkflows(this.#options.directories);
    const file = isPath(call.value)
      ? resolve(dirname(running.at(-1)?.path ?? ''), call.value)
      : this.#files.find(({ name }) => name === call.value)?.file;
    if (file === undefined) {
      const hint = hintFor(call.value, this.#files) || 'No folder has a workflow.';
      problems.add('unknown-workflow', call, `there is no workflow ${quoted(call.value)}`, hint);
      return;
    }
    const first = running.findIndex(({ path }) => path === resolve(file));
    if (first !== -1) {
      const circle = [...running.slice(first), running[first]].map((entry) => entry?.name ?? '').join(' -> ');
      const hint = 'Each of them would wait for the next for ever. Remove one of these steps.';
      problems.add('cycle', call, `workflows run each other: ${circle}`, hint);
      return;
    }
    try {
      const loaded = await this.load(file, running);
      if (loaded !== null) hashes.set(call.value, definitionHash(loaded.definition));
    } catch (error) {
      if (hasCode(error, 'DEFINITION_NOT_FOUND')) problems.add('unknown-workflow', call, error.message);
      else if (hasCode(error, 'DEFINITION_INVALID')) this.reports.push(error.message);
      else throw error;
    }
  }

  #format(problems: readonly Problem[], file: string, text: string): string {
    if (!isModule(file)) return formatProblems(problems, text, { color: this.#options.color ?? false });
    // The lines of a program are not those of the YAML that was made of it, so the message names the place.
    return problems
      .map(({ code, message, hint }) => `${file}  ${code}  ${message}${hint === null ? '' : `\nhint: ${hint}`}`)
      .join('\n\n');
  }
}

interface Source {
  readonly text: string;
  /** The problem as it is told: one of a program names the path of what is wrong. */
  readonly inPlace: (problem: Problem) => Problem;
}

async function readSource(file: string): Promise<Source> {
  if (!isModule(file)) return { text: await readText(file), inPlace: (problem) => problem };
  const { text, pathAt } = await loadDefinitionModule(file);
  const inPlace = (problem: Problem): Problem => {
    const path = pathAt(problem.line, problem.column);
    return path === '' ? problem : { ...problem, message: `${path}: ${problem.message}` };
  };
  return { text, inPlace };
}
