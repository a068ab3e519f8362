#!lua flags=allow-oom
-- tell: take in what a client tells a run, once per idempotency key. Runs are steered, and can be stopped, also when memory is short.
-- KEYS[1] admitted hash   KEYS[2] admission times zset   KEYS[3] inbox stream   KEYS[4] run hash   KEYS[5] lease hash
-- KEYS[6..] slot hash and zset of its line, when the run may be taken up again and needs a slot
-- ARGV[1] kind, for example cancel   ARGV[2] run   ARGV[3] idempotency key   ARGV[4] hash of what is asked
-- ARGV[5] how long a key is remembered, in ms   ARGV[6] body
-- ARGV[7] 1 when it may be for a run that has ended, to take it up again, else empty   ARGV[8] most runs that may hold the slot, empty without one
-- Replies: ADMITTED position term entry | REPEATED | CONFLICT | NO_RUN | ENDED status | FULL
--- @include "now"
--- @include "ended"
--- @include "send"
--- @include "slots"
--- @include "admitted"
--- @include "position"
local known = redis.call('HGET', KEYS[1], ARGV[3])
if known then return { known == ARGV[4] and 'REPEATED' or 'CONFLICT' } end
local status = redis.call('HGET', KEYS[4], 'status')
if not status then return { 'NO_RUN' } end
local over = ended(status)
if over and ARGV[7] == '' then return { 'ENDED', status } end
local slot, line = unpack(KEYS, 6)
if over and slot then
  -- Whoever waits goes first; one that was told so before holds its place already.
  local _, room = slot_next(slot, line, tonumber(ARGV[8]))
  if room < 1 and redis.call('HEXISTS', slot, 'r:' .. ARGV[2]) == 0 then return { 'FULL' } end
end
local now = now_ms()
-- Everything is checked: from here on nothing can fail.
remember(KEYS[1], KEYS[2], { key = ARGV[3], hash = ARGV[4], now = now, retention = tonumber(ARGV[5]) })
local entry = send(KEYS[3], ARGV[2], ARGV[1], ARGV[6])
if over then
  -- Nobody may delete the run while the message lies there.
  redis.call('HSET', KEYS[4], 'reopening', entry)
  if slot then redis.call('HSET', slot, 'limit', ARGV[8], 'r:' .. ARGV[2], now) end
end
local position, term = count_change(KEYS[5])
return { 'ADMITTED', position, term, entry }
