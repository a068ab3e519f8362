#!lua flags=allow-oom
-- acquire: take a partition that nobody holds.
-- KEYS[1] lease hash
-- ARGV[1] owner nonce   ARGV[2] lease duration in ms
-- Replies: ACQUIRED epoch | HELD owner remaining-ms
--- @include "now"
local now = now_ms()
local held = redis.call('HMGET', KEYS[1], 'owner', 'until')
local remaining = tonumber(held[2] or '0') - now
if held[1] and held[1] ~= ARGV[1] and remaining > 0 then return { 'HELD', held[1], remaining } end
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'until', now + tonumber(ARGV[2]))
return { 'ACQUIRED', epoch }
