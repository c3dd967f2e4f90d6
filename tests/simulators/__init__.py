"""Stand-ins for the outside world that can be told to misbehave."""
