-- Remembers an idempotency key with what was asked, and forgets some that are too old.
local function remember(admitted, times, request)
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', times, '-inf', request.now - request.retention, 'LIMIT', 0, 10)) do
    redis.call('HDEL', admitted, old)
    redis.call('ZREM', times, old)
  end
  redis.call('HSET', admitted, request.key, request.hash)
  redis.call('ZADD', times, request.now, request.key)
end
