-- The events that the control plane hasn't acknowledged yet, in a file that survives a crash of Prosody.
--
-- The file: a header {"epoch", "next", "present"}, then one event a line with rising "seq" from "next" on.
-- "present" says who was inside before the first of these lines, so that after a crash the leaving of
-- everybody can be told. Flushed to the operating system with each event: a crash of Prosody loses
-- nothing, a power failure may lose the last second.

local json = require "util.json";
local uuid = require "util.uuid".generate;

local MOST_ACKNOWLEDGED_LINES = 500; -- kept in the file before it is rewritten with what is left

local ENTERED = { joined = "room", lobby_entered = "lobby" };
local GONE = { left = "room", lobby_left = "lobby" };

local spool = {};
spool.__index = spool;

-- Follows one event in `present`: rooms that are open, people who are inside.
local function follow(present, event)
	local where = ENTERED[event.kind] or GONE[event.kind];
	if where then
		local key = where .. "/" .. event.room .. "/" .. event.nick;
		present.people[key] = ENTERED[event.kind] and {
			kind = where == "room" and "left" or "lobby_left", room = event.room, nick = event.nick;
			connection = event.connection, jid = event.jid, seat = event.seat, service = event.service;
		} or nil;
	elseif event.kind == "room_created" then
		present.rooms[event.room] = true;
	elseif event.kind == "room_destroyed" then
		present.rooms[event.room] = nil;
	end
end

-- Reads the file. Answers the header, the events and what is wrong with it (nil if nothing is).
-- A last line without its end was being written when Prosody died, so it had never been sent: it is dropped.
local function read(path)
	local file = io.open(path, "rb");
	if not file then return nil, {}; end
	local header, expected;
	local events = {};
	for line in file:lines("L") do
		local value = json.decode(line);
		if line:sub(-1) ~= "\n" then break; end
		if type(value) ~= "table" then file:close(); return header, events, "a line is not JSON"; end
		if not header then
			header, expected = value, math.tointeger(value.next);
			if not expected or type(value.epoch) ~= "string" or type(value.present) ~= "table" then
				file:close();
				return nil, {}, "the header is not one";
			end
		else
			if value.seq ~= expected then file:close(); return header, events, "a line is missing"; end
			table.insert(events, value);
			expected = expected + 1;
		end
	end
	file:close();
	return header, events;
end

local function renumber(self)
	self.epoch = uuid();
	for i, event in ipairs(self.queue) do event.seq = i; end
	self.first, self.next = 1, #self.queue + 1;
end

-- Opens the spool at `path`; answers it and the events of those who were inside when Prosody died.
local function open(path)
	local header, events, damage = read(path);
	local self = setmetatable({ path = path, queue = events, acknowledged_lines = 0 }, spool);
	self.present = header and header.present or {};
	self.present.people, self.present.rooms = self.present.people or {}, self.present.rooms or {};
	if header and not damage then
		self.epoch, self.first = header.epoch, math.tointeger(header.next);
		self.next = self.first + #events;
	else
		if damage then
			local aside = ("%s.damaged-%d"):format(path, os.time());
			module:log("error", "The spool of events is damaged (%s): kept as %s, a new one begins", damage, aside);
			os.rename(path, aside);
		end
		renumber(self);
	end
	self:rewrite();
	return self, self:departures();
end

function spool:departures()
	local present = { people = {}, rooms = {} };
	for key, person in pairs(self.present.people) do present.people[key] = person; end
	for room in pairs(self.present.rooms) do present.rooms[room] = true; end
	for _, event in ipairs(self.queue) do follow(present, event); end
	local departures = {};
	for _, person in pairs(present.people) do
		local event = { reason = "server_restarted" };
		for field, value in pairs(person) do event[field] = value; end
		table.insert(departures, event);
	end
	for room in pairs(present.rooms) do
		table.insert(departures, { kind = "room_destroyed", room = room, reason = "server_restarted" });
	end
	return departures;
end

-- Takes an event in; it gets its number here. Answers false if the disk didn't take it: then it lives
-- in memory only, and the log says so.
function spool:append(event)
	event.seq = self.next;
	self.next = self.next + 1;
	table.insert(self.queue, event);
	local written = self.file and self.file:write(json.encode(event), "\n") and self.file:flush();
	return written and true or self:rewrite();
end

-- The oldest events, at most `count`.
function spool:oldest(count)
	return table.move(self.queue, 1, math.min(count, #self.queue), 1, {});
end

-- Forgets everything below `next`; false if the two sides don't know the same events.
function spool:acknowledge(next)
	if next < self.first or next > self.next then return false; end
	local count = next - self.first;
	for i = 1, count do follow(self.present, self.queue[i]); end
	self.queue = table.move(self.queue, count + 1, #self.queue, 1, {});
	self.first = next;
	self.acknowledged_lines = self.acknowledged_lines + count;
	if count > 0 and (#self.queue == 0 or self.acknowledged_lines > MOST_ACKNOWLEDGED_LINES) then self:rewrite(); end
	return true;
end

-- Begins a new epoch with what hasn't been acknowledged.
function spool:renew()
	renumber(self);
	self:rewrite();
end

-- Writes the file anew, beside the old one, and puts it in its place.
function spool:rewrite()
	local new = self.path .. ".new";
	local file, problem = io.open(new, "wb");
	local lines = { json.encode({ epoch = self.epoch, next = self.first, present = self.present }) };
	for _, event in ipairs(self.queue) do table.insert(lines, json.encode(event)); end
	local written = file and file:write(table.concat(lines, "\n"), "\n") and file:flush() and os.rename(new, self.path);
	if not written then
		if file then file:close(); end
		module:log("error", "Events can't be written to disk and a crash would lose them: %s", problem or self.path);
		return false;
	end
	if self.file then self.file:close(); end
	self.file, self.acknowledged_lines = file, 0;
	return true;
end

function spool:close()
	if self.file then self.file:close(); end
	self.file = nil;
end

return { open = open };
