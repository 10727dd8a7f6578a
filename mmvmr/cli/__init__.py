"""The command ``mmvmr``: one module per subcommand, imported when it is asked for."""
