#!lua flags=allow-oom
-- breaker-enter: whether a worker may call the endpoint of a persona; when it is time for a probe, the first that asks gets it. Also when memory is short: runs go on then.
-- KEYS[1] breakers hash
-- ARGV[1] persona and endpoint   ARGV[2] worker   ARGV[3] ms that the right to the probe lasts
-- Replies: GO | PROBE | WAIT ms
--- @include "now"
local now = now_ms()
local text = redis.call('HGET', KEYS[1], ARGV[1])
local breaker = text and cjson.decode(text)
if not breaker or breaker.state == 'closed' then return { 'GO' } end
if breaker.state == 'open' and breaker.retryAt > now then return { 'WAIT', breaker.retryAt - now } end
local probe = breaker.probe
if probe and probe.worker ~= ARGV[2] and probe['until'] > now then return { 'WAIT', probe['until'] - now } end
breaker.state = 'half-open'
breaker.retryAt = nil
breaker.probe = { worker = ARGV[2], ['until'] = now + ARGV[3] }
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(breaker))
return { 'PROBE' }
