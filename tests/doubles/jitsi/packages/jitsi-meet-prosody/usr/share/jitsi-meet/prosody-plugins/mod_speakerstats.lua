-- Double: names the component, as upstream's does.
module:add_identity("component", "speakerstats", module:get_option_string("speakerstats_component"));
