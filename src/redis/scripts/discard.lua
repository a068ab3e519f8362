#!lua flags=allow-oom
-- discard: move a message that cannot be applied out of the inbox, to the dead letters with its reason.
-- KEYS[1] lease hash   KEYS[2] inbox stream   KEYS[3] dead stream   KEYS[4] run hash   KEYS[5] suspects hash
-- ARGV[1] owner nonce   ARGV[2] epoch   ARGV[3] entry id   ARGV[4] reason   ARGV[5] '1' to set the run aside, else '0'
-- ARGV[6] run   ARGV[7] kind   ARGV[8] head   ARGV[9] body
-- Replies: OK position | FENCED
--- @include "fence"
local others, position = fenced(KEYS[1], ARGV[1], ARGV[2])
if others then return { 'FENCED' } end
position = position + 1
redis.call('HSET', KEYS[1], 'position', position)
if redis.call('XDEL', KEYS[2], ARGV[3]) == 1 then
  redis.call('XADD', KEYS[3], '*', 'entry', ARGV[3], 'reason', ARGV[4], 'run', ARGV[6], 'kind', ARGV[7], 'head', ARGV[8], 'body', ARGV[9])
end
redis.call('HDEL', KEYS[5], ARGV[3])
if ARGV[5] == '1' and redis.call('EXISTS', KEYS[4]) == 1 then redis.call('HSET', KEYS[4], 'quarantined', ARGV[4]) end
return { 'OK', position }
