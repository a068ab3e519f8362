/** A process of many watchers: each follows a run to its end, then another one. Arguments: the socket, their number. */
import { connect } from 'coord/client';

const [socket, count] = process.argv.slice(2);
const { client } = await connect({ redis: `unix:${socket}` });
const stop = new AbortController();
process.once('SIGTERM', () => process.exit(0));

let facts = 0;
setInterval(() => process.stdout.write(`${facts} facts\n`), 500);
let begun = 0;
for (let watcher = 0; watcher < Number(count); watcher++) void watch(watcher);

async function watch(place) {
  for (;;) {
    const running = await client.list({ statuses: ['running'], limit: Number(count) });
    const run = running[place % Math.max(1, running.length)];
    if (run === undefined) continue;
    if (begun++ === Number(count) - 1) process.stdout.write('all watch\n');
    for await (const _ of client.follow(run.id, stop.signal)) facts++;
  }
}
