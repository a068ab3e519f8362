#!lua flags=allow-oom
-- hold: take a partition out of everybody's hands. Who owns it is fenced, and nobody can acquire it.
-- KEYS[1] lease hash
-- ARGV[1] why
-- Replies: OK
redis.call('HDEL', KEYS[1], 'owner', 'until')
redis.call('HSET', KEYS[1], 'hold', ARGV[1])
return { 'OK' }
