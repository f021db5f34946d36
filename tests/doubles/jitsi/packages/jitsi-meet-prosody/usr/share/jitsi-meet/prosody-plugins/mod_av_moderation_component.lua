-- Double: says that it is there and does nothing.
assert(module:get_option_string("muc_component"), "muc_component is not set");
module:log("info", "av_moderation_component: double");
