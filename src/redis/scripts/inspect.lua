#!lua flags=no-writes
-- inspect: read a run and the listings that name it, as they are at one moment.
-- KEYS[1] run hash   KEYS[2..] runs zset of each status
-- ARGV[1] run
-- Replies: OK fields listed (places of the listings among the keys, from 2)
local listed = {}
for index = 2, #KEYS do
  if redis.call('ZSCORE', KEYS[index], ARGV[1]) then listed[#listed + 1] = index end
end
return { 'OK', redis.call('HGETALL', KEYS[1]), listed }
