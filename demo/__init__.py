"""The demo's stage: a real Prosody and real XMPP clients on loopback. The tests play on it too."""
