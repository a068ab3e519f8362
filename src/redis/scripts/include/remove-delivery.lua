-- Takes a request off a persona's stream: its delivery and the entry itself.
local function remove_delivery(requests, entry)
  redis.call('XACK', requests, 'workers', entry)
  redis.call('XDEL', requests, entry)
end
