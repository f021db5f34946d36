-- Asks the control plane: HTTP/1.1 over kept connections, a bound on the requests under way, a time limit.
--
-- Not Prosody's net.http: that opens a connection a request and has no time limit, and this stands
-- before every join.

local async = require "util.async";
local connect = require "net.connect".connect;
local ip = require "util.ip";
local json = require "util.json";
local new_parser = require "net.http.parser".new;
local new_resolver = require "net.resolvers.basic".new;
local new_list = require "net.resolvers.manual".new;
local parse_url = require "socket.url".parse;
local timer = require "util.timer";
local valid_utf8 = require "util.encodings".utf8.valid;
local verify_identity = require "util.x509".verify_identity;

local LARGEST_ANSWER = 64 * 1024; -- bytes
local LONGEST_SENTENCE = 2000; -- bytes
local MOST_IDLE = 8; -- connections kept for the next request
local EXPECTED = { [200] = true, [403] = true, [409] = true }; -- the contract's statuses

local UNREACHABLE = "تعذّر الاتصال بخدمة الاجتماعات، ولا يمكن الدخول الآن."
	.. " · Le service des réunions est injoignable : personne ne peut entrer pour le moment."
	.. " · The meeting service cannot be reached: nobody can enter just now.";

local reachability = module:shared("/*/majlis/reachability");

local client = {};
client.__index = client;

-- Answers the file's first line, or nil and why it can't be had.
local function read_secret(option)
	local path = module:get_option_string(option);
	if not path then return nil, "the option " .. option .. " is not set"; end
	local file, problem = io.open(path);
	if not file then return nil, option .. ": " .. problem; end
	local secret = file:read("l");
	file:close();
	if not secret or #secret < 16 then return nil, option .. ": " .. path .. " holds no secret of at least 16 characters"; end
	return secret;
end

-- A text that may stand in a stanza, or nil: what the control plane says is checked like any input.
local function sentence(text)
	if type(text) ~= "string" or text == "" or #text > LONGEST_SENTENCE then return nil; end
	if text:find("[%z\1-\8\11\12\14-\31]") or not valid_utf8(text) then return nil; end
	return text;
end

local function note_reachable(reachable, reason)
	if reachable and reachability.away then
		reachability.away = nil;
		module:log("info", "The control plane answers again");
		prosody.events.fire_event("majlis-gate-back", {});
	elseif not reachable and not reachability.away then
		reachability.away = true;
		module:log("error", "The control plane can't be reached: %s", reason);
		prosody.events.fire_event("majlis-gate-unreachable", { reason = reason });
	end
end

-- The hosts that stand behind the gate's name, each with the name in its certificate: no name server is asked.
local function read_hosts()
	local hosts = module:get_option_array("majlis_gate_hosts", {});
	for i, host in ipairs(hosts) do
		local told = type(host) == "table" and type(host.name) == "string" and type(host.address) == "string";
		local parsed = told and ip.new_ip(host.address);
		if not parsed then return nil, ("majlis_gate_hosts: item %d isn't { name = …, address = … }"):format(i); end
		host.family = parsed.proto == "IPv6" and "tcp6" or "tcp4";
	end
	return hosts;
end

-- A client of the control plane. `limit`: requests under way; `timeout`: seconds a request may take.
-- A wrong configuration is said once, loudly, and every question is then answered with nil: refused.
local function new(limit, timeout)
	local self = setmetatable({ limit = limit, timeout = timeout, under_way = 0, idle = {}, lanes = {} }, client);
	local address = parse_url(module:get_option_string("majlis_gate", ""));
	local secret, problem = read_secret("majlis_gate_secret_file");
	local hosts, wrong_hosts = read_hosts();
	problem = problem or wrong_hosts;
	if not (address and address.host and (address.scheme == "http" or address.scheme == "https")) then
		problem = "the option majlis_gate must be an http(s) address";
	end
	if problem then
		module:log("error", "Everybody will be refused: %s", problem);
		return self;
	end
	self.host, self.tls = address.host, address.scheme == "https";
	self.port = tonumber(address.port) or (self.tls and 443 or 80);
	self.hosts = hosts;
	self.path = (address.path or ""):gsub("/+$", "");
	self.head = table.concat({
		"Host: " .. address.host .. ":" .. ("%d"):format(self.port),
		"Authorization: Bearer " .. secret,
		"Content-Type: application/json",
		"X-Majlis-Node: " .. module:get_option_string("majlis_node", "prosody"),
		"",
	}, "\r\n");
	self.listener = self:new_listener();
	return self;
end

-- Posts `body`; then calls back with the status and the decoded answer (nil if it isn't a JSON object),
-- or with nil and the reason: "not-configured", "too-many-requests", "timeout" or the connection's error.
function client:post(path, body, callback)
	if not self.head then return callback(nil, "not-configured"); end
	if self.under_way >= self.limit then return callback(nil, "too-many-requests"); end
	local text = json.encode(body);
	local request = { callback = callback, path = path };
	request.text = ("POST %s%s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s"):format(self.path, path, self.head, #text, text);
	self.under_way = self.under_way + 1;
	request.alarm = timer.add_task(self.timeout, function ()
		local conn = request.conn;
		self:finish(request, nil, "timeout");
		if conn then conn:close(); end
	end);
	self:send(request);
end

-- The same, waiting in the session's coroutine: answers status and answer, or nil and the reason.
function client:ask(path, body)
	if not async.ready() then return nil, "nothing-to-wait-in"; end
	local wait, done = async.waiter();
	local status, answer;
	self:post(path, body, function (...)
		status, answer = ...;
		done();
	end);
	wait();
	return status, answer;
end

function client:send(request)
	local conn = not request.again and table.remove(self.idle);
	if conn then return self:write(conn, request); end
	local sslctx = self.tls and require "net.http".default.options.sslctx or nil; -- Prosody's client_https_ssl
	connect(self:find_targets(), self.listener, { sslctx = sslctx }, request);
end

-- Where to connect: the hosts in the order in which they are listed, the next when one doesn't take the connection.
function client:find_targets()
	if not self.hosts[1] then return new_resolver(self.host, self.port, "tcp", { servername = self.host }); end
	local targets = {};
	for _, host in ipairs(self.hosts) do
		table.insert(targets, { host.family, host.address, self.port, { servername = host.name } });
	end
	return new_list(targets, "tcp");
end

-- Whether the certificate is one that our authority gave to a host behind the gate.
function client:is_trusted(conn)
	local socket = conn:ssl() and conn:socket();
	local certificate = socket and socket:getpeercertificate();
	if not certificate or not socket:getpeerverification() then return false; end
	for _, host in ipairs(self.hosts) do
		if verify_identity(host.name, false, certificate) then return true; end
	end
	return not self.hosts[1] and verify_identity(self.host, false, certificate);
end

function client:write(conn, request)
	local lane = self.lanes[conn];
	lane.request, lane.heard, lane.uses = request, false, lane.uses + 1;
	request.conn = conn;
	conn:write(request.text);
end

function client:finish(request, status, answer)
	if request.finished then return; end
	request.finished, request.conn = true, nil;
	self.under_way = self.under_way - 1;
	timer.stop(request.alarm);
	if status then
		note_reachable(status < 500, "status " .. status);
		if not EXPECTED[status] then module:log("error", "The control plane answered %d to %s", status, request.path); end
		answer = json.decode(answer or "");
		request.callback(status, type(answer) == "table" and answer or nil);
	else
		note_reachable(false, answer);
		request.callback(nil, answer);
	end
end

function client:rest(conn)
	if #self.idle < MOST_IDLE then
		table.insert(self.idle, conn);
	else
		conn:close();
	end
end

function client:forget(conn)
	for i, idle in ipairs(self.idle) do
		if idle == conn then return table.remove(self.idle, i); end
	end
end

function client:new_listener()
	local listener = { default_mode = "*a" };
	local options = { body_size_limit = LARGEST_ANSWER };

	function listener.onattach(conn, request)
		local lane = { uses = 0, request = request };
		lane.parser = new_parser(function (response)
			if response.partial then return; end
			local answered = lane.request;
			lane.request = nil;
			if response.headers.connection == "close" then conn:close(); else self:rest(conn); end
			if answered then self:finish(answered, response.code, response.body); end
		end, function () conn:close(); end, "client", function () return options; end);
		self.lanes[conn] = lane;
	end

	function listener.onconnect(conn)
		local request = self.lanes[conn].request;
		if self.tls and not self:is_trusted(conn) then
			self:finish(request, nil, "certificate-not-trusted");
			conn:close();
		elseif request.finished then
			self.lanes[conn].request = nil;
			self:rest(conn);
		else
			self:write(conn, request);
		end
	end

	function listener.onincoming(conn, data)
		local lane = self.lanes[conn];
		lane.heard = true;
		lane.parser:feed(data);
	end

	function listener.ondisconnect(conn, problem)
		local lane = self.lanes[conn];
		self.lanes[conn] = nil;
		self:forget(conn);
		local request = lane and lane.request;
		if not request or request.finished then return; end
		if lane.uses > 1 and not lane.heard and not request.again then
			request.again, request.conn = true, nil; -- the kept connection had died unnoticed: once more, on a new one
			return self:send(request);
		end
		self:finish(request, nil, problem or "closed");
	end

	function listener.onfail(request, problem)
		self:finish(request, nil, problem or "connection-failed");
	end

	return listener;
end

return { new = new, read_secret = read_secret, sentence = sentence, UNREACHABLE = UNREACHABLE };
