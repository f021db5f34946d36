-- Lets nobody into a room whom the control plane doesn't admit; loaded on conference.DOMAIN and lobby.DOMAIN.
--
-- It fails closed: no answer, a late one or one that isn't understood is a refusal. While a question is
-- on its way the world moves, so everything is looked at again when the answer is there.

local jid = require "util.jid";
local json = require "util.json";
local resourceprep = require "util.encodings".stringprep.resourceprep;
local st = require "util.stanza";
local http = module:require "majlis_http";
local rooms = module:require "majlis_seats";

local XMLNS_MUC = "http://jabber.org/protocol/muc";
local XMLNS_NICK = "http://jabber.org/protocol/nick";
local XMLNS_JITMEET = "http://jitsi.org/jitmeet";
local FOCUS_NICK = "focus"; -- Jitsi's clients obey whoever sits here
local LONGEST_NICK = 128; -- bytes
local AFFILIATIONS = { owner = true, member = true };
local ROLES = { moderator = true, participant = true };
local LOCKED = "القاعة مقفلة، ولا يدخلها أحد الآن. · La salle est verrouillée : personne n'y entre plus."
	.. " · The room is locked: nobody else may enter.";
local CLOSED = "انتهى هذا الاجتماع. · Cette réunion est terminée. · This meeting has ended.";
local CHANGED = "تغيّر وضع الاجتماع للتو، حاولوا مرة أخرى. · La réunion vient de changer : réessayez."
	.. " · The meeting has just changed: please try again.";

local is_lobby = module.host == rooms.lobby_host;
local gate = http.new(module:get_option_number("majlis_joins_under_way", 400), module:get_option_number("majlis_gate_timeout", 5));

local function muc()
	return prosody.hosts[module.host].modules.muc;
end

local function refusal(stanza, text, condition)
	return st.error_reply(stanza, "auth", condition or "forbidden", text);
end

-- What Jitsi's muc_lobby_rooms says, word for word: the second lobbyroom is for its older clients.
local function to_the_lobby(stanza, room, reason)
	local lobby_room = jid.node(room.jid) .. "@" .. rooms.lobby_host;
	local reply = st.error_reply(stanza, "auth", "registration-required", reason);
	reply.tags[1].attr.code = "407";
	reply:tag("lobbyroom", { xmlns = XMLNS_JITMEET }):text(lobby_room):up():up();
	reply:tag("lobbyroom"):text(lobby_room):up();
	return reply:tag("x", { xmlns = XMLNS_MUC });
end

-- Answers the seat that the control plane gives, or nil and the stanza that says why there is none.
local function ask(event)
	local room, origin, stanza = event.room, event.origin, event.stanza;
	local status, answer = gate:ask("/join", {
		connection = origin.majlis_connection or json.null;
		room = jid.node(room.jid);
		lobby = is_lobby;
		jid = stanza.attr.from;
		nick = jid.resource(event.occupant.nick);
		address = origin.ip or "";
	});
	if status ~= 200 or not answer then return nil, refusal(stanza, http.UNREACHABLE); end
	local reason = http.sentence(answer.reason);
	local context = origin.jitsi_meet_context_user;
	local name = http.sentence(answer.name) or http.sentence(type(context) == "table" and context.name or nil);
	local seat = { connection = origin.majlis_connection, name = name };
	if answer.verdict == "admit" and AFFILIATIONS[answer.affiliation] and ROLES[answer.role] then
		seat.affiliation, seat.role, seat.seat = answer.affiliation, answer.role, http.sentence(answer.seat);
		return seat;
	elseif answer.verdict == "lobby" and is_lobby then
		seat.affiliation, seat.role = "none", "participant";
		return seat;
	elseif answer.verdict == "lobby" then
		return nil, to_the_lobby(stanza, room, reason);
	elseif answer.verdict == "refuse" then
		return nil, refusal(stanza, reason);
	end
	module:log("error", "The control plane gave a verdict that isn't in the contract: refused");
	return nil, refusal(stanza, http.UNREACHABLE);
end

local function is_locked(room)
	if room._data.majlis_locked then return true; end
	local main = is_lobby and rooms.find_room(jid.node(room.jid), rooms.conference_host);
	return main and main._data.majlis_locked or false;
end

-- Whatever forbids the join without asking: the stanza that says it, or nil.
local function obstacle(event)
	local room, stanza = event.room, event.stanza;
	local nick = jid.resource(event.occupant.nick) or "";
	local sitting = room:get_occupant_by_nick(event.occupant.nick);
	if #nick > LONGEST_NICK or not nick:find("%S") or not resourceprep(nick, true) or nick == FOCUS_NICK then
		return st.error_reply(stanza, "modify", "not-allowed");
	elseif sitting and sitting.bare_jid ~= jid.bare(stanza.attr.from) then
		return st.error_reply(stanza, "cancel", "conflict");
	elseif room.destroying or muc().get_room_from_jid(room.jid) ~= room then
		return refusal(stanza, CLOSED);
	elseif is_locked(room) then
		return refusal(stanza, LOCKED);
	end
end

-- Answers a seat, or nil and the refusal; nil and nothing if the session has gone.
local function decide(event)
	for _ = 1, 2 do
		local forbidden = obstacle(event);
		if forbidden then return nil, forbidden; end
		local generation = event.room.majlis_generation;
		local seat, no = ask(event);
		if event.origin.destroyed or event.origin.full_jid ~= event.stanza.attr.from then return nil; end
		if not seat and event.room.majlis_generation == generation then return nil, no; end
		if event.room.majlis_generation == generation then
			forbidden = obstacle(event);
			if forbidden then return nil, forbidden; end
			return seat;
		end
	end
	return nil, refusal(event.stanza, CHANGED);
end

-- The name is the account's, whatever the client says. Jitsi's clients take a <nick/> of any namespace.
local function rename(stanza, name)
	stanza:maptags(function (tag)
		if tag.name == "nick" or tag.name == "identity" then return nil; end
		return tag;
	end);
	if name then stanza:add_direct_child(st.stanza("nick", { xmlns = XMLNS_NICK }):text(name)); end
end

local function take_seat(event, seat)
	event.room:set_affiliation(true, jid.bare(event.stanza.attr.from), seat.affiliation);
	event.occupant.role = seat.role;
	rooms.seats[event.occupant.nick] = seat;
	rename(event.stanza, seat.name);
end

-- A room that nobody entered and nobody waits for any more goes, as if its last occupant had left.
local function sweep(room)
	if room.majlis_waiting > 0 or room:has_occupant() or muc().get_room_from_jid(room.jid) ~= room then return; end
	module:fire_event("muc-room-destroyed", { room = room });
end

module:hook("muc-occupant-pre-join", function (event)
	local room, stanza = event.room, event.stanza;
	if rooms.is_service(stanza.attr.from) then
		rooms.seats[event.occupant.nick] = nil;
		room:set_affiliation(true, jid.bare(stanza.attr.from), "owner");
		event.occupant.role = "moderator";
		return;
	end
	room.majlis_waiting = (room.majlis_waiting or 0) + 1;
	local fine, seat, no = xpcall(decide, debug.traceback, event);
	room.majlis_waiting = room.majlis_waiting - 1;
	if fine and seat then
		take_seat(event, seat);
		return;
	end
	if not fine then
		module:log("error", "Refused, for the gate itself failed: %s", seat);
		no = refusal(stanza, http.UNREACHABLE);
	end
	if no then event.origin.send(no); end
	sweep(room);
	return true;
end, 100);

-- While somebody waits for a verdict the room outlives its last occupant.
module:hook("muc-occupant-left", function (event)
	local room = event.room;
	if (room.majlis_waiting or 0) > 0 and not room.destroying and not room:has_occupant() then return true; end
end, -0.5);

module:hook("muc-occupant-left", function (event)
	local seat = rooms.seats[event.occupant.nick];
	if not seat then return; end
	rooms.seats[event.occupant.nick] = nil;
	event.room._affiliations[event.occupant.bare_jid] = nil; -- set_affiliation would announce somebody who is gone
end, -0.25);

-- A room is made by asking, whoever wants it: Jitsi's focus too (a POST to jicofo mustn't open a room).
module:hook("muc-room-pre-create", function (event)
	local origin, stanza, room_jid = event.origin, event.stanza, event.room.jid;
	local status, answer = gate:ask("/room", { room = jid.node(room_jid), jid = stanza.attr.from });
	if origin.destroyed then return true; end
	if status ~= 200 or not answer then
		local text = status == 403 and answer and http.sentence(answer.reason) or http.UNREACHABLE;
		origin.send(st.error_reply(stanza, "cancel", "not-allowed", text));
		return true;
	end
	-- Others may have made it meanwhile. Entering by the usual way gives nobody the creator's ownership.
	local room = muc().get_room_from_jid(room_jid) or muc().create_room(room_jid);
	if room then
		room:handle_normal_presence(origin, stanza);
	else
		origin.send(st.error_reply(stanza, "wait", "resource-constraint"));
	end
	return true;
end, 100);

-- Those who wait see moderators' messages and themselves; moderators see everybody who waits.
local function isolated(room, stanza)
	local from, to = stanza.attr.from, stanza.attr.to;
	local sender = room._occupants[from];
	local receiver = room._occupants[room:get_occupant_jid(to) or ""];
	local x = stanza.name == "presence" and stanza:get_child("x", XMLNS_MUC .. "#user");
	local is_own = room:get_occupant_jid(to) == from or (x and x:get_child_with_attr("status", nil, "code", "110"));
	local from_chair = stanza.name ~= "presence" and sender and sender.role == "moderator";
	if from == room.jid or is_own or from_chair or (receiver and receiver.role == "moderator") then
		module:send(stanza);
	end
end

local function settle(event)
	local room = event.room;
	room:set_public(false);
	room:set_persistent(false);
	room:set_historylength(0); -- who comes in later doesn't read what was said before, in camera for one
	if is_lobby then room.route_stanza = isolated; end
end
module:hook("muc-room-created", settle, 100);
module:hook("muc-room-restored", settle, 100); -- Prosody puts rooms aside when it has too many

module:hook("muc-occupant-pre-change", function (event)
	if rooms.is_service(event.stanza.attr.from) then return; end
	if event.orig_occupant.nick ~= event.dest_occupant.nick then
		event.origin.send(st.error_reply(event.stanza, "cancel", "not-allowed"));
		return true;
	end
	local seat = rooms.seats[event.orig_occupant.nick];
	rename(event.stanza, seat and seat.name);
end, 100);

module:hook("muc-occupant-groupchat", function (event)
	local seat = event.occupant and rooms.seats[event.occupant.nick];
	if seat then rename(event.stanza, seat.name); end
end, 100);

module:hook("muc-private-message", function (event)
	local seat = rooms.seats[event.stanza.attr.from];
	if seat then rename(event.stanza, seat.name); end
end, 100);

-- Rooms are run by the control plane: no client configures one, changes affiliations or invites.
local function services_only(event)
	if rooms.is_service(event.stanza.attr.from) then return; end
	event.origin.send(refusal(event.stanza));
	return true;
end
for _, to in ipairs { "bare", "host" } do
	for _, query in ipairs { XMLNS_MUC .. "#owner:query", XMLNS_MUC .. "#admin:query", "jabber:iq:register:query" } do
		module:hook("iq/" .. to .. "/" .. query, services_only, 100); -- fired before iq-get/ and iq-set/
	end
end
module:hook("muc-pre-invite", services_only, 100);
module:hook("muc-pre-decline", services_only, 100);
