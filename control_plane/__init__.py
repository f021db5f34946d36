"""Who may enter which meeting, enforced and written down."""
