"""The kernel: clock, ids, errors, wire, settings, logs, metrics, lifecycle. No frameworks, nothing of the domain."""
