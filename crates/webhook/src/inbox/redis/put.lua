local ask = cjson.decode(ARGV[1])
local event, answer = find(ask.key), 'known'
if event then
  heard(event, ask)
elseif ask.only_known then
  return 'unknown'
else
  event = {state = 'waiting', at = ask.now, time = ask.time, reference = ask.reference, attempt = 0, failures = 0}
  add(ask.key, ask)
  answer = 'new'
end
if event.state ~= 'finished' then
  redis.call('HSETNX', bodies, ask.key, ARGV[2])
end
keep(ask.key, event)
return answer
