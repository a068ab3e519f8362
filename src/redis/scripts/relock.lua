#!lua flags=allow-oom
-- relock: hold a lock for longer, when it is held by this grant. Also when memory is short.
-- KEYS[1] locks hash
-- ARGV[1] name   ARGV[2] id of who holds it   ARGV[3] grant   ARGV[4] ms that it is held without being renewed
-- Replies: OK | LOST
--- @include "now"
--- @include "locks"
local now = now_ms()
-- One whose time is over and that nobody has taken is held on.
local lock = lock_read(KEYS[1], ARGV[1], now, ARGV[2])
if not lock.holder or lock.holder.id ~= ARGV[2] or lock.holder.grant ~= tonumber(ARGV[3]) then return { 'LOST' } end
lock.holder['until'] = now + tonumber(ARGV[4])
lock_write(KEYS[1], ARGV[1], lock)
return { 'OK' }
