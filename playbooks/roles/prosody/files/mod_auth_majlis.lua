-- Lets nobody connect whom the control plane doesn't know: authentication = "majlis" on the main host.
--
-- The token comes as ?token= on the WebSocket's or BOSH's address. It is handed over unread, used once
-- and forgotten: no level of log ever sees it, nor the address that carried it.

local formdecode = require "util.http".formdecode;
local urldecode = require "util.http".urldecode;
local json = require "util.json";
local http = module:require "majlis_http";
local heads = module:require "majlis_heads";
local rooms = module:require "majlis_seats";

local LONGEST_TOKEN = 8 * 1024; -- bytes
local SESSION_FIELDS = { -- what upstream's token module leaves for upstream's other modules
	"jitsi_meet_room", "jitsi_meet_domain", "jitsi_meet_context_user",
	"jitsi_meet_context_features", "jitsi_meet_context_group",
};

local gate = http.new(module:get_option_number("majlis_connects_under_way", 200), module:get_option_number("majlis_gate_timeout", 5));

local handler = {};
handler.__index = handler;

local function new_handler(session)
	return setmetatable({ session = session }, handler);
end

function handler:mechanisms() -- luacheck: ignore 212/self
	return { ANONYMOUS = true };
end

function handler:select(mechanism)
	if mechanism ~= "ANONYMOUS" then return nil; end
	self.selected = mechanism;
	return true;
end

function handler:clean_clone()
	return new_handler(self.session);
end

-- A token is asked about once; a client that wants another answer opens another connection.
local function take_token(session)
	local token, bytes = session.majlis_token, session.majlis_token_bytes;
	session.majlis_token, session.majlis_token_bytes = nil, nil;
	local asked = session.majlis_asked;
	session.majlis_asked = true;
	return not asked, token or "", bytes;
end

-- Without the gate on both MUCs a connection would open every door: then nobody connects.
local function is_guarded(host)
	local component = prosody.hosts[host];
	return component and component.modules.majlis_gate ~= nil;
end

local function adopt(session, answer)
	if type(answer.connection) ~= "string" or type(answer.username) ~= "string" or type(answer.session) ~= "table" then
		return false;
	end
	if prosody.bare_sessions[answer.username .. "@" .. module.host] then return false; end
	for _, field in ipairs(SESSION_FIELDS) do
		local value = answer.session[field];
		if value ~= json.null then session[field] = value; end
	end
	session.majlis_connection = answer.connection;
	rooms.connections[answer.connection] = session;
	return true;
end

-- RFC 4505. Failures: not-authorized with the control plane's sentence, temporary-auth-failure if it is away.
function handler:process()
	local session = self.session;
	local first, token, bytes = take_token(session);
	if not first then return "failure", "not-authorized"; end
	if not (is_guarded(rooms.conference_host) and is_guarded(rooms.lobby_host)) then
		module:log("error", "Refusing everybody: mod_majlis_gate isn't loaded on both MUCs");
		return "failure", "temporary-auth-failure", http.UNREACHABLE;
	end
	local status, answer = gate:ask("/connect", { token = token, oversized = bytes, address = session.ip });
	if session.destroyed then return "failure", "temporary-auth-failure"; end
	if status == 200 and answer and adopt(session, answer) then
		self.username = answer.username;
		return "success";
	elseif status == 403 and answer and http.sentence(answer.reason) then
		return "failure", "not-authorized", answer.reason;
	end
	return "failure", "temporary-auth-failure", http.UNREACHABLE;
end

local function catch_token(event)
	local session, url = event.session, event.request.url;
	local query = url and url.query;
	if not query then return; end
	local fields = formdecode(query);
	local token = type(fields) == "table" and fields.token or nil;
	if token and #token > LONGEST_TOKEN then
		session.majlis_token_bytes = #token;
	else
		session.majlis_token = token;
	end
	-- The request lives as long as the session: what stays in it mustn't hold the token.
	local kept = {};
	for pair in query:gmatch("[^&]+") do
		if urldecode(pair:match("^[^=]*")) ~= "token" then table.insert(kept, pair); end
	end
	url.query = kept[1] and table.concat(kept, "&") or nil;
end

module:hook_global("websocket-session", catch_token);
module:hook_global("bosh-session", catch_token);

local function report_long_head(conn, start, bytes)
	if not (start:find("/xmpp-websocket", 1, true) or start:find("/http-bind", 1, true)) then return; end
	module:log("warn", "Refused a request head of %d bytes", bytes);
	gate:post("/connect", { token = "", oversized = bytes, address = conn:ip() }, function () end);
end

local stop_watching = heads.watch(report_long_head);
function module.unload()
	stop_watching();
end

-- Whoever came by a token speaks to this site and to no other server.
module:hook("route/remote", function () return false; end, 300);

-- Jitsi's client offers its lobby only where the main host names one.
module:add_identity("component", "lobbyrooms", rooms.lobby_host);

local provider = {};
local function unsupported()
	return nil, "Accounts live in the control plane";
end
provider.test_password, provider.get_password, provider.set_password = unsupported, unsupported, unsupported;
provider.create_user, provider.user_exists, provider.delete_user = unsupported, unsupported, unsupported;
function provider.get_sasl_handler(session)
	return new_handler(session);
end
function provider.users()
	return next, prosody.hosts[module.host].sessions, nil;
end
module:provides("auth", provider);
