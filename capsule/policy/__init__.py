"""What a task may do: declared in its source, bounded by capsule.toml, narrowed by the caller.

`source` reads the declarations, `config` reads capsule.toml, `resolve` makes a `Policy` of both.
Nothing here runs or imports a task's code.
"""

# The package that the decorator comes from.
CAPSULE = "capsule"
