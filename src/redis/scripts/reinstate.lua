#!lua flags=allow-oom
-- reinstate: take a run that is set aside back into service, as it is or rebuilt, and send its letters again.
-- KEYS[1] run hash   KEYS[2] dead stream   KEYS[3] inbox stream   KEYS[4] lease hash   KEYS[5] audit stream
-- KEYS[6] runs zset of its status   KEYS[7..] runs zsets of all other statuses
-- ARGV[1] run   ARGV[2] expected version   ARGV[3] change (JSON: `set` fields with values in turn, `drop` fields, `letters`)
-- ARGV[4] status   ARGV[5] what is done, for the audit   ARGV[6] who does it
-- Replies: OK position term sent | NOT_SET_ASIDE | STALE
--- @include "now"
--- @include "letter"
--- @include "audit"
--- @include "position"
local stored = redis.call('HMGET', KEYS[1], 'version', 'quarantined')
if stored[1] ~= ARGV[2] then return { 'STALE' } end
if not stored[2] then return { 'NOT_SET_ASIDE' } end
local change = cjson.decode(ARGV[3])
local letters = {}
for _, id in ipairs(change.letters) do
  local letter = letter_of(KEYS[2], id)
  if letter and letter.run == ARGV[1] and letter.kind ~= 'late-reply' and letter.kind ~= 'request' then
    letter.id = id
    letters[#letters + 1] = letter
  end
end
redis.call('XLEN', KEYS[3])
redis.call('XLEN', KEYS[5])
local since = redis.call('ZSCORE', KEYS[6], ARGV[1])
for index = 7, #KEYS do since = redis.call('ZSCORE', KEYS[index], ARGV[1]) or since end
-- Everything is checked: from here on nothing can fail.
redis.call('HDEL', KEYS[1], 'quarantined')
for first = 1, #change.set, 4000 do redis.call('HSET', KEYS[1], unpack(change.set, first, math.min(first + 3999, #change.set))) end
for first = 1, #change.drop, 4000 do redis.call('HDEL', KEYS[1], unpack(change.drop, first, math.min(first + 3999, #change.drop))) end
redis.call('HSET', KEYS[1], 'status', ARGV[4])
for index = 7, #KEYS do redis.call('ZREM', KEYS[index], ARGV[1]) end
redis.call('ZADD', KEYS[6], since or now_ms(), ARGV[1])
for _, letter in ipairs(letters) do
  redis.call('XDEL', KEYS[2], letter.id)
  redis.call('XADD', KEYS[3], '*', 'run', letter.run, 'kind', letter.kind, 'head', letter.head, 'body', letter.body)
end
trace(KEYS[5], { action = ARGV[5], what = ARGV[1], by = ARGV[6] })
local position, term = count_change(KEYS[4])
return { 'OK', position, term, #letters }
