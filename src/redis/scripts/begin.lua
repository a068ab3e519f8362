#!lua flags=allow-oom
-- begin: a worker takes an attempt in hand; its heartbeat deadline and its timeout count from here. Repeating is harmless.
-- KEYS[1] run hash   KEYS[2] requests stream   KEYS[3] timers zset   KEYS[4] feed stream   KEYS[5] lease hash
-- ARGV[1] run   ARGV[2] step   ARGV[3] attempt   ARGV[4] token   ARGV[5] worker   ARGV[6] entry id on the requests stream
-- ARGV[7] heartbeat timer id   ARGV[8] heartbeat in ms   ARGV[9] timeout timer id   ARGV[10] timeout in ms, empty for none   ARGV[11] most entries that the feed keeps
-- Replies: GO position term | HELD | SUPERSEDED | DONE | CANCELED | NO_RUN
--- @include "now"
--- @include "remove-delivery"
--- @include "position"
local run = redis.call('HMGET', KEYS[1], 'status', 't:' .. ARGV[2], 'c:' .. ARGV[2], 'd:' .. ARGV[2])
if run[2] ~= ARGV[4] then
  local answer = 'SUPERSEDED'
  if not run[1] then
    answer = 'NO_RUN'
  else
    local record = redis.call('HGET', KEYS[1], 's:' .. ARGV[2])
    local status = record and cjson.decode(record).status
    if status == 'canceled' then
      answer = 'CANCELED'
    elseif status == 'succeeded' or status == 'failed' or run[4] == ARGV[4] then
      answer = 'DONE'
    end
  end
  remove_delivery(KEYS[2], ARGV[6])
  return { answer }
end
local incarnation = tonumber(redis.call('HGET', KEYS[5], 'incarnation') or '0')
local claim = run[3] and cjson.decode(run[3])
-- A claim of another incarnation is void: who holds it may not know that the store was restored.
if claim and (claim.incarnation or 0) == incarnation then
  remove_delivery(KEYS[2], ARGV[6])
  if claim.worker ~= ARGV[5] then return { 'HELD' } end
  return { 'GO', count_change(KEYS[5]) }
end
local now = now_ms()
claim = { worker = ARGV[5], begunAt = now, beatAt = now, progress = '', incarnation = incarnation }
redis.call('HSET', KEYS[1], 'c:' .. ARGV[2], cjson.encode(claim))
redis.call('ZADD', KEYS[3], now + tonumber(ARGV[8]), ARGV[7])
if ARGV[10] ~= '' then redis.call('ZADD', KEYS[3], now + tonumber(ARGV[10]), ARGV[9]) end
local fact = { type = 'step.working', run = ARGV[1], at = now, cause = cjson.null, step = ARGV[2], attempt = tonumber(ARGV[3]), worker = ARGV[5] }
redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[11], '*', 'facts', '[' .. cjson.encode(fact) .. ']')
remove_delivery(KEYS[2], ARGV[6])
return { 'GO', count_change(KEYS[5]) }
