/** `coord new`: a workflow of the project, made from a template. */
import { relative } from 'node:path';
import { CoordError } from '../../core/errors.js';
import { type Call, type Invoke, note, print, printJson, type Program, tableLook } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { oneLine } from '../render/printable.js';
import { table } from '../render/table.js';

interface Flags {
  readonly from: string;
  readonly list?: true | undefined;
  readonly json?: true | undefined;
}

export function addNew(program: Program, invoke: Invoke): void {
  program
    .command('new')
    .description('make a workflow from a template')
    .argument('[name]', 'name of the workflow: it becomes workflows/<name>.yml')
    .option('--from <template>', 'what to begin with', 'sequence')
    .option('--list', 'show the templates')
    .option('--json', 'print JSON')
    .action((name, flags, command) => invoke(command, (call) => create(call, name, flags)));
}

async function create(call: Call, name: string | undefined, { from, list, json }: Flags): Promise<number> {
  if (list === true) return listTemplates(call, json === true);
  if (name === undefined) throw new CoordError('USAGE', 'a name is missing: coord new <name> --from <template>');
  const created = await call.app.newWorkflow(call.options, { name, template: from });
  if (json === true) printJson(call, created);
  else {
    print(call, `Created ${oneLine(relative(call.io.cwd, created.file))}. Run it: coord run ${name}`);
    if (created.missing.length > 0)
      note(
        call,
        `It asks personas that have no file yet: ${created.missing.map((one) => `personas/${one}.md`).join(', ')}`,
      );
  }
  return EXIT.ok;
}

async function listTemplates(call: Call, json: boolean): Promise<number> {
  const templates = await call.app.listTemplates();
  const columns = [
    { title: 'TEMPLATE', cell: ({ name }: (typeof templates)[number]) => name },
    { title: 'DESCRIPTION', cell: ({ description }: (typeof templates)[number]) => description },
  ];
  if (json) printJson(call, templates);
  else print(call, table(columns, templates, tableLook(call)));
  return EXIT.ok;
}
