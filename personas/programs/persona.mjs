/**
 * What every persona program shares: read one request from stdin, do the work, print one reply on stdout.
 * Standard error is the persona's live progress. A thrown error becomes a reply with status "error".
 */

/** Most characters of an error; details belong in the result. */
const ERROR_LIMIT = 4000;

/** Runs `handle(request)` once and prints what it answers: `{ status, result, error?, artifacts? }`. */
export async function answer(handle) {
  let reply;
  try {
    reply = await handle(JSON.parse(await readStdin()));
  } catch (error) {
    reply = { status: 'error', result: null, error: error instanceof Error ? error.message : String(error) };
  }
  if (reply.error?.length > ERROR_LIMIT) reply.error = `${reply.error.slice(0, ERROR_LIMIT)}…`;
  process.stdout.write(`${JSON.stringify({ artifacts: [], ...reply })}\n`);
}

/** Shows one line of progress to whoever watches the run. */
export function progress(text) {
  process.stderr.write(`${text}\n`);
}

/** The workspace of a request, or a clear error: these personas work on a repository. */
export function workspaceOf(request) {
  const workspace = request.workspace ?? null;
  if (workspace === null) throw new Error(`step ${request.step} needs a workspace: start the run in a git repository`);
  return workspace;
}

/** `3 tests`, `1 test`. */
export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

async function readStdin() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
