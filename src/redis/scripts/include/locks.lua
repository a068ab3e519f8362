-- A lock as it stands in the hash of all locks: `holder` (nil: nobody) and `line`, without those whose time is over. The holder
-- `late` is kept although its time is.
local function lock_read(locks, name, now, late)
  local text = redis.call('HGET', locks, 'l:' .. name)
  local lock = text and cjson.decode(text) or {}
  local holder, line = lock.holder, {}
  if holder and holder['until'] > 0 and holder['until'] <= now and holder.id ~= late then holder = nil end
  for _, waiter in ipairs(lock.line or {}) do
    if waiter['until'] > now then line[#line + 1] = waiter end
  end
  return { holder = holder, line = line }
end
-- One that nobody holds or waits for is not there.
local function lock_write(locks, name, lock)
  if lock.holder or #lock.line > 0 then
    redis.call('HSET', locks, 'l:' .. name, cjson.encode(lock))
  else
    redis.call('HDEL', locks, 'l:' .. name)
  end
end
