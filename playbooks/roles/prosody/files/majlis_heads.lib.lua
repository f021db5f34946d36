-- Answers a request head that Prosody's HTTP parser would wait on for ever, and counts what it threw away.
--
-- The parser reads heads of up to 10 KiB; of a longer one it keeps the bytes and never answers. Raising
-- the limit would let a stranger make it search megabytes again with each byte it sends. So the bytes
-- of the first head of a connection are counted here, and beyond the limit dropped as they come.

local server = require "net.http.server";

local LONGEST_HEAD = 10 * 1024; -- bytes, the parser's own limit
local LONGEST_COUNTED = 4 * 1024 * 1024; -- bytes; whoever sends more is cut off
local TOO_LONG = "HTTP/1.1 414 URI Too Long\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

-- Watches every HTTP connection; answers the function that stops watching.
-- `report(conn, start, bytes)`: `start` is the request line's beginning without its query.
local function watch(report)
	local read = server.listener.onincoming;
	local heads = setmetatable({}, { __mode = "k" });

	local function refuse(conn, head)
		heads[conn] = "refused";
		report(conn, head.start, head.bytes);
		conn:write(TOO_LONG);
		conn:close();
	end

	function server.listener.onincoming(conn, data)
		local head = heads[conn];
		if head == "read" then return read(conn, data); end
		if head == "refused" then return; end
		if not head then
			head = { bytes = 0, tail = "", start = data:sub(1, 100):match("^[^?\r\n]*") };
			heads[conn] = head;
		end
		local seen = head.tail .. data;
		local complete = seen:find("\r\n\r\n", 1, true);
		local ends_at = head.bytes - #head.tail + (complete and complete + 3 or #seen + 1);
		head.bytes = head.bytes + #data;
		head.tail = seen:sub(-3);
		if ends_at > LONGEST_HEAD then
			if complete or head.bytes > LONGEST_COUNTED then refuse(conn, head); end
			return;
		end
		if complete then heads[conn] = "read"; end
		return read(conn, data);
	end

	return function ()
		server.listener.onincoming = read;
	end
end

return { watch = watch };
