"""The sections of a report: each turns frames into plain results by calling `analytics.stats`."""
