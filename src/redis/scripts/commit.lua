#!lua flags=allow-oom
-- commit: store one transition of one run and everything it asks for, or nothing.
-- KEYS[1] lease hash      KEYS[2] inbox stream    KEYS[3] run hash
-- KEYS[4] history stream  KEYS[5] timers zset     KEYS[6] feed stream
-- KEYS[7] runs zset of the old status   KEYS[8] runs zset of the new status   KEYS[9] suspects hash
-- KEYS[10..] what only some transitions need, named in the transition by its place from here on, counted from 1: requests
-- streams of the personas that are asked, run hashes of runs that begin or are told something, runs zset of pending runs,
-- slot hash and zset of its line
-- ARGV[1] owner nonce   ARGV[2] epoch   ARGV[3] expected version   ARGV[4] transition (JSON: see `transitionOf` in transition.ts)
-- ARGV[5] most entries that the feed keeps   ARGV[6] record   ARGV[7] format   ARGV[8] messages   ARGV[9] facts   ARGV[10] hash
-- ARGV[11] record that the run began with, empty but for its first entry   ARGV[12] definition hash that it goes on with, empty for the one it has
-- Replies: OK position | FENCED | STALE
--- @include "now"
--- @include "fence"
--- @include "ended"
--- @include "send"
--- @include "slots"
local others, position = fenced(KEYS[1], ARGV[1], ARGV[2])
if others then return { 'FENCED' } end
if redis.call('HGET', KEYS[3], 'version') ~= ARGV[3] then return { 'STALE' } end
local transition = cjson.decode(ARGV[4])
local now = now_ms()
local run = transition.run
-- Looked up first, in the order in which it happens: a run that begins here can be told something here.
local begun, starts, sends = {}, {}, {}
for _, start in ipairs(transition.starts or {}) do
  local key = KEYS[9 + start[1]]
  redis.call('ZSCORE', KEYS[9 + transition.pending], start[2])
  if not begun[key] and redis.call('HLEN', key) == 0 then
    begun[key] = true
    starts[#starts + 1] = start
  end
end
for _, message in ipairs(transition.sends or {}) do
  local key = KEYS[9 + message[1]]
  local status = begun[key] and 'pending' or redis.call('HGET', key, 'status')
  if status and not ended(status) then sends[#sends + 1] = message end
end
local slot, line, chosen = nil, nil, {}
if transition.slot then
  slot, line = KEYS[9 + transition.slot[1]], KEYS[9 + transition.slot[2]]
  chosen = slot_next(slot, line, tonumber(redis.call('HGET', slot, 'limit') or 0), run)
end
if #starts + #sends + #chosen > 0 then redis.call('XLEN', KEYS[2]) end
-- Everything is checked: from here on nothing can fail.

position = position + 1
redis.call('HSET', KEYS[1], 'position', position)
local version = tonumber(ARGV[3]) + 1
local set = { 'version', version, 'record', ARGV[6], 'status', transition.status, 'format', ARGV[7], 'chain', ARGV[10] }
if ARGV[12] ~= '' then
  set[#set + 1] = 'definition'
  set[#set + 1] = ARGV[12]
end
local cleared = {}
for _, step in ipairs(transition.steps) do
  local id = step[1]
  if step[2] == cjson.null then
    cleared[#cleared + 1] = 's:' .. id
  else
    set[#set + 1] = 's:' .. id
    set[#set + 1] = step[2]
  end
  cleared[#cleared + 1] = 'c:' .. id
  if step[3] then
    set[#set + 1] = 't:' .. id
    set[#set + 1] = step[3]
  else
    cleared[#cleared + 1] = 't:' .. id
  end
end
-- In slices, since Lua passes at most some 8,000 values in one call.
for first = 1, #set, 4000 do redis.call('HSET', KEYS[3], unpack(set, first, math.min(first + 3999, #set))) end
for first = 1, #cleared, 4000 do redis.call('HDEL', KEYS[3], unpack(cleared, first, math.min(first + 3999, #cleared))) end

for first = 1, #transition.consumed, 4000 do
  local last = math.min(first + 3999, #transition.consumed)
  redis.call('XDEL', KEYS[2], unpack(transition.consumed, first, last))
  redis.call('HDEL', KEYS[9], unpack(transition.consumed, first, last))
end
for _, request in ipairs(transition.requests) do redis.call('XADD', KEYS[9 + request[1]], '*', 'body', request[2]) end
for _, timer in ipairs(transition.disarm) do redis.call('ZREM', KEYS[5], timer) end
for _, timer in ipairs(transition.arm) do redis.call('ZADD', KEYS[5], timer[3] or now + timer[2], timer[1]) end
local genesis = ARGV[11] ~= '' and { 'genesis', ARGV[11] } or {}
redis.call('XADD', KEYS[4], '*', 'version', version, 'position', position, 'epoch', ARGV[2], 'messages', ARGV[8], 'facts', ARGV[9], 'hash', ARGV[10], unpack(genesis))
if ARGV[9] ~= '[]' then redis.call('XADD', KEYS[6], 'MAXLEN', '~', ARGV[5], '*', 'facts', ARGV[9]) end
if KEYS[7] ~= KEYS[8] then
  redis.call('ZADD', KEYS[8], redis.call('ZSCORE', KEYS[7], transition.run) or now, transition.run)
  redis.call('ZREM', KEYS[7], transition.run)
end
for _, start in ipairs(starts) do
  redis.call('HSET', KEYS[9 + start[1]], 'format', ARGV[7], 'version', 0, 'status', 'pending', 'definition', start[3], 'record', start[5], 'input', start[4])
  redis.call('ZADD', KEYS[9 + transition.pending], now, start[2])
  send(KEYS[2], start[2], 'start', '{}')
end
for _, message in ipairs(sends) do send(KEYS[2], message[2], message[3], message[4]) end
if slot then
  for _, following in ipairs(chosen) do slot_enter(slot, line, KEYS[2], following, now) end
  slot_leave(slot, line, run)
end
return { 'OK', position }
