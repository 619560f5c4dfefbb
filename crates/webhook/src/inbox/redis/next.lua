local ask = cjson.decode(ARGV[1])
-- Each turn gives an event, or finds one dead. After many dead ones, others may use the server.
for _ = 1, 100 do
  local key = redis.call('ZRANGEBYSCORE', due, '-inf', ask.now, 'LIMIT', 0, 1)[1]
  if not key then
    return {'none'}
  end
  local event = find(key)
  local answer = claim(event, ask)
  keep(key, event)
  if answer == 'yes' then
    local body = redis.call('HGET', bodies, key)
    return with_known({answer, tostring(event.attempt), key, body}, key, event.reference)
  end
end
return {'more'}
