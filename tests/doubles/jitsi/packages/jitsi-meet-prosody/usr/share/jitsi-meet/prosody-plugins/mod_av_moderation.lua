-- Double: names the component, as upstream's does.
module:add_identity("component", "av_moderation", module:get_option_string("av_moderation_component"));
