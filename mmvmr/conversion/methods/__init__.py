"""Option and key maps, one module per published implementation."""
