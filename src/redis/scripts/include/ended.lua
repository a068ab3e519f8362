-- Whether a run has ended: it takes no more messages.
local function ended(status)
  return status == 'completed' or status == 'failed' or status == 'canceled'
end
