"""What happened to one booking, in order of time: what was done to it, its messages, and who read of it."""
