"""One module per published implementation."""
