#!lua flags=allow-oom
-- breaker-told: takes in what came of a call of a persona's endpoint. Also when memory is short: runs go on then.
-- KEYS[1] breakers hash
-- ARGV[1] persona and endpoint   ARGV[2] worker   ARGV[3] 1: it was the probe   ARGV[4] ok, failed or unknown   ARGV[5] message
-- ARGV[6] ms that the endpoint asks for   ARGV[7] failures in a row that open it   ARGV[8] ms between them at most
-- ARGV[9] ms that it stays open the first time   ARGV[10] ms that it stays open at most
-- Replies: GO | WAIT ms
--- @include "now"
local now, name, outcome = now_ms(), ARGV[1], ARGV[4]
local text = redis.call('HGET', KEYS[1], name)
local breaker = text and cjson.decode(text)
local closed = not breaker or breaker.state == 'closed'
local probed = not closed and ARGV[3] == '1' and breaker.probe and breaker.probe.worker == ARGV[2]
if not closed and not probed then
  local free = breaker.retryAt or breaker.probe['until']
  return { 'WAIT', math.max(free - now, 0) }
end
if outcome == 'ok' then
  redis.call('HDEL', KEYS[1], name)
  return { 'GO' }
end
if outcome == 'unknown' and closed then return { 'GO' } end
if outcome == 'unknown' then
  breaker.state, breaker.retryAt, breaker.probe = 'open', now, nil
  redis.call('HSET', KEYS[1], name, cjson.encode(breaker))
  return { 'WAIT', 0 }
end
if not breaker or (closed and breaker.lastAt + ARGV[8] < now) then
  breaker = { state = 'closed', failures = 0, since = now, opens = 0 }
end
breaker.failures = breaker.failures + 1
breaker.lastAt, breaker.message = now, ARGV[5]
local stays = closed and breaker.failures < tonumber(ARGV[7])
local cool = math.min(math.max(ARGV[9] * 2 ^ math.min(breaker.opens, 30), tonumber(ARGV[6])), tonumber(ARGV[10]))
if not stays then
  breaker.state, breaker.retryAt, breaker.probe = 'open', now + cool, nil
  breaker.opens = breaker.opens + 1
end
redis.call('HSET', KEYS[1], name, cjson.encode(breaker))
if stays then return { 'GO' } end
return { 'WAIT', cool }
