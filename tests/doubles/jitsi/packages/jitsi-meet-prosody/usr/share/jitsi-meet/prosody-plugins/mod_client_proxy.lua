-- Double: a component that stands for one user; questions to it go to a session of that user, answers back.

local jid = require "util.jid";
local st = require "util.stanza";
local new_id = require "util.id".medium;
require "basexx"; -- what upstream's modules want on Lua's path
require "inspect";

local target = assert(module:get_option_string("target_address"), "target_address is not set");
local user, host = jid.split(target);
local asked = {}; -- id of ours → who asked, and with which id

local function session_of_target()
	local sessions = prosody.bare_sessions[target];
	local resource = sessions and next(sessions.sessions);
	return resource and jid.join(user, host, resource);
end

module:hook("iq/host", function (event)
	local stanza = event.stanza;
	local kind = stanza.attr.type;
	if kind == "result" or kind == "error" then
		local back = asked[stanza.attr.id];
		if not back or jid.bare(stanza.attr.from) ~= target then return true; end
		asked[stanza.attr.id] = nil;
		local answer = st.clone(stanza);
		answer.attr.from, answer.attr.to, answer.attr.id = module.host, back.from, back.id;
		module:send(answer);
		return true;
	end
	local to = session_of_target();
	if not to then
		module:send(st.error_reply(stanza, "cancel", "service-unavailable"));
		return true;
	end
	local id = new_id();
	asked[id] = { from = stanza.attr.from, id = stanza.attr.id };
	local question = st.clone(stanza);
	-- Jicofo must see who asks, so the address that the proxy shows carries it.
	question.attr.from, question.attr.to, question.attr.id = module.host .. "/" .. new_id(), to, id;
	module:send(question);
	return true;
end, 10);

module:hook("iq/full", function (event)
	event.stanza.attr.to = module.host;
	return module:fire_event("iq/host", event);
end, 10);
