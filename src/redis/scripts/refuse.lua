#!lua flags=allow-oom
-- refuse: move a delivery that is not a request to the dead letters with its reason.
-- KEYS[1] requests stream   KEYS[2] dead stream
-- ARGV[1] entry id   ARGV[2] reason   ARGV[3] body   ARGV[4] persona
-- Replies: OK
--- @include "remove-delivery"
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 1 then
  redis.call('XADD', KEYS[2], '*', 'entry', ARGV[1], 'reason', ARGV[2], 'run', '', 'kind', 'request', 'head', '', 'body', ARGV[3], 'persona', ARGV[4])
end
remove_delivery(KEYS[1], ARGV[1])
return { 'OK' }
