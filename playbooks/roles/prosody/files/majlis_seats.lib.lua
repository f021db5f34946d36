-- What the gate, the events and the control module know together: who sits where, and what has changed.

local jid = require "util.jid";

local seats = module:shared("/*/majlis/seats"); -- in-room JID → { connection, seat, name, role, affiliation }
local connections = module:shared("/*/majlis/connections-cache"); -- connection → session; weak, as its name says
local service_jids = module:get_option_set("majlis_service_jids", {});

-- The site's domain: the hosts are DOMAIN, conference.DOMAIN, lobby.DOMAIN and auth.DOMAIN.
local domain = module:get_option_string("majlis_domain", (module.host:gsub("^conference%.", ""):gsub("^lobby%.", "")));
local conference_host, lobby_host = "conference." .. domain, "lobby." .. domain;

local function is_service(real_jid)
	return service_jids:contains(jid.bare(real_jid)) or false;
end

-- The live room called `name` on `host`, or nil.
local function find_room(name, host)
	local component = prosody.hosts[host];
	local muc = component and component.modules.muc;
	return muc and muc.get_room_from_jid(name .. "@" .. host) or nil;
end

-- The occupant of `room` that came by `connection`, or nil.
local function find_occupant(room, connection)
	for nick, occupant in room:each_occupant() do
		local seat = seats[nick];
		if seat and seat.connection == connection then return occupant, seat; end
	end
end

-- Says that a decision about this room has been taken: whoever still waits for an older one asks again.
local function touch(room)
	room.majlis_generation = (room.majlis_generation or 0) + 1;
end

return {
	seats = seats;
	connections = connections;
	domain = domain;
	conference_host = conference_host;
	lobby_host = lobby_host;
	is_service = is_service;
	find_room = find_room;
	find_occupant = find_occupant;
	touch = touch;
};
