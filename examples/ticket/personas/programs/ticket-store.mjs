/** Carries out one operation on the ticket of a run. The argument is the data folder where none is said by TICKET_DATA. */
import { answer } from '../../../../personas/programs/persona.mjs';
import { Refusal } from '../../app/lifecycle.mjs';
import { operate } from '../../app/operations.mjs';
import { dataFolder, Store } from '../../app/store.mjs';

const store = new Store(dataFolder(process.argv[2]));

await answer(async ({ run, step, attempt, token, params }) => {
  try {
    const ticket = store.change(params.ticket, (found) => operate(found, { run, step, attempt, token, params }));
    return { status: 'pass', result: summary(ticket, params) };
  } catch (error) {
    if (error instanceof Refusal) return { status: 'fail', result: null, error: error.message };
    throw error;
  }
});

/** What the steps that follow want to know. */
function summary(ticket, { ticket: id }) {
  const there = ticket !== null && !ticket.deleted;
  const { title, description, repository, api, status, version } = there ? ticket : {};
  return {
    ticket: id,
    status: there ? status : 'deleted',
    version: there ? version : 0,
    title: title ?? null,
    description: description ?? '',
    repository: repository ?? null,
    api: api ?? null,
  };
}
