#!lua flags=allow-oom
-- release: give a partition up, so that the next owner need not wait for the lease to run out.
-- KEYS[1] lease hash
-- ARGV[1] owner nonce   ARGV[2] epoch
-- Replies: OK | FENCED
--- @include "fence"
if fenced(KEYS[1], ARGV[1], ARGV[2]) then return { 'FENCED' } end
redis.call('HDEL', KEYS[1], 'owner', 'until')
return { 'OK' }
