-- What the control plane orders, over HTTP: POST /majlis/control/<command> under Host: conference.DOMAIN.

local array = require "util.array";
local ip = require "util.ip";
local jid = require "util.jid";
local json = require "util.json";
local new_id = require "util.id".medium;
local equals = require "util.hashes".equals;
local nodeprep = require "util.encodings".stringprep.nodeprep;
local st = require "util.stanza";
local http = module:require "majlis_http";
local rooms = module:require "majlis_seats";

local LONGEST_ORDER = 16 * 1024; -- bytes
local XMLNS_MUC_USER = "http://jabber.org/protocol/muc#user";
local MEDIA = { audio = "http://jitsi.org/jitmeet/audio", video = "http://jitsi.org/jitmeet/video" };

local secret, problem = http.read_secret("majlis_control_secret_file");
if not secret then module:log("error", "Every order will be refused: %s", problem); end

local callers = {};
for address in module:get_option_set("majlis_control_from", { "127.0.0.1", "::1" }) do
	local network, bits = ip.parse_cidr(address);
	table.insert(callers, { network = network, bits = bits });
end

local commands = {};

-- Both places of a meeting.
local function find_places(name)
	return rooms.find_room(name, rooms.conference_host), rooms.find_room(name, rooms.lobby_host);
end

-- The same, for an order that takes something away: whoever's verdict is still on its way is asked about again.
local function touch_places(name)
	local main, lobby = find_places(name);
	if main then rooms.touch(main); end
	if lobby then rooms.touch(lobby); end
	return main, lobby;
end

local function show_out(room, connection, reason)
	if not room then return false; end
	local occupant, seat = rooms.find_occupant(room, connection);
	if not occupant then return false; end
	seat.leaving = reason or "removed";
	room:set_role(true, occupant.nick, nil, reason);
	return true;
end

local function done_or(found, what)
	if found then return 200, { done = true }; end
	return 404, { error = what };
end

function commands.admit(order)
	local main, lobby = find_places(order.room);
	if not main and not lobby then return done_or(false, "room_not_found"); end
	local occupant = lobby and rooms.find_occupant(lobby, order.connection);
	if not occupant then
		return done_or(main and rooms.find_occupant(main, order.connection), "occupant_not_found"); -- is in already
	end
	local room_jid = order.room .. "@" .. rooms.conference_host;
	for real_jid in occupant:each_session() do
		module:send(st.message({ from = room_jid, to = real_jid, id = new_id() })
			:tag("x", { xmlns = XMLNS_MUC_USER }):tag("invite", { from = room_jid .. "/focus" }):up():up()
			:tag("x", { xmlns = "jabber:x:conference", jid = room_jid }):up());
	end
	return 200, { done = true };
end

function commands.lobby(order)
	local main = touch_places(order.room);
	if not main then return done_or(false, "room_not_found"); end
	return done_or(show_out(main, order.connection, order.reason), "occupant_not_found");
end

function commands.remove(order)
	local main, lobby = touch_places(order.room);
	if not main and not lobby then return done_or(false, "room_not_found"); end
	local from_main = show_out(main, order.connection, order.reason);
	local from_lobby = show_out(lobby, order.connection, order.reason);
	return done_or(from_main or from_lobby, "occupant_not_found");
end

-- Jitsi's client obeys this from its focus only.
function commands.mute(order)
	local main = rooms.find_room(order.room, rooms.conference_host);
	if not main then return done_or(false, "room_not_found"); end
	local occupant = rooms.find_occupant(main, order.connection);
	if not occupant then return done_or(false, "occupant_not_found"); end
	local focus = main.jid .. "/focus";
	for real_jid in occupant:each_session() do
		module:send(st.iq({ type = "set", from = focus, to = real_jid, id = new_id() })
			:tag("mute", { xmlns = MEDIA[order.media], actor = focus }):text("true"));
	end
	return 200, { done = true };
end

function commands.lock(order)
	local main = touch_places(order.room);
	if not main then return done_or(false, "room_not_found"); end
	main._data.majlis_locked = order.locked or nil;
	return 200, { done = true };
end

commands["end"] = function (order)
	local main, lobby = touch_places(order.room);
	if not main and not lobby then return done_or(false, "room_not_found"); end
	if lobby then lobby:destroy(nil, order.reason); end
	if main then main:destroy(nil, order.reason); end
	return 200, { done = true };
end

function commands.disconnect(order)
	local session = rooms.connections[order.connection];
	if not session or session.destroyed or session.majlis_connection ~= order.connection then
		return done_or(false, "occupant_not_found");
	end
	session:close({ condition = "policy-violation", text = order.reason });
	return 200, { done = true };
end

local function list(occupants, room, where)
	for nick, occupant in room:each_occupant() do
		local seat = rooms.seats[nick] or {};
		occupants:push({
			connection = seat.connection or json.null, jid = occupant.jid, nick = jid.resource(nick), role = occupant.role;
			affiliation = room:get_affiliation(occupant.bare_jid) or "none", where = where;
			service = rooms.is_service(occupant.bare_jid);
		});
	end
end

function commands.roster(order)
	local main, lobby = find_places(order.room);
	if not main and not lobby then return done_or(false, "room_not_found"); end
	local occupants = array();
	if main then list(occupants, main, "room"); end
	if lobby then list(occupants, lobby, "lobby"); end
	return 200, { done = true, occupants = occupants };
end

local function is_text(value) return type(value) == "string" and value ~= ""; end
local function is_reason(value) return value == nil or type(value) == "string"; end
local function is_media(value) return MEDIA[value] ~= nil; end
local function is_flag(value) return type(value) == "boolean"; end

local ORDERS = { -- command → what its fields must be
	admit = { room = is_text, connection = is_text };
	lobby = { room = is_text, connection = is_text, reason = is_reason };
	remove = { room = is_text, connection = is_text, reason = is_reason };
	mute = { room = is_text, connection = is_text, media = is_media };
	lock = { room = is_text, locked = is_flag };
	["end"] = { room = is_text, reason = is_reason };
	disconnect = { connection = is_text, reason = is_reason };
	roster = { room = is_text };
};

local function is_well_formed(command, order)
	if type(order) ~= "table" then return false; end
	for field, is_right in pairs(ORDERS[command]) do
		if order[field] == json.null then order[field] = nil; end
		if not is_right(order[field]) then return false; end
	end
	order.reason = http.sentence(order.reason); -- a removal doesn't fail because its reason can't be shown
	return order.room == nil or nodeprep(order.room, true) == order.room;
end

-- Both the connection's address and the one a proxy names must be allowed.
local function is_caller(request)
	for _, address in ipairs({ request.ip, request.conn:ip() }) do
		local parsed, allowed = ip.new_ip(address), false;
		for _, caller in ipairs(callers) do
			allowed = allowed or (parsed and ip.match(parsed, caller.network, caller.bits));
		end
		if not allowed then return false; end
	end
	return true;
end

local function knows_secret(request)
	local presented = (request.headers.authorization or ""):match("^Bearer (%S+)$");
	return secret ~= nil and presented ~= nil and equals(presented, secret);
end

local function respond(event, status, body)
	event.response.status_code = status;
	event.response.headers.content_type = "application/json";
	event.response:send(json.encode(body));
	return true;
end

local function obey(event, command)
	local request = event.request;
	if (request.headers.host or ""):gsub(":%d+$", "") ~= module.host then return 404; end
	if not is_caller(request) then return respond(event, 403, { error = "caller_not_allowed" }); end
	if not knows_secret(request) then return respond(event, 401, { error = "wrong_secret" }); end
	if not ORDERS[command] then return respond(event, 404, { error = "command_not_found" }); end
	local order = #request.body <= LONGEST_ORDER and json.decode(request.body) or nil;
	if not is_well_formed(command, order) then return respond(event, 400, { error = "malformed" }); end
	return respond(event, commands[command](order));
end

module:depends("http");
module:provides("http", {
	default_path = "/majlis/control";
	cors = { enabled = false };
	route = { ["POST /*"] = obey };
});
