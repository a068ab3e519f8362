#!lua flags=allow-oom
-- fire: move due timers into the inbox, where they are messages like all others.
-- KEYS[1] lease hash   KEYS[2] timers zset   KEYS[3] inbox stream
-- ARGV[1] owner nonce   ARGV[2] epoch   ARGV[3] most timers to move
-- Replies: OK fired next-in-ms (-1 for none) position | FENCED
--- @include "now"
--- @include "fence"
local others, position = fenced(KEYS[1], ARGV[1], ARGV[2])
if others then return { 'FENCED' } end
local now = now_ms()
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, ARGV[3])
if #due > 0 then
  position = position + 1
  redis.call('HSET', KEYS[1], 'position', position)
end
for _, timer in ipairs(due) do
  redis.call('XADD', KEYS[3], '*', 'run', string.match(timer, '^[^|]*|([^|]*)|') or '', 'kind', 'timer', 'head', timer, 'body', '')
  redis.call('ZREM', KEYS[2], timer)
end
local following = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
return { 'OK', #due, following[2] and math.max(0, tonumber(following[2]) - now) or -1, position }
