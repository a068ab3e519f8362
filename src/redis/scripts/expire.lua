#!lua flags=allow-oom
-- expire: forget some of the idempotency keys whose time is over.
-- KEYS[1] admitted hash   KEYS[2] admission times zset
-- ARGV[1] how long a key is remembered, in ms   ARGV[2] most keys to forget
-- Replies: OK forgotten
--- @include "now"
local old = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now_ms() - tonumber(ARGV[1]), 'LIMIT', 0, ARGV[2])
redis.call('HLEN', KEYS[1])
-- Everything is checked: from here on nothing can fail.
for _, key in ipairs(old) do
  redis.call('HDEL', KEYS[1], key)
  redis.call('ZREM', KEYS[2], key)
end
return { 'OK', #old }
