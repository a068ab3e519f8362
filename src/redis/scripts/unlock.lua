#!lua flags=allow-oom
-- unlock: give a lock back that is held by this grant, and the place in its line. Also when memory is short.
-- KEYS[1] locks hash
-- ARGV[1] name   ARGV[2] id of who gives it back   ARGV[3] grant, 0 for the place only
-- Replies: OK released next (JSON; empty for nobody)
--- @include "now"
--- @include "locks"
local lock = lock_read(KEYS[1], ARGV[1], now_ms())
local released, line = 0, {}
if lock.holder and lock.holder.id == ARGV[2] and lock.holder.grant == tonumber(ARGV[3]) then
  lock.holder = nil
  released = 1
end
for _, waiter in ipairs(lock.line) do
  if waiter.id ~= ARGV[2] then line[#line + 1] = waiter end
end
lock.line = line
lock_write(KEYS[1], ARGV[1], lock)
return { 'OK', released, not lock.holder and line[1] and line[1].party or '' }
