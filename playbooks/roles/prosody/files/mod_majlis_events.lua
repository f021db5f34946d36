-- Tells the control plane what happened in the rooms: at least once, in order, numbered so it counts once.
--
-- One spool a Prosody, whatever the number of hosts: loaded on conference.DOMAIN and lobby.DOMAIN.

module:set_global();

local jid = require "util.jid";
local lfs = require "lfs";
local now = require "util.time".now;
local http = module:require "majlis_http";
local new_spool = module:require "majlis_spool".open;

local BATCH = 100; -- events a request
local GATHERING = 0.02; -- seconds in which events of the same moment gather
local SHORTEST_WAIT = 0.5; -- seconds before the second attempt; doubled with each

local longest_wait = module:get_option_number("majlis_events_longest_wait", 30);
local node = module:get_option_string("majlis_node", "prosody");
local directory = module:get_option_string("majlis_spool_directory", prosody.paths.data .. "/majlis_events");
local control_plane = http.new(2, module:get_option_number("majlis_gate_timeout", 5));

lfs.mkdir(directory);
local spool, departures = new_spool(directory .. "/spool.jsonl");

local sending, alarm, wait = false, nil, SHORTEST_WAIT;
local deliver;

local function schedule(seconds)
	if alarm then alarm:stop(); end
	alarm = module:add_timer(seconds, function ()
		alarm = nil;
		deliver();
	end);
end

local function try_later()
	schedule(wait);
	wait = math.min(wait * 2, longest_wait);
end

local function on_answer(status, answer)
	sending = false;
	local next_wanted = answer and math.tointeger(answer.next);
	if (status ~= 200 and status ~= 409) or not next_wanted then return try_later(); end
	local first = spool.first;
	if not spool:acknowledge(next_wanted) then
		module:log("error", "The control plane wants event %d, the spool has %d to %d: a new epoch begins",
			next_wanted, first, spool.next - 1);
		spool:renew();
		return try_later();
	end
	if spool.first == first then return try_later(); end
	wait = SHORTEST_WAIT;
	if spool.queue[1] then schedule(0); end
end

function deliver()
	if sending or not spool.queue[1] then return; end
	sending = true;
	control_plane:post("/events", { node = node, epoch = spool.epoch, events = spool:oldest(BATCH) }, on_answer);
end

local function tell(event)
	event.at = event.at or math.floor(now() * 1000);
	spool:append(event);
	if not alarm and not sending then schedule(GATHERING); end
end

module:hook_global("majlis-gate-unreachable", function (event)
	tell({ kind = "gate_unreachable", reason = event.reason });
end);
module:hook_global("majlis-gate-back", function ()
	tell({ kind = "gate_back" });
	wait = SHORTEST_WAIT;
	if not sending then schedule(0); end
end);

for _, event in ipairs(departures) do tell(event); end
if spool.queue[1] then schedule(0); end

function module.unload()
	spool:close();
end

function module.add_host(host_module)
	local rooms = host_module:require "majlis_seats";
	local is_lobby = host_module.host == rooms.lobby_host;

	local function occupant_event(kind, room, occupant, reason)
		local seat = rooms.seats[occupant.nick] or {};
		tell({
			kind = kind, room = jid.node(room.jid), nick = jid.resource(occupant.nick), jid = occupant.jid;
			connection = seat.connection, seat = seat.seat, affiliation = seat.affiliation, role = seat.role;
			service = rooms.is_service(occupant.bare_jid) or nil, reason = reason;
		});
	end

	-- Moderators in the lobby look after it; they don't wait there.
	local function waits(occupant)
		local seat = rooms.seats[occupant.nick];
		return seat and seat.role ~= "moderator";
	end

	local function why_left(event)
		local seat = rooms.seats[event.occupant.nick];
		if seat and seat.leaving then return seat.leaving; end
		if type(event.room.destroying) == "string" then return event.room.destroying; end
		if event.origin and event.origin.destroyed then return "disconnected"; end
	end

	host_module:hook("muc-occupant-joined", function (event)
		local room = event.room;
		if is_lobby then
			if waits(event.occupant) then occupant_event("lobby_entered", room, event.occupant); end
			return;
		end
		if not room.majlis_announced then -- a room counts from its first occupant: before that it may still be swept
			room.majlis_announced = true;
			tell({ kind = "room_created", room = jid.node(room.jid) });
		end
		occupant_event("joined", room, event.occupant);
	end, 100);

	host_module:hook("muc-occupant-left", function (event)
		if not is_lobby then
			occupant_event("left", event.room, event.occupant, why_left(event));
		elseif waits(event.occupant) then
			occupant_event("lobby_left", event.room, event.occupant, why_left(event));
		end
	end, 100);

	if is_lobby then return; end

	host_module:hook("muc-room-destroyed", function (event)
		if not event.room.majlis_announced then return; end
		tell({ kind = "room_destroyed", room = jid.node(event.room.jid), reason = http.sentence(event.reason) });
	end, 100);

	-- Prosody has no event for a changed role: it is seen when it is published.
	host_module:hook("muc-broadcast-presence", function (event)
		local occupant = event.occupant;
		local seat = rooms.seats[occupant.nick];
		if not seat or not occupant.role or not event.room:get_occupant_by_nick(occupant.nick) then return; end
		local affiliation = event.room:get_affiliation(occupant.bare_jid) or "none";
		if seat.sitting and (seat.role ~= occupant.role or seat.affiliation ~= affiliation) then
			seat.role, seat.affiliation = occupant.role, affiliation;
			occupant_event("role_changed", event.room, occupant);
		end
		seat.sitting = true;
	end);
end
