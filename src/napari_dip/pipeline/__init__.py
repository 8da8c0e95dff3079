"""Which steps restore a block, and with which numbers."""
