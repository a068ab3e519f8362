#!lua flags=allow-oom
-- renew: hold a partition for longer.
-- KEYS[1] lease hash
-- ARGV[1] owner nonce   ARGV[2] epoch   ARGV[3] lease duration in ms
-- Replies: OK | FENCED
--- @include "now"
--- @include "fence"
if fenced(KEYS[1], ARGV[1], ARGV[2]) then return { 'FENCED' } end
redis.call('HSET', KEYS[1], 'until', now_ms() + tonumber(ARGV[3]))
return { 'OK' }
