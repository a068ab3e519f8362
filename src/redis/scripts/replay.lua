#!lua flags=allow-oom
-- replay: send a dead letter again, once: as a new message to its run, or as a request of its persona.
-- KEYS[1] dead stream   KEYS[2] run hash   KEYS[3] inbox stream, or requests stream of the letter's persona
-- KEYS[4] lease hash   KEYS[5] audit stream
-- ARGV[1] letter   ARGV[2] its run   ARGV[3] its persona, empty for a message   ARGV[4] who does it
-- Replies: OK position term | GONE | LATE | NO_PERSONA | NO_RUN | ENDED | SET_ASIDE
--- @include "ended"
--- @include "letter"
--- @include "audit"
--- @include "position"
local letter = letter_of(KEYS[1], ARGV[1])
if not letter or letter.run ~= ARGV[2] or (letter.persona or '') ~= ARGV[3] then return { 'GONE' } end
if letter.kind == 'late-reply' then return { 'LATE' } end
if letter.kind == 'request' then
  if ARGV[3] == '' then return { 'NO_PERSONA' } end
else
  local run = redis.call('HMGET', KEYS[2], 'status', 'quarantined')
  if not run[1] then return { 'NO_RUN' } end
  if run[2] then return { 'SET_ASIDE' } end
  if ended(run[1]) then return { 'ENDED' } end
end
redis.call('XLEN', KEYS[3])
redis.call('XLEN', KEYS[5])
-- Everything is checked: from here on nothing can fail.
redis.call('XDEL', KEYS[1], ARGV[1])
if letter.kind == 'request' then
  redis.call('XADD', KEYS[3], '*', 'body', letter.body)
else
  redis.call('XADD', KEYS[3], '*', 'run', letter.run, 'kind', letter.kind, 'head', letter.head, 'body', letter.body)
end
trace(KEYS[5], { action = 'replayed', what = ARGV[1], by = ARGV[4] })
return { 'OK', count_change(KEYS[4]) }
