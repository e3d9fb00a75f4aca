"""Work that outlives a request: tasks with a lease, a heartbeat, three attempts and a key. See docs/architecture.md."""
