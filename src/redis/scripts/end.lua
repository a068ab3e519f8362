#!lua flags=allow-oom
-- end: end a run that is set aside, as failed: what waits for it goes on, and what works for it stops.
-- KEYS[1] run hash   KEYS[2] history stream   KEYS[3] timers zset   KEYS[4] feed stream   KEYS[5] inbox stream
-- KEYS[6] lease hash   KEYS[7] audit stream   KEYS[8] runs zset of failed runs
-- KEYS[9..] runs zsets of all other statuses; behind them, named in the ending by their place among all keys: run hashes of runs
-- that are told something, slot hash and zset of its line
-- ARGV[1] run   ARGV[2] expected version   ARGV[3] ending (JSON: `lists` how many other statuses there are, `set`, `drop`,
-- `disarm`, `sends`, `slot`)   ARGV[4] record   ARGV[5] facts   ARGV[6] hash   ARGV[7] who does it   ARGV[8] most entries that the feed keeps
-- Replies: OK position term | NOT_SET_ASIDE | STALE
--- @include "now"
--- @include "ended"
--- @include "send"
--- @include "slots"
--- @include "audit"
--- @include "position"
local stored = redis.call('HMGET', KEYS[1], 'version', 'quarantined')
if stored[1] ~= ARGV[2] then return { 'STALE' } end
if not stored[2] then return { 'NOT_SET_ASIDE' } end
local ending = cjson.decode(ARGV[3])
local now, run = now_ms(), ARGV[1]
local sends = {}
for _, message in ipairs(ending.sends) do
  local status = redis.call('HGET', KEYS[message[1]], 'status')
  if status and not ended(status) then sends[#sends + 1] = message end
end
local slot, line, chosen = nil, nil, {}
if ending.slot then
  slot, line = KEYS[ending.slot[1]], KEYS[ending.slot[2]]
  chosen = slot_next(slot, line, tonumber(redis.call('HGET', slot, 'limit') or 0), run)
end
for _, stream in ipairs({ 2, 4, 5, 7 }) do redis.call('XLEN', KEYS[stream]) end
redis.call('ZCARD', KEYS[3])
local since = redis.call('ZSCORE', KEYS[8], run)
for index = 9, 8 + ending.lists do since = redis.call('ZSCORE', KEYS[index], run) or since end
local epoch = redis.call('HGET', KEYS[6], 'epoch') or '0'
-- Everything is checked: from here on nothing can fail.

local position, term = count_change(KEYS[6])
local version = tonumber(ARGV[2]) + 1
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  local kind = string.sub(field, 1, 2)
  if kind == 't:' or kind == 'c:' or kind == 'd:' then redis.call('HDEL', KEYS[1], field) end
end
for first = 1, #ending.set, 4000 do redis.call('HSET', KEYS[1], unpack(ending.set, first, math.min(first + 3999, #ending.set))) end
for first = 1, #ending.drop, 4000 do redis.call('HDEL', KEYS[1], unpack(ending.drop, first, math.min(first + 3999, #ending.drop))) end
redis.call('HDEL', KEYS[1], 'quarantined')
redis.call('HSET', KEYS[1], 'version', version, 'status', 'failed', 'record', ARGV[4], 'chain', ARGV[6])
for _, timer in ipairs(ending.disarm) do redis.call('ZREM', KEYS[3], timer) end
redis.call('XADD', KEYS[2], '*', 'version', version, 'position', position, 'epoch', epoch, 'messages', '[]', 'facts', ARGV[5], 'hash', ARGV[6], 'genesis', ARGV[4])
redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[8], '*', 'facts', ARGV[5])
for index = 9, 8 + ending.lists do redis.call('ZREM', KEYS[index], run) end
redis.call('ZADD', KEYS[8], since or now, run)
for _, message in ipairs(sends) do send(KEYS[5], message[2], message[3], message[4]) end
if slot then
  for _, following in ipairs(chosen) do slot_enter(slot, line, KEYS[5], following, now) end
  slot_leave(slot, line, run)
end
trace(KEYS[7], { action = 'failed', what = run, by = ARGV[7] })
return { 'OK', position, term }
