-- A message to a run, from a client, from a transition of another run, or since its turn has come. Gives its id.
local function send(inbox, run, kind, body)
  return redis.call('XADD', inbox, '*', 'run', run, 'kind', kind, 'head', '', 'body', body)
end
