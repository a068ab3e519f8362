#!lua flags=allow-oom
-- tell: take in what a client tells a run, once per idempotency key. Runs are steered, and can be stopped, also when memory is short.
-- KEYS[1] admitted hash   KEYS[2] admission times zset   KEYS[3] inbox stream   KEYS[4] run hash   KEYS[5] lease hash
-- ARGV[1] kind: cancel, signal, decide, migrate, pause or resume   ARGV[2] run   ARGV[3] idempotency key   ARGV[4] hash of what is asked
-- ARGV[5] how long a key is remembered, in ms   ARGV[6] body
-- Replies: ADMITTED position term | REPEATED | CONFLICT | NO_RUN | ENDED status
--- @include "now"
--- @include "ended"
--- @include "send"
--- @include "admitted"
--- @include "position"
local known = redis.call('HGET', KEYS[1], ARGV[3])
if known then return { known == ARGV[4] and 'REPEATED' or 'CONFLICT' } end
local status = redis.call('HGET', KEYS[4], 'status')
if not status then return { 'NO_RUN' } end
if ended(status) then return { 'ENDED', status } end
-- Everything is checked: from here on nothing can fail.
remember(KEYS[1], KEYS[2], { key = ARGV[3], hash = ARGV[4], now = now_ms(), retention = tonumber(ARGV[5]) })
send(KEYS[3], ARGV[2], ARGV[1], ARGV[6])
return { 'ADMITTED', count_change(KEYS[5]) }
