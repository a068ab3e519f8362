#!/usr/bin/env node
/** The application's own command line: what a person does with tickets while runs generate them. */
import { watch } from 'node:fs';
import { resolve } from 'node:path';
import { buildIndex } from './code-index.mjs';
import { Refusal } from './lifecycle.mjs';
import { lockedMessage, newTicket } from './operations.mjs';
import { dataFolder, Store } from './store.mjs';

const USAGE = `tickets list | show <id> | history <id> | watch <id>
tickets new <id> title=<text> [description=<text>] [repository=<folder>] [api=<file>]
tickets edit <id> <field>=<value>…     fields: title, description, repository, api, acceptanceCriteria, assumptions
tickets unlock <id>                    takes the lock of a run away that does not exist any more
tickets index <folder>                 builds the index of a repository
The data are in $TICKET_DATA, by default in work/ of this example.`;

const EDITABLE = ['title', 'description', 'repository', 'api', 'acceptanceCriteria', 'assumptions'];
const LISTS = new Set(['acceptanceCriteria', 'assumptions']);

const data = dataFolder(resolve(import.meta.dirname, '../work'));
const store = new Store(data);

const COMMANDS = {
  list() {
    for (const ticket of store.list()) console.log(line(ticket));
  },
  show([id]) {
    const { applied: _applied, closed: _closed, ...shown } = existing(id);
    console.log(JSON.stringify(shown, null, 2));
  },
  history([id]) {
    for (const version of store.versions(id)) console.log(line(version));
  },
  /** One line per change, as it comes, until the generation is over. */
  watch([id]) {
    const isOver = ({ deleted, generation }) =>
      deleted || (generation !== null && generation.state !== 'running' && generation.state !== 'suspended');
    let told = 0;
    const tell = () => {
      for (const version of store.versions(id).filter((one) => one.version > told)) {
        console.log(line(version));
        told = version.version;
        if (isOver(version)) watcher.close();
      }
    };
    existing(id);
    const watcher = watch(store.folderOf(id), tell);
    tell();
  },
  new([id, ...fields]) {
    const given = values(fields, ['title', 'description', 'repository', 'api']);
    if (!given.title) throw new Refusal('a ticket needs a title=…');
    store.change(id, (ticket) => {
      if (ticket !== null) throw new Refusal(`there is a ticket ${id} already`);
      return newTicket({ ticket: id, ...given });
    });
    console.log(`${id} is a draft`);
  },
  edit([id, ...fields]) {
    const given = values(fields, EDITABLE);
    store.change(id, (ticket) => {
      if (ticket === null) throw new Refusal(`there is no ticket ${id}`);
      if (ticket.lock !== null) throw new Refusal(lockedMessage(ticket));
      return { ...ticket, ...given };
    });
    console.log(`${id}: ${Object.keys(given).join(', ')} changed`);
  },
  unlock([id]) {
    store.change(id, (ticket) => {
      if (ticket === null) throw new Refusal(`there is no ticket ${id}`);
      if (ticket.lock === null) return ticket;
      return { ...ticket, lock: null, status: ticket.status === 'ready' ? 'ready' : 'draft' };
    });
    console.log(`${id} is free`);
  },
  async index([folder]) {
    const count = await buildIndex(data, resolve(folder ?? '.'));
    console.log(`${count} files in the index`);
  },
};

function existing(id) {
  const ticket = store.read(id ?? '');
  if (ticket === null) throw new Refusal(`there is no ticket ${id}`);
  return ticket;
}

function values(fields, known) {
  if (fields.length === 0) throw new Refusal(`say what: ${known.map((name) => `${name}=…`).join(' ')}`);
  return Object.fromEntries(
    fields.map((field) => {
      const [name, ...rest] = field.split('=');
      if (!known.includes(name)) throw new Refusal(`"${name}" cannot be set; there are ${known.join(', ')}`);
      const value = rest.join('=');
      return [name, LISTS.has(name) ? value.split('\n').filter(Boolean) : value];
    }),
  );
}

function line({ id, version, deleted, status, title, generation }) {
  if (deleted) return `${id} v${version} deleted`;
  const step = generation === null ? '' : ` step ${generation.currentStep} of ${generation.totalSteps}`;
  const message = generation?.message ? `: ${generation.message}` : '';
  return `${id} v${version} ${status}${step} "${title}"${message}`;
}

const [command = '', ...rest] = process.argv.slice(2);
if (!Object.hasOwn(COMMANDS, command)) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  try {
    await COMMANDS[command](rest);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    console.error(`tickets: ${error.message}`);
    process.exitCode = 1;
  }
}
