#!lua flags=allow-oom
-- announce: a coordinator says that it is there, and hears who else is; those that were not heard of for too long are struck off.
-- KEYS[1] meta hash   KEYS[2] coordinators hash   KEYS[3] roll stream
-- ARGV[1] incarnation   ARGV[2] coordinator   ARGV[3] how long one is taken for alive, in ms   ARGV[4] '1' to have the others look again, else '0'
-- Replies: OK mark names (one reply each) | GONE
--- @include "now"
if redis.call('HGET', KEYS[1], 'incarnation') ~= ARGV[1] then return { 'GONE' } end
local now = now_ms()
local all = redis.call('HGETALL', KEYS[2])
local changed = redis.call('HSET', KEYS[2], ARGV[2], now) == 1 or ARGV[4] == '1'
local reply = { 'OK', '', ARGV[2] }
for index = 1, #all, 2 do
  local name = all[index]
  if name ~= ARGV[2] then
    if now - tonumber(all[index + 1]) > tonumber(ARGV[3]) then
      redis.call('HDEL', KEYS[2], name)
      changed = true
    else
      reply[#reply + 1] = name
    end
  end
end
if changed then redis.call('XADD', KEYS[3], 'MAXLEN', 100, '*', 'by', ARGV[2]) end
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)
reply[2] = last[1] and last[1][1] or '0'
return reply
