local ask = cjson.decode(ARGV[1])
local event, answer = find(ask.key), 'yes'
if event then
  heard(event, ask)
  answer = claim(event, ask)
elseif ask.only_known then
  return {'unknown'}
else
  event = {state = 'claimed', at = ask['until'], time = ask.time, reference = ask.reference, attempt = 1, failures = 0}
  add(ask.key, ask)
end
keep(ask.key, event)
if answer == 'yes' then
  return with_known({answer, tostring(event.attempt)}, ask.key, event.reference)
end
return {answer, event.at}
