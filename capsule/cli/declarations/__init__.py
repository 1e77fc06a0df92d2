"""The command line as typer reads it; what the commands do is in the modules beside."""
