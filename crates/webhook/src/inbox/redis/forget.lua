local ask = cjson.decode(ARGV[1])
-- Some at a time, so that others may use the server in between.
local old = redis.call('ZRANGEBYSCORE', finished, '-inf', '(' .. ask.before, 'LIMIT', 0, 200)
for _, key in ipairs(old) do
  local reference = find(key).reference
  redis.call('HDEL', events, key)
  redis.call('ZREM', finished, key)
  local keys = {}
  for _, other in ipairs(reference and events_of(reference) or {}) do
    if other ~= key then
      table.insert(keys, other)
    end
  end
  if reference and #keys == 0 and not redis.call('ZSCORE', open, reference) then
    redis.call('HDEL', references, reference)
  elseif reference then
    redis.call('HSET', references, reference, cjson.encode(keys))
  end
end
return #old
