#!lua flags=allow-oom
-- renew: hold a partition for longer, and hear where it stands.
-- KEYS[1] lease hash
-- ARGV[1] owner nonce   ARGV[2] epoch   ARGV[3] lease duration in ms
-- Replies: OK position | FENCED
--- @include "now"
--- @include "fence"
local others, position = fenced(KEYS[1], ARGV[1], ARGV[2])
if others then return { 'FENCED' } end
redis.call('HSET', KEYS[1], 'until', now_ms() + tonumber(ARGV[3]))
return { 'OK', position }
