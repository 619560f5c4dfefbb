-- Before each of the other scripts. All keys are passed, in this order.
local events, bodies, due, dead, finished, references, open = unpack(KEYS)

-- Times are texts, because Lua would write a large number in another way.
local function later(one, other)
  return tonumber(one) > tonumber(other)
end

local function find(key)
  local text = redis.call('HGET', events, key)
  return text and cjson.decode(text)
end

local function list(zset, is_in, score, key)
  if is_in then
    redis.call('ZADD', zset, score, key)
  else
    redis.call('ZREM', zset, key)
  end
end

-- Keeps an event, and which lists it is in.
local function keep(key, event)
  redis.call('HSET', events, key, cjson.encode(event))
  local is_due = (event.state == 'waiting' or event.state == 'claimed') and redis.call('HEXISTS', bodies, key) == 1
  list(due, is_due, event.at, key)
  list(dead, event.state == 'dead', event.at, key)
  list(finished, event.state == 'finished' and event.time, event.time, key)
end

-- The same event was sent again, and names this time.
local function heard(event, ask)
  if ask.time and (not event.time or later(ask.time, event.time)) then
    event.time = ask.time
  end
end

-- An attempt has failed.
local function fail(event, ask, reason, again)
  event.failures = event.failures + 1
  if event.failures >= ask.attempts then
    event.state, event.at, event.reason = 'dead', ask.now, reason
  else
    event.state, event.at = 'waiting', again
  end
end

-- Somebody wants an event. Answers 'yes', or the state that it is in.
local function claim(event, ask)
  if event.state == 'claimed' then
    if later(event.at, ask.now) then
      return 'claimed'
    end
    fail(event, ask, nil, ask.now)
  end
  if event.state ~= 'waiting' then
    return event.state
  end
  event.state, event.at, event.attempt = 'claimed', ask['until'], event.attempt + 1
  return 'yes'
end

local function events_of(reference)
  local text = redis.call('HGET', references, reference)
  return text and cjson.decode(text)
end

-- Notes a new event at its payment reference.
local function add(key, ask)
  if ask.reference then
    local keys = events_of(ask.reference)
    if not keys and ask.opens then
      redis.call('ZADD', open, 0, ask.reference)
    end
    keys = keys or {}
    table.insert(keys, key)
    redis.call('HSET', references, ask.reference, cjson.encode(keys))
  end
end

-- Adds the other events of a payment reference to an answer.
local function with_known(answer, key, reference)
  for _, other in ipairs(reference and events_of(reference) or {}) do
    local event = other ~= key and find(other)
    if event then
      table.insert(answer, other)
      table.insert(answer, event.state)
    end
  end
  return answer
end

local function close(reference)
  local was_open = redis.call('ZREM', open, reference)
  local keys = events_of(reference)
  if keys and #keys == 0 then
    redis.call('HDEL', references, reference)
  end
  return was_open
end
