/** `coord fmt`: workflow files in the present spelling. */
import { writeFile } from 'node:fs/promises';
import { CoordError, messageOf } from '../../core/errors.js';
import { didYouMean } from '../../core/suggest.js';
import { respellText } from '../../definition/fmt.js';
import { readBytes } from '../../definition/load-bytes.js';
import { printWorkflow } from '../../definition/print.js';
import { WORKFLOW_LIMITS } from '../../definition/workflow.js';
import { type Call, type Invoke, note, print, type Program, workflowOf } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { oneLine, severalLines } from '../render/printable.js';

interface Flags {
  readonly check?: true | undefined;
  readonly write?: true | undefined;
}

export function addFmt(program: Program, invoke: Invoke): void {
  program
    .command('fmt')
    .description('print workflow files in the present spelling, or write them so')
    .argument('[workflow...]', 'names of workflows, or paths to their files; all of the project by default')
    .option('--check', 'only say which files would change, and exit with 1 when there are any')
    .option('--write', 'change the files')
    .action((given, flags, command) => invoke(command, (call) => fmt(call, given, flags)));
}

async function fmt(call: Call, given: readonly string[], { check, write }: Flags): Promise<number> {
  if (check === true && write === true) throw new CoordError('USAGE', '--check and --write cannot be used together');
  const files = await filesOf(call, given, check === true || write === true);
  const types = await call.app.stepTypes(call.options);
  let invalid = 0;
  let changed = 0;
  for (const file of files) {
    try {
      if (!isText(file)) {
        await printProgram(call, file, files.length > 1);
        continue;
      }
      const text = await textOf(call.path(file));
      const respelled = respellText(text, { file, types, color: call.io.color });
      if (check !== true && write !== true) {
        if (files.length > 1) print(call, call.colors.dim(`# ${oneLine(file)}`));
        print(call, respelled);
      }
      if (respelled === text) continue;
      changed++;
      if (check === true) print(call, `${oneLine(file)} has old spellings: coord fmt --write ${oneLine(file)}`);
      if (write !== true) continue;
      await writeFile(call.path(file), respelled);
      print(call, `${oneLine(file)} is rewritten`);
    } catch (error) {
      if (!(error instanceof CoordError) || error.code !== 'DEFINITION_INVALID') throw error;
      // The others are done all the same.
      invalid++;
      note(call, severalLines(error.message));
    }
  }
  if (invalid > 0) return EXIT.usage;
  return check === true && changed > 0 ? EXIT.failed : EXIT.ok;
}

/** A program has no text of its own to rewrite: what it exports is printed as YAML. */
async function printProgram(call: Call, file: string, titled: boolean): Promise<void> {
  const { definition } = await call.app.loadWorkflow(call.path(file), call.options, null);
  if (titled) print(call, call.colors.dim(`# ${oneLine(file)}`));
  print(call, printWorkflow(definition));
}

/** Programs are left out when they are not named, and refused where files are to be `rewritten`. */
async function filesOf(call: Call, given: readonly string[], rewritten: boolean): Promise<readonly string[]> {
  const own = await call.app.listWorkflows(call.options);
  if (given.length === 0) {
    const files = own.map(({ file }) => file).filter(isText);
    if (files.length > 0) return files;
    throw new CoordError('DEFINITION_NOT_FOUND', `there are no workflow files in ${call.options.directory}`);
  }
  return given.map((name) => {
    const known = own.find((workflow) => workflow.name === name);
    const file = known?.file ?? workflowOf(call, name);
    if (!/[\\/.]/.test(file)) {
      const hint = didYouMean(
        name,
        own.map((workflow) => workflow.name),
      );
      throw new CoordError('DEFINITION_NOT_FOUND', `the project has no workflow "${name}".${hint}`);
    }
    if (rewritten && !isText(file))
      throw new CoordError('USAGE', `${file} is a program; only YAML and JSON files are rewritten`);
    return file;
  });
}

function isText(file: string): boolean {
  return /\.(?:ya?ml|json)$/.test(file);
}

/** A huge file is no workflow, and is not read whole to find that out. */
async function textOf(path: string): Promise<string> {
  const read = await readBytes(path, { limit: WORKFLOW_LIMITS.bytes, pipes: false });
  const failed = (why: string, cause: unknown): CoordError =>
    new CoordError('DEFINITION_NOT_FOUND', `the workflow file ${path} cannot be read: ${why}`, { cause });
  if ('refused' in read) throw failed(read.refused, read.cause);
  if (read.bytes.length > WORKFLOW_LIMITS.bytes)
    throw failed(`it has more than ${String(WORKFLOW_LIMITS.bytes)} bytes`, undefined);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(read.bytes);
  } catch (error) {
    throw failed(messageOf(error), error);
  }
}
