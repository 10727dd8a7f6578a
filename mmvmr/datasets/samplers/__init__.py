"""Which samples make up a batch, and which videos and queries are drawn together."""
