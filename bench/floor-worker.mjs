/** The floor's worker: takes requests, answers each, acknowledges; batched. Ends with its parent. */
import { Redis } from 'ioredis';

const redis = new Redis(process.argv[2]);
process.on('disconnect', () => process.exit(0));
for (;;) {
  const reply = await redis.xreadgroup(
    'GROUP',
    'g',
    'w',
    'COUNT',
    256,
    'BLOCK',
    1000,
    'STREAMS',
    'floor:requests',
    '>',
  );
  if (reply === null) continue;
  const [, entries] = reply[0];
  const pipeline = redis.pipeline();
  for (const [, fields] of entries)
    pipeline.xadd('floor:replies', '*', 'run', fields[1], 'step', fields[3], 'body', '{"status":"pass"}');
  pipeline.xack('floor:requests', 'g', ...entries.map(([id]) => id));
  await pipeline.exec();
}
