#!lua
-- admit: take in what a client asks for, once per idempotency key. Refused by Redis itself when memory is short.
-- KEYS[1] admitted hash   KEYS[2] admission times zset   KEYS[3] inbox stream   KEYS[4] run hash   KEYS[5] runs zset of pending runs
-- KEYS[6..] slot hash and zset of its line, when the start needs a slot
-- ARGV[1] kind: start, cancel, signal or decide   ARGV[2] run   ARGV[3] idempotency key   ARGV[4] hash of what is asked
-- ARGV[5] how long a key is remembered, in ms   ARGV[6] body   ARGV[7] definition hash   ARGV[8] record   ARGV[9] input (7 to 9 empty but for start)
-- ARGV[10] most runs that may hold the slot, empty without one
-- Replies: ADMITTED | REPEATED | CONFLICT | NO_RUN | ENDED status
--- @include "now"
--- @include "ended"
--- @include "send"
--- @include "slots"
local known = redis.call('HGET', KEYS[1], ARGV[3])
if known then return { known == ARGV[4] and 'REPEATED' or 'CONFLICT' } end
local stored = redis.call('HMGET', KEYS[4], 'status', 'definition', 'input')
if ARGV[1] == 'start' then
  -- The key may be forgotten while its run is still there.
  if stored[1] then return { stored[2] == ARGV[7] and stored[3] == ARGV[9] and 'REPEATED' or 'CONFLICT' } end
elseif not stored[1] then
  return { 'NO_RUN' }
elseif ended(stored[1]) then
  return { 'ENDED', stored[1] }
end
local slot, line = unpack(KEYS, 6)
local chosen, room = {}, 1
if slot then chosen, room = slot_next(slot, line, tonumber(ARGV[10])) end
local now = now_ms()
-- Everything is checked: from here on nothing can fail.
for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[5]), 'LIMIT', 0, 10)) do
  redis.call('HDEL', KEYS[1], old)
  redis.call('ZREM', KEYS[2], old)
end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
redis.call('ZADD', KEYS[2], now, ARGV[3])
if ARGV[1] == 'start' then
  redis.call('HSET', KEYS[4], 'version', 0, 'status', 'pending', 'definition', ARGV[7], 'record', ARGV[8], 'input', ARGV[9])
  redis.call('ZADD', KEYS[5], now, ARGV[2])
end
if slot then
  -- The limit may be higher than the one before: those who wait go first.
  redis.call('HSET', slot, 'limit', ARGV[10])
  for _, run in ipairs(chosen) do slot_enter(slot, line, KEYS[3], run, now) end
  if room > 0 then slot_enter(slot, line, KEYS[3], ARGV[2], now) else slot_wait(line, ARGV[2]) end
else
  send(KEYS[3], ARGV[2], ARGV[1], ARGV[6])
end
return { 'ADMITTED' }
