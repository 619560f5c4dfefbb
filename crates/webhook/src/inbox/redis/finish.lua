local ask = cjson.decode(ARGV[1])
local event = find(ask.key)
if not event then
  return 0
end
event.state, event.at, event.reason = 'finished', ask.now, nil
redis.call('HDEL', bodies, ask.key)
keep(ask.key, event)
local is_left = false
for _, key in ipairs(ask.closes and events_of(ask.closes) or {}) do
  local other = find(key)
  -- Its body is not here, and its sender may have given up.
  is_left = is_left or (other and other.state ~= 'finished' and redis.call('HEXISTS', bodies, key) == 0)
end
if ask.closes and not is_left then
  close(ask.closes)
end
return 1
