"""The command line as data: what help, completion, suggestions and the page of it are made from."""
