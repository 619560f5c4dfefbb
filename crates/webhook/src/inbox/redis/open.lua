local ask = cjson.decode(ARGV[1])
-- One that is known stays as it is.
if redis.call('HSETNX', references, ask.reference, '[]') == 1 then
  redis.call('ZADD', open, 0, ask.reference)
end
return 1
