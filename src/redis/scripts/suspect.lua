#!lua flags=allow-oom
-- suspect: count, before it happens, that a message is about to be evaluated; whatever kills its coordinator is known by its count.
-- Several at once are noted with 0, since a death among many tells nothing of each. When one of them was noted before, only
-- the first is counted, so that from then on each is evaluated alone.
-- KEYS[1] lease hash   KEYS[2] suspects hash
-- ARGV[1] owner nonce   ARGV[2] epoch   ARGV[3] entry ids (JSON array, not empty)
-- Replies: OK counts | FENCED
--- @include "fence"
if fenced(KEYS[1], ARGV[1], ARGV[2]) then return { 'FENCED' } end
local entries = cjson.decode(ARGV[3])
local known = false
for _, entry in ipairs(entries) do known = known or redis.call('HEXISTS', KEYS[2], entry) == 1 end
local counts = {}
local alone = known or #entries == 1
for index = 1, alone and 1 or #entries do counts[index] = redis.call('HINCRBY', KEYS[2], entries[index], alone and 1 or 0) end
return { 'OK', counts }
