#!lua flags=allow-oom
-- settle: give a restored partition its lease: where it stood, and an incarnation that nobody has seen, so that all claims are void.
-- KEYS[1] lease hash, on hold   KEYS[2] lease hash as it was backed up
-- Replies: OK incarnation
local held = redis.call('HMGET', KEYS[1], 'incarnation', 'epoch')
local saved = redis.call('HMGET', KEYS[2], 'incarnation', 'epoch', 'position', 'term', 'acknowledged')
local incarnation = math.max(tonumber(held[1] or '0'), tonumber(saved[1] or '0')) + 1
local epoch = math.max(tonumber(held[2] or '0'), tonumber(saved[2] or '0'))
redis.call('HSET', KEYS[1], 'incarnation', incarnation, 'epoch', epoch, 'position', saved[3] or '0', 'term', saved[4] or '')
if saved[5] then redis.call('HSET', KEYS[1], 'acknowledged', saved[5]) else redis.call('HDEL', KEYS[1], 'acknowledged') end
redis.call('UNLINK', KEYS[2])
return { 'OK', incarnation }
