local ask = cjson.decode(ARGV[1])
local event = find(ask.key)
if not event or event.state ~= 'claimed' or event.attempt ~= ask.attempt then
  return 0
end
fail(event, ask, ask.reason, ask.again)
keep(ask.key, event)
return 1
