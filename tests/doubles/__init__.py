"""What stands in for the real thing in tests. Nothing outside tests/ knows that it exists."""
