#!lua
-- admit: take in a run that a client starts, once per idempotency key. Refused by Redis itself when memory is short.
-- KEYS[1] admitted hash   KEYS[2] admission times zset   KEYS[3] inbox stream   KEYS[4] run hash   KEYS[5] runs zset of pending runs
-- KEYS[6] lease hash   KEYS[7..] slot hash and zset of its line, when the run needs a slot
-- ARGV[1] run   ARGV[2] idempotency key   ARGV[3] hash of what is asked   ARGV[4] how long a key is remembered, in ms
-- ARGV[5] definition hash   ARGV[6] record   ARGV[7] input   ARGV[8] format   ARGV[9] most runs that may hold the slot, empty without one
-- Replies: ADMITTED position term | REPEATED | CONFLICT
--- @include "now"
--- @include "send"
--- @include "slots"
--- @include "admitted"
--- @include "position"
local known = redis.call('HGET', KEYS[1], ARGV[2])
if known then return { known == ARGV[3] and 'REPEATED' or 'CONFLICT' } end
local stored = redis.call('HMGET', KEYS[4], 'status', 'definition', 'input')
-- The key may be forgotten while its run is still there.
if stored[1] then return { stored[2] == ARGV[5] and stored[3] == ARGV[7] and 'REPEATED' or 'CONFLICT' } end
local slot, line = unpack(KEYS, 7)
local chosen, room = {}, 1
if slot then chosen, room = slot_next(slot, line, tonumber(ARGV[9])) end
local now = now_ms()
-- Everything is checked: from here on nothing can fail.
remember(KEYS[1], KEYS[2], { key = ARGV[2], hash = ARGV[3], now = now, retention = tonumber(ARGV[4]) })
redis.call('HSET', KEYS[4], 'format', ARGV[8], 'version', 0, 'status', 'pending', 'definition', ARGV[5], 'record', ARGV[6], 'input', ARGV[7])
redis.call('ZADD', KEYS[5], now, ARGV[1])
if slot then
  -- The limit may be higher than the one before: those who wait go first.
  redis.call('HSET', slot, 'limit', ARGV[9])
  for _, run in ipairs(chosen) do slot_enter(slot, line, KEYS[3], run, now) end
  if room > 0 then slot_enter(slot, line, KEYS[3], ARGV[1], now) else slot_wait(line, ARGV[1]) end
else
  send(KEYS[3], ARGV[1], 'start', '{}')
end
return { 'ADMITTED', count_change(KEYS[6]) }
