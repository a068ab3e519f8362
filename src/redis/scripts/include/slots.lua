-- Slots: at most `limit` runs with the same key at once. A slot is a hash (`limit`, and `r:<run>` for each run that holds
-- it, with since when), its line a zset (run that waits → its place). Neither is there when nobody holds it.

-- Whom of the line there is room for when `leaving` (nil for nobody) is gone, longest waiting first, and how much room is
-- left then. While anybody waits the slot is full, so a run that leaves the line is never chosen. Reads only, and
-- both keys always, so that a key of another type is found before the first write.
local function slot_next(slot, line, limit, leaving)
  local held = math.max(0, redis.call('HLEN', slot) - 1)
  if leaving then held = held - redis.call('HEXISTS', slot, 'r:' .. leaving) end
  local waiting = redis.call('ZCARD', line)
  local room = limit - held
  if room < 1 or waiting == 0 then return {}, room end
  local chosen = redis.call('ZRANGE', line, 0, math.min(room, waiting) - 1)
  return chosen, room - #chosen
end

local function slot_enter(slot, line, inbox, run, now)
  redis.call('ZREM', line, run)
  redis.call('HSET', slot, 'r:' .. run, now)
  send(inbox, run, 'start', '{}')
end

local function slot_wait(line, run)
  local last = redis.call('ZRANGE', line, -1, -1, 'WITHSCORES')
  redis.call('ZADD', line, (last[2] or 0) + 1, run)
end

local function slot_leave(slot, line, run)
  redis.call('HDEL', slot, 'r:' .. run)
  redis.call('ZREM', line, run)
  -- The limit alone says nothing.
  if redis.call('HLEN', slot) == 1 then redis.call('DEL', slot) end
end
