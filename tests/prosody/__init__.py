"""Between a real XMPP client and the control plane's door: real Prosody, our Lua modules, a fake control plane."""
