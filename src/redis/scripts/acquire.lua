#!lua flags=allow-oom
-- acquire: take a partition that nobody holds. The takeover is remembered with the position that it found.
-- KEYS[1] lease hash   KEYS[2] takeovers stream
-- ARGV[1] owner nonce   ARGV[2] lease duration in ms   ARGV[3] most takeovers to remember
-- Replies: ACQUIRED epoch position | HELD owner remaining-ms | ON_HOLD reason
--- @include "now"
local now = now_ms()
local held = redis.call('HMGET', KEYS[1], 'owner', 'until', 'hold', 'position')
if held[3] then return { 'ON_HOLD', held[3] } end
local remaining = tonumber(held[2] or '0') - now
if held[1] and held[1] ~= ARGV[1] and remaining > 0 then return { 'HELD', held[1], remaining } end
redis.call('XLEN', KEYS[2])
-- Everything is checked: from here on nothing can fail.
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
local term, position = epoch .. ' ' .. ARGV[1], tonumber(held[4] or '0')
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'until', now + tonumber(ARGV[2]), 'term', term)
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[3], '*', 'term', term, 'position', position)
return { 'ACQUIRED', epoch, position }
