/** The endpoints of an OpenAPI description that share words with the request. */
import { readFileSync } from 'node:fs';
import { answer, count, progress } from '../../../../personas/programs/persona.mjs';
import { wordsOf } from '../../../shopping-cart/personas/programs/repository.mjs';

const MOST = 5;
const METHODS = ['get', 'put', 'post', 'delete', 'patch'];

await answer(async ({ params: { api, query } }) => {
  const wanted = new Set(wordsOf(query));
  const { paths = {} } = JSON.parse(readFileSync(api, 'utf8'));
  const endpoints = Object.entries(paths).flatMap(([path, operations]) =>
    METHODS.filter((method) => operations[method] !== undefined).map((method) => {
      const summary = operations[method].summary ?? '';
      const matched = [...new Set(wordsOf(`${path} ${summary}`))].filter((word) => wanted.has(word));
      return { method: method.toUpperCase(), path, summary, matched };
    }),
  );
  const found = endpoints
    .filter(({ matched }) => matched.length > 0)
    .toSorted((a, b) => b.matched.length - a.matched.length)
    .slice(0, MOST);
  progress(`${count(found.length, 'endpoint')} of ${endpoints.length}`);
  return { status: 'pass', result: { source: 'description', endpoints: found } };
});
