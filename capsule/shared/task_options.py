"""The names of what `@task` can say: apart from the decorator, whose types take long to import."""

OPTIONS = (
    "name",
    "compute",
    "ram",
    "timeout",
    "max_retries",
    "allowed_files",
    "allowed_hosts",
    "env_variables",
)
