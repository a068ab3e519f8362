#!lua flags=allow-oom
-- unlock: give a lock back that is held by this grant, and the place in its line. Also when memory is short.
-- KEYS[1] locks hash
-- ARGV[1] name   ARGV[2] id of who gives it back   ARGV[3] grant, 0 for the place only
-- ARGV[4] who takes it away from who holds it, and why (JSON), empty when that gives it back
-- Replies: OK released next (JSON; empty for nobody)
--- @include "now"
--- @include "locks"
local now = now_ms()
local lock = lock_read(KEYS[1], ARGV[1], now)
local released, line, from = 0, {}, lock.holder and lock.holder.party
if lock.holder and lock.holder.id == ARGV[2] and lock.holder.grant == tonumber(ARGV[3]) then
  lock.holder = nil
  released = 1
end
for _, waiter in ipairs(lock.line) do
  if waiter.id ~= ARGV[2] then line[#line + 1] = waiter end
end
lock.line = line
lock_write(KEYS[1], ARGV[1], lock)
if released == 1 and ARGV[4] ~= '' then
  local broken = cjson.decode(redis.call('HGET', KEYS[1], 'broken') or '[]')
  table.insert(broken, 1, { name = ARGV[1], from = from, why = ARGV[4], at = now })
  if #broken > 100 then table.remove(broken) end
  redis.call('HSET', KEYS[1], 'broken', cjson.encode(broken))
end
return { 'OK', released, not lock.holder and line[1] and line[1].party or '' }
