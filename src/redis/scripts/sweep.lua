#!lua flags=allow-oom
-- sweep: delete an artifact or a definition that nobody has touched for long. Whoever stores it again touches it.
-- KEYS[1] artifact or definition string
-- ARGV[1] how long nobody may have touched it, in seconds
-- Replies: OK | TOUCHED | GONE
local idle = redis.call('OBJECT', 'IDLETIME', KEYS[1])
if not idle then return { 'GONE' } end
if idle < tonumber(ARGV[1]) then return { 'TOUCHED' } end
redis.call('UNLINK', KEYS[1])
return { 'OK' }
