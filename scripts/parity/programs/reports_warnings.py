"""Logging, warnings, tracebacks, printing: what programs say."""

import contextlib
import io
import logging
import logging.handlers
import pprint
import reprlib
import sys
import traceback
import warnings


def logger():
    out = io.StringIO()
    log = logging.Logger("app")
    handler = logging.StreamHandler(out)
    handler.setFormatter(logging.Formatter("%(levelname)s:%(name)s:%(funcName)s:%(message)s"))
    log.addHandler(handler)
    return log, out


# %% logging
log, out = logger()
log.info("n=%d %s", 5, "x")
log.debug("quiet")
out.getvalue()

# %% logging levels
log, out = logger()
log.setLevel("WARNING")
log.info("no")
log.warning("yes")
out.getvalue()

# %% logging an exception
log, out = logger()
try:
    1 // 0
except ZeroDivisionError:
    log.exception("failed")
out.getvalue().splitlines()[-1]

# %% logging with extra fields
out = io.StringIO()
log = logging.Logger("x")
handler = logging.StreamHandler(out)
handler.setFormatter(logging.Formatter("{user}-{message}", style="{"))
log.addHandler(handler)
log.error("m", extra={"user": "u"})
out.getvalue()

# %% logging threads and processes
record = logging.LogRecord("n", 20, "p", 1, "m", (), None)
[record.threadName, record.processName, record.levelname]

# %% logging to memory
seen = logging.handlers.MemoryHandler(10)
seen.emit(logging.LogRecord("n", 20, "p", 1, "m %s", ("a",), None))
[record.getMessage() for record in seen.buffer]

# %% logging to a file that turns over
import os
import tempfile

with tempfile.TemporaryDirectory() as folder:
    handler = logging.handlers.RotatingFileHandler(
        os.path.join(folder, "a.log"), maxBytes=50, backupCount=1
    )
    log = logging.Logger("r")
    log.addHandler(handler)
    for number in range(20):
        log.error("line %d", number)
    handler.close()
    found = sorted(os.listdir(folder))
found

# %% warnings once
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    warnings.warn("old", DeprecationWarning)
[(one.category.__name__, str(one.message)) for one in seen]

# %% warnings as errors
with warnings.catch_warnings():
    warnings.simplefilter("error")
    warnings.warn("now", UserWarning)

# %% warnings are shown on stderr
with contextlib.redirect_stderr(io.StringIO()) as out, warnings.catch_warnings():
    warnings.simplefilter("always")
    warnings.showwarning("m", UserWarning, "f.py", 3, line="code")
out.getvalue()

# %% a deprecated function says so
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")

    @warnings.deprecated("use other")
    def old():
        return 1

    old()
[str(one.message) for one in seen]

# %% resource warning of an open file
import gc
import tempfile

with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    name = tempfile.mktemp()
    open(name, "w")
    gc.collect()
[one.category.__name__ for one in seen]

# %% traceback of a chain
try:
    try:
        {}["k"]
    except KeyError as error:
        raise ValueError("outer") from error
except ValueError as error:
    found = [line for line in traceback.format_exception(error) if "File" not in line]
found

# %% traceback of a note
try:
    error = ValueError("v")
    error.add_note("a note")
    raise error
except ValueError as caught:
    found = traceback.format_exception_only(caught)
found

# %% traceback of a group
try:
    raise ExceptionGroup("g", [ValueError(1), TypeError("t")])
except ExceptionGroup as error:
    found = traceback.format_exception_only(error)
found


# %% traceback lines
def inner():
    raise RuntimeError("x")


try:
    inner()
except RuntimeError as error:
    frames = traceback.extract_tb(error.__traceback__)
[frame.name for frame in frames][-1]

# %% suggestion of a name
try:
    lenght = 1
    leng
except NameError as error:
    found = traceback.format_exception_only(error)[-1]
found

# %% suggestion of an attribute
try:
    [].appendd
except AttributeError as error:
    found = traceback.format_exception_only(error)[-1]
found

# %% suggestion of an import
try:
    from math import sinn
except ImportError as error:
    found = str(error).partition(" (")[0]
found

# %% text of common errors
found = []
for source in (
    "{}['a']",
    "[][1]",
    "int('x')",
    "1 + 'a'",
    "None.x",
    "len(5)",
    "f(1)",
    "[].remove(1)",
    "(1).x()",
):
    try:
        eval(source, {"f": lambda: 0})
    except Exception as error:
        found.append(f"{type(error).__name__}: {error}")
found


# %% UnboundLocalError
def early():
    print(later)
    later = 1


early()

# %% unpacking error
a, b = [1, 2, 3]

# %% assertion text
assert 1 == 2, "not equal"

# %% pprint
pprint.pformat({"b": list(range(30)), "a": {"deep": ["x" * 30, "y" * 40]}}, width=60)

# %% pprint of a dataclass and sets
pprint.pformat([{3, 1, 2}, frozenset("ba"), (1,), "word " * 30], compact=True)

# %% reprlib
[reprlib.repr(list(range(100))), reprlib.repr("a" * 100)]

# %% print to a stream
out = io.StringIO()
print(1, "a", None, sep="-", end="!", file=out)
out.getvalue()

# %% standard streams
[sys.stdout.encoding is not None, sys.getdefaultencoding(), sys.getfilesystemencoding()]

# %% sys.exit is an exception
try:
    sys.exit("bye")
except SystemExit as error:
    found = error.code
found

# %% excepthook and audit
seen = []
sys.addaudithook(lambda name, args: seen.append(name) if name == "parity.event" else None)
sys.audit("parity.event", 1)
seen

# %% settrace counts lines
lines = []


def tracer(frame, event, arg):
    lines.append(event)
    return tracer


def traced():
    a = 1
    return a


sys.settrace(tracer)
traced()
sys.settrace(None)
lines


# %% frames
def who():
    return sys._getframe(1).f_code.co_name


def caller():
    return who()


caller()

# %% exception context
try:
    try:
        1 / 0
    finally:
        raise KeyError("k")
except KeyError as error:
    found = type(error.__context__).__name__
found


# %% finally wins
def order():
    try:
        return "try"
    finally:
        return "finally"


order()
