"""What needs a thread, a process, a socket, a screen or another library: there, or said to be missing."""

import io
import sys

# %% ctypes
import ctypes

ctypes.sizeof(ctypes.c_long)

# %% threading
import threading

seen = []
thread = threading.Thread(target=seen.append, args=(1,))
thread.start()
thread.join()
seen

# %% locks without threads
import threading

with threading.Lock():
    found = threading.current_thread().name
found

# %% thread-local data
import threading

local = threading.local()
local.a = 1
local.a

# %% thread pool
from concurrent.futures import ThreadPoolExecutor

with ThreadPoolExecutor(2) as pool:
    found = list(pool.map(abs, [-1, 2]))
found

# %% process pool
from concurrent.futures import ProcessPoolExecutor

with ProcessPoolExecutor(1) as pool:
    found = list(pool.map(abs, [-1]))
found

# %% multiprocessing.Process
import multiprocessing

process = multiprocessing.get_context("fork").Process(target=int)
process.start()
process.join()
process.exitcode

# %% multiprocessing.cpu_count
import multiprocessing

multiprocessing.cpu_count() >= 1

# %% subprocess
import subprocess

subprocess.run(["echo", "hi"], capture_output=True, check=True).stdout

# %% os.system
import os

os.system("true")

# %% os.fork
import os

hasattr(os, "fork")

# %% signal handler
import signal

signal.getsignal(signal.SIGINT) is not None

# %% signal.alarm
import signal

signal.alarm(0)

# %% raise_signal
import signal

seen = []
before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(int(number)))
signal.raise_signal(signal.SIGINT)
signal.signal(signal.SIGINT, before)
seen

# %% socketpair
import socket

ours, theirs = socket.socketpair()
ours.send(b"x")
found = theirs.recv(1)
ours.close()
theirs.close()
found

# %% listening socket
import socket

server = socket.create_server(("127.0.0.1", 0))
found = server.getsockname()[1] > 0
server.close()
found

# %% gethostname
import socket

isinstance(socket.gethostname(), str)

# %% inet_aton
import socket

[socket.inet_aton("127.0.0.1"), socket.htons(1), socket.inet_ntop(socket.AF_INET6, bytes(16))]

# %% select
import select

select.select([], [], [], 0)

# %% selectors
import selectors

selectors.DefaultSelector().select(0)

# %% ssl context
import ssl

ssl.create_default_context().check_hostname

# %% ssl version
import ssl

ssl.OPENSSL_VERSION.startswith("OpenSSL")

# %% asyncio server
import asyncio


async def serve():
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    server.close()
    return "served"


asyncio.run(serve())

# %% asyncio subprocess
import asyncio


async def spawn():
    process = await asyncio.create_subprocess_exec("true")
    return await process.wait()


asyncio.run(spawn())

# %% asyncio.to_thread
import asyncio

asyncio.run(asyncio.to_thread(abs, -3))

# %% asyncio run_in_executor
import asyncio


async def offload():
    return await asyncio.get_running_loop().run_in_executor(None, abs, -3)


asyncio.run(offload())

# %% queue
import queue

line = queue.Queue()
line.put(1)
[line.get(), line.empty()]

# %% queue timeout
import queue

try:
    queue.Queue().get(timeout=0.01)
except queue.Empty:
    found = "empty"
found

# %% event wait
import threading

threading.Event().wait(0.01)

# %% timer
import threading

seen = []
timer = threading.Timer(0.001, seen.append, [1])
timer.start()
timer.join()
seen

# %% barrier of one
import threading

threading.Barrier(1).wait()

# %% sched
import sched

seen = []
plan = sched.scheduler()
plan.enter(0.001, 1, seen.append, (1,))
plan.run()
seen

# %% curses
import curses

curses.COLOR_RED

# %% readline
import readline

readline.get_history_length()

# %% fcntl
import fcntl

fcntl.LOCK_EX

# %% resource
import resource

resource.getrlimit(resource.RLIMIT_NOFILE)[0] != 0

# %% pwd
import pwd

pwd.getpwuid(0).pw_name

# %% getpass.getuser
import getpass

isinstance(getpass.getuser(), str)

# %% termios
import termios

termios.ECHO > 0

# %% pty
import pty

callable(pty.openpty)

# %% syslog
import syslog

syslog.LOG_ERR

# %% sqlite3
import sqlite3

sqlite3.connect(":memory:").execute("select 1").fetchone()

# %% zoneinfo
import zoneinfo

str(zoneinfo.ZoneInfo("Europe/Paris"))

# %% webbrowser
import webbrowser

webbrowser.Error.__name__

# %% venv and ensurepip
import venv

callable(venv.create)

# %% faulthandler
import faulthandler

faulthandler.is_enabled() in (True, False)

# %% tracemalloc
import tracemalloc

tracemalloc.start()
box = [0] * 1000
found = tracemalloc.get_traced_memory()[0] > 0
tracemalloc.stop()
found

# %% gc and weakrefs
import gc

gc.isenabled()

# %% platform
import platform

platform.system()

# %% platform.machine
import platform

platform.machine()

# %% sysconfig
import sysconfig

sysconfig.get_platform()

# %% site packages
import importlib.metadata

importlib.metadata.version("numpy")

# %% importlib.resources
import importlib.resources

importlib.resources.files("json").joinpath("__init__.py").is_file()

# %% zipimport and runpy
import runpy
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    Path(folder, "m.py").write_text("a = 1 + 1")
    found = runpy.run_path(str(Path(folder, "m.py")))["a"]
found

# %% inspect.getsource of the library
import inspect
import textwrap

inspect.getsource(textwrap.dedent).startswith("def dedent")

# %% pydoc
import pydoc

pydoc.plain(pydoc.render_doc(len)).splitlines()[0]

# %% input at the end of stdin
import os

sys.stdin is not None

# %% getpass and input
input()
