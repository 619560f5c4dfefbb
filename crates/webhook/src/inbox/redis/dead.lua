local ask = cjson.decode(ARGV[1])
local answer = {}
for _, key in ipairs(redis.call('ZRANGEBYSCORE', dead, '-inf', '+inf', 'LIMIT', 0, ask.most)) do
  local event = find(key)
  table.insert(answer, key)
  table.insert(answer, event.at)
  table.insert(answer, event.reason and 'because' or 'nobody knows')
  table.insert(answer, event.reason or '')
end
return answer
