#!lua flags=allow-oom
-- drop: delete a dead letter.
-- KEYS[1] dead stream   KEYS[2] audit stream
-- ARGV[1] letter   ARGV[2] who does it
-- Replies: OK | GONE
--- @include "audit"
redis.call('XLEN', KEYS[2])
-- Everything is checked: from here on nothing can fail.
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return { 'GONE' } end
trace(KEYS[2], { action = 'dropped', what = ARGV[1], by = ARGV[2] })
return { 'OK' }
