-- A message to a run, from a client, from a transition of another run, or since its turn has come.
local function send(inbox, run, kind, body)
  redis.call('XADD', inbox, '*', 'run', run, 'kind', kind, 'head', '', 'body', body)
end
