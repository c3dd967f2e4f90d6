"""The rim towards the networks: their values, dialects and transports."""
