#!lua flags=allow-oom
-- absolve: messages were evaluated and their coordinator lives; whatever kills it from here on was none of them.
-- KEYS[1] lease hash   KEYS[2] suspects hash
-- ARGV[1] owner nonce   ARGV[2] epoch   ARGV[3] entry ids (JSON array, not empty)
-- Replies: OK | FENCED
--- @include "fence"
if fenced(KEYS[1], ARGV[1], ARGV[2]) then return { 'FENCED' } end
for _, entry in ipairs(cjson.decode(ARGV[3])) do redis.call('HDEL', KEYS[2], entry) end
return { 'OK' }
