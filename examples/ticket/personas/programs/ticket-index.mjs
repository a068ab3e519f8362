/** Asks the index of a repository: `index_status`, or `context` for a text. */
import { answer, count, progress } from '../../../../personas/programs/persona.mjs';
import { indexStatus, queryIndex } from '../../app/code-index.mjs';
import { dataFolder } from '../../app/store.mjs';

const MOST = 10;
const data = dataFolder(process.argv[2]);

const MESSAGES = {
  ready: ({ total }) => `the index is ready: ${count(total, 'file')}`,
  indexing: ({ done, total }) => `indexing in progress: ${done} of ${count(total, 'file')}`,
  missing: () => 'there is no index of this repository: tickets index builds it',
  unavailable: () => 'the index cannot be read',
};

const WORK = {
  index_status({ repository }) {
    const found = indexStatus(data, repository);
    return { ...found, message: MESSAGES[found.status](found) };
  },
  context({ repository, query }) {
    const files = queryIndex(data, repository, query).slice(0, MOST);
    return { source: 'index', files, message: `${count(files.length, 'file')} found` };
  },
};

await answer(async ({ params }) => {
  const work = Object.hasOwn(WORK, params.work) ? WORK[params.work] : null;
  if (work === null)
    throw new Error(`"${params.work}" is no work of the index; there are ${Object.keys(WORK).join(', ')}`);
  const result = work(params);
  progress(result.message);
  return { status: 'pass', result };
});
