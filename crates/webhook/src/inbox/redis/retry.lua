local ask = cjson.decode(ARGV[1])
local event = find(ask.key)
if not event or event.state ~= 'dead' then
  return 0
end
-- Due since it is dead, so at once.
event.state, event.failures, event.reason = 'waiting', 0, nil
keep(ask.key, event)
return 1
