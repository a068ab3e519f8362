#!lua flags=allow-oom
-- announce-worker: a worker says that it is there and what it serves. Also when memory is short: one that falls silent is taken for dead.
-- KEYS[1] workers hash
-- ARGV[1] worker   ARGV[2] what there is to say of it (JSON)
-- Replies: OK
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return { 'OK' }
