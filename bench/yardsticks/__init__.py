"""Programs that run another library in an environment of its own; see bench/environments.py."""
