-- Keeps a trace of what somebody has done by hand.
local function trace(audit, done)
  redis.call('XADD', audit, 'MAXLEN', '~', 1000, '*', 'action', done.action, 'what', done.what, 'by', done.by)
end
