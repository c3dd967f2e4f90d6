"""Real nodes on this machine: installed from npm, started on 127.0.0.1, and stopped by their own process id."""
