local ask = cjson.decode(ARGV[1])
local event = find(ask.key)
if not event then
  return 0
end
event.state, event.at, event.reason = 'finished', ask.now, nil
redis.call('HDEL', bodies, ask.key)
keep(ask.key, event)
if ask.closes then
  close(ask.closes)
end
return 1
