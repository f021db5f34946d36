-- Double of upstream's command: prosodyctl mod_roster_command subscribe WHO WHOM.

local jid = require "util.jid";
local rostermanager = require "core.rostermanager";
local storagemanager = require "core.storagemanager";
local usermanager = require "core.usermanager";

local function prepare(address)
	local user, host = jid.prepped_split(address);
	if prosody.hosts[host] and user then
		storagemanager.initialize_host(host);
		usermanager.initialize_host(host);
	end
	return user, host;
end

function module.command(arg)
	if arg[1] ~= "subscribe" or not arg[3] then
		print("Usage: prosodyctl mod_roster_command subscribe WHO WHOM");
		return 1;
	end
	local who = arg[2];
	local user, host = prepare(arg[3]);
	local roster = rostermanager.load_roster(user, host);
	roster[who] = { subscription = "from", groups = {} };
	local saved, problem = rostermanager.save_roster(user, host, roster);
	if not saved then print("Not saved: " .. tostring(problem)); return 1; end
	return 0;
end
