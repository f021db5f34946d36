"""Templates, static files, locales and doors shared by every page."""
