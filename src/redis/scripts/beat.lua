#!lua flags=allow-oom
-- beat: a worker says that it still works on an attempt, and moves its heartbeat deadline.
-- KEYS[1] run hash   KEYS[2] timers zset   KEYS[3] feed stream   KEYS[4] lease hash
-- ARGV[1] run   ARGV[2] step   ARGV[3] attempt   ARGV[4] token   ARGV[5] worker
-- ARGV[6] heartbeat timer id   ARGV[7] heartbeat in ms   ARGV[8] progress   ARGV[9] most entries that the feed keeps
-- Replies: OK | STOP
--- @include "now"
--- @include "claim"
local claim = claim_of(KEYS[1], KEYS[4], { step = ARGV[2], token = ARGV[4], worker = ARGV[5] })
if not claim then return { 'STOP' } end
local now = now_ms()
local spoke = claim.progress ~= ARGV[8]
claim.beatAt = now
claim.progress = ARGV[8]
redis.call('HSET', KEYS[1], 'c:' .. ARGV[2], cjson.encode(claim))
redis.call('ZADD', KEYS[2], 'XX', now + tonumber(ARGV[7]), ARGV[6])
if spoke then
  local fact = { type = 'step.progress', run = ARGV[1], at = now, cause = cjson.null, step = ARGV[2], attempt = tonumber(ARGV[3]), worker = ARGV[5], progress = ARGV[8] }
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[9], '*', 'facts', '[' .. cjson.encode(fact) .. ']')
end
return { 'OK' }
