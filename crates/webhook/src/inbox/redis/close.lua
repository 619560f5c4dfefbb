return close(cjson.decode(ARGV[1]).reference)
