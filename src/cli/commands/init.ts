/** `coord init`: a project to begin with, which runs at once. */
import { relative } from 'node:path';
import { type Call, type Invoke, note, print, printJson, type Program } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { projectFolder } from '../project-folder.js';
import { oneLine } from '../render/printable.js';
import { shellWord } from '../render/shell-word.js';

export function addInit(program: Program, invoke: Invoke): void {
  program
    .command('init')
    .description('make a project: a workflow, its personas and its tests')
    .argument('[folder]', 'where; by default the project, or the folder itself')
    .option('--json', 'print JSON')
    .action((folder, { json }, command) => invoke(command, (call) => init(call, folder ?? null, json === true)));
}

async function init(call: Call, folder: string | null, json: boolean): Promise<number> {
  const path = folder === null ? call.options.directory : call.path(folder);
  const files = await call.app.initProject(path);
  const top = projectFolder(path);
  if (top !== path)
    note(
      call,
      `${path} lies in the repository ${top}, where commands look for workflows; \`git init ${shellWord(path)}\` makes it a project of its own.`,
    );
  if (json) printJson(call, { folder: path, files });
  else {
    const lines = files.map(({ file, created }) =>
      created ? `${call.colors.good('created')}  ${oneLine(file)}` : `${call.colors.dim('is there')} ${oneLine(file)}`,
    );
    const there = relative(call.io.cwd, path);
    const how = there === '' ? 'coord' : `coord -C ${shellWord(there)}`;
    print(call, [...lines, '', `Try it: ${how} run hello --set name=Ann`, `Test it: ${how} test`].join('\n'));
  }
  return EXIT.ok;
}
