#!lua flags=allow-oom
-- lock: give a lock to who asks for it when it is free and nobody is before it, else a place in the line. Also when memory is short: runs go on then.
-- KEYS[1] locks hash
-- ARGV[1] name   ARGV[2] id of who asks   ARGV[3] who asks (JSON)   ARGV[4] ms that it is held without being renewed, 0 for ever
-- ARGV[5] ms that the place is kept, 0 for none
-- Replies: GRANTED grant | REFUSED ahead lock
--- @include "now"
--- @include "locks"
local now, name, id = now_ms(), ARGV[1], ARGV[2]
local lock = lock_read(KEYS[1], name, now)
local line, mine, ahead = {}, nil, 0
for _, waiter in ipairs(lock.line) do
  if waiter.id == id then
    mine, ahead = waiter, #line
  else
    line[#line + 1] = waiter
  end
end
if not mine then ahead = #line end
local holder = lock.holder
if (holder and holder.id == id) or (not holder and ahead == 0) then
  local grant = redis.call('HINCRBY', KEYS[1], 'grants', 1)
  local held = tonumber(ARGV[4])
  lock.holder = { id = id, party = ARGV[3], grant = grant, since = holder and holder.since or now, ['until'] = held > 0 and now + held or 0 }
  lock.line = line
  lock_write(KEYS[1], name, lock)
  return { 'GRANTED', grant }
end
local kept = tonumber(ARGV[5])
if kept > 0 then
  table.insert(line, ahead + 1, { id = id, party = ARGV[3], since = mine and mine.since or now, ['until'] = now + kept })
  lock.line = line
  lock_write(KEYS[1], name, lock)
end
return { 'REFUSED', ahead, cjson.encode(lock) }
