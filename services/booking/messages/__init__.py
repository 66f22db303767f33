"""What becomes of the messages to families, as staff see it, and whom nobody reached."""
