"""Accounts, bodies, memberships, duties and signing in."""
