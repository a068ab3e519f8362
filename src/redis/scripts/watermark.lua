#!lua flags=allow-oom
-- watermark: find out whether the store has lost what somebody has seen confirmed, and record it once.
-- KEYS[1] lease hash   KEYS[2] takeovers stream   KEYS[3] incidents stream
-- ARGV[1] term and   ARGV[2] position that were seen   ARGV[3] lower position that was seen after it in the same term, empty for none
-- ARGV[4] who has seen it
-- Replies: OK position term | LOST position term from to
--- @include "loss"
local from, to = loss(KEYS[1], KEYS[2], { term = ARGV[1], position = tonumber(ARGV[2]), fell_to = tonumber(ARGV[3]) })
redis.call('XLEN', KEYS[3])
-- Everything is checked: from here on nothing can fail.
if from then record_loss(KEYS[1], KEYS[3], { from = from, to = to, by = ARGV[4] }) end
local stands = redis.call('HMGET', KEYS[1], 'position', 'term')
local position, term = tonumber(stands[1] or '0'), stands[2] or ''
if from then return { 'LOST', position, term, from, to } end
return { 'OK', position, term }
