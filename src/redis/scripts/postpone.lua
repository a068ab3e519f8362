#!lua flags=allow-oom
-- postpone: put a timer that lies in the inbox back, due later: its time came, and there was nothing to do yet.
-- KEYS[1] lease hash   KEYS[2] inbox stream   KEYS[3] timers zset   KEYS[4] suspects hash
-- ARGV[1] owner nonce   ARGV[2] epoch   ARGV[3] entry id   ARGV[4] timer   ARGV[5] ms until it is due
-- Replies: OK position | FENCED
--- @include "now"
--- @include "fence"
local others, position = fenced(KEYS[1], ARGV[1], ARGV[2])
if others then return { 'FENCED' } end
local due = now_ms() + tonumber(ARGV[5])
redis.call('ZCARD', KEYS[3])
if redis.call('XDEL', KEYS[2], ARGV[3]) == 1 then
  position = position + 1
  redis.call('HSET', KEYS[1], 'position', position)
  redis.call('ZADD', KEYS[3], due, ARGV[4])
end
redis.call('HDEL', KEYS[4], ARGV[3])
return { 'OK', position }
