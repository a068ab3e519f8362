/** Everything that lies in a Redis, as plain JSON by key: portable between versions of Redis, unlike DUMP, and readable. */

export async function dump(redis) {
  const [seconds, micros] = await redis.time();
  const at = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  const keys = {};
  for (const key of (await redis.keys('*')).toSorted()) {
    const value = await valueOf(redis, key);
    const ttlMs = await redis.pttl(key);
    keys[key] = ttlMs < 0 ? value : { ...value, ttlMs };
  }
  return { at, keys };
}

async function valueOf(redis, key) {
  const type = await redis.type(key);
  switch (type) {
    case 'hash':
      return { hash: sorted(await redis.hgetall(key)) };
    case 'string':
      return { string: await redis.get(key) };
    case 'zset':
      return { zset: Object.fromEntries(pairs(await redis.zrange(key, 0, -1, 'WITHSCORES'), Number)) };
    case 'stream':
      return { stream: await streamOf(redis, key) };
    default:
      throw new Error(`${key} is a ${type}: teach dump.mjs and load.ts about it`);
  }
}

async function streamOf(redis, key) {
  const entries = Object.fromEntries((await redis.xrange(key, '-', '+')).map(([id, fields]) => [id, fieldsOf(fields)]));
  const { 'last-generated-id': lastId } = fieldsOf(await redis.xinfo('STREAM', key));
  const groups = {};
  for (const group of (await redis.xinfo('GROUPS', key)).map(fieldsOf)) {
    const { name } = group;
    const readers = (await redis.xinfo('CONSUMERS', key, name)).map((reader) => fieldsOf(reader).name).toSorted();
    const pending = (await redis.xpending(key, name, '-', '+', 1_000)).map(([id, reader]) => [id, reader]);
    groups[name] = { lastId: group['last-delivered-id'], readers, pending: Object.fromEntries(pending) };
  }
  return { lastId, entries, groups };
}

function pairs(flat, valueOfText = (text) => text) {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index], valueOfText(flat[2 * index + 1])]);
}

function fieldsOf(flat) {
  return Object.fromEntries(pairs(flat));
}

function sorted(object) {
  return Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
