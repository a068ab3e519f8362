#!lua flags=allow-oom
-- forget: a coordinator goes; the others hear of it at once.
-- KEYS[1] coordinators hash   KEYS[2] roll stream
-- ARGV[1] coordinator
-- Replies: OK
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('XADD', KEYS[2], 'MAXLEN', 100, '*', 'by', ARGV[1])
return { 'OK' }
