-- wrk's script: POST one of many questions, in turn, with the signalling host's secret.
local questions, at = {}, 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    questions[#questions + 1] = line
  end
  at = math.random(#questions)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. arguments[2]
  wrk.headers["X-Majlis-Node"] = "bench"
end

function request()
  at = at % #questions + 1
  return wrk.format(nil, nil, nil, questions[at])
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
