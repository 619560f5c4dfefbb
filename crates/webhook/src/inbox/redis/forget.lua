local ask = cjson.decode(ARGV[1])
-- Some at a time, so that others may use the server in between. Those that stay are passed over.
local old = redis.call('ZRANGEBYSCORE', finished, '-inf', '(' .. ask.before, 'LIMIT', ask.skip, 200)
local dropped = 0
for _, key in ipairs(old) do
  local reference = find(key).reference
  if not (reference and redis.call('ZSCORE', open, reference)) then
    dropped = dropped + 1
    redis.call('HDEL', events, key)
    redis.call('ZREM', finished, key)
    local keys = {}
    for _, other in ipairs(reference and events_of(reference) or {}) do
      if other ~= key then
        table.insert(keys, other)
      end
    end
    if reference and #keys == 0 then
      redis.call('HDEL', references, reference)
    elseif reference then
      redis.call('HSET', references, reference, cjson.encode(keys))
    end
  end
end
return {dropped, #old}
