#!lua flags=no-writes
-- cut: copy a partition as it is at one moment. Runs that have ended and artifacts change no more: they are only named.
-- KEYS[1] lease hash   KEYS[2] runs zset of completed runs   KEYS[3] of failed runs   KEYS[4] of canceled runs
-- ARGV[1] pattern of all keys of the partition   ARGV[2] what they all begin with
-- Replies: OK position microseconds (0: the server's clock stands still in scripts) copied (key, type, dump and ms to live in turn) later (keys)
local function micros()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local began = micros()
local ended = {}
for _, list in ipairs({ KEYS[2], KEYS[3], KEYS[4] }) do
  for _, run in ipairs(redis.call('ZRANGE', list, 0, -1)) do ended[run] = true end
end
local copied, later = {}, {}
for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
  local name = string.sub(key, #ARGV[2] + 1)
  local run = string.match(name, '^run:(.*)$') or string.match(name, '^history:(.*)$')
  if (run and ended[run]) or string.sub(name, 1, 9) == 'artifact:' then
    later[#later + 1] = name
  else
    local at = #copied
    copied[at + 1] = name
    copied[at + 2] = redis.call('TYPE', key).ok
    copied[at + 3] = redis.call('DUMP', key)
    copied[at + 4] = redis.call('PTTL', key)
  end
end
local position = tonumber(redis.call('HGET', KEYS[1], 'position') or '0')
return { 'OK', position, micros() - began, copied, later }
