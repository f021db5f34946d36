"""What Jitsi is told: tokens, keys, the gate, and control of a conference under way."""
