"""What every role keeps to, and what our own modules do."""
