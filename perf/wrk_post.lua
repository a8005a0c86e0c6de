-- The same small POST for every request, as perf/floor.c sends it.
wrk.method = "POST"
wrk.body = '{"order":123456,"pieces":12345}'
wrk.headers["Content-Type"] = "application/json"
