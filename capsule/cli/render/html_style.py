"""How the page of a run looks, on a light and on a dark screen, and on paper."""

from __future__ import annotations

SHEET = """
:root { color-scheme: light dark; --line: #8884; --bar: #2f7dd1; --wait: #9ab; --bad: #c33;
  --good: #2a8a3e; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin-top: 2rem; }
h3 { font-size: .85rem; margin: .8rem 0 .2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0; }
dt { opacity: .7; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 600; } th, td { padding: .15rem .5rem; vertical-align: middle; }
tr { border-bottom: 1px solid var(--line); }
td:first-child { max-width: 22rem; overflow-wrap: anywhere; }
td a { color: inherit; }
.stem { white-space: pre; font-family: monospace; opacity: .6; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.line { position: relative; width: 45%; }
.line i { position: absolute; top: 25%; height: 50%; border-radius: 2px; }
.working { background: var(--bar); } .waiting { background: var(--wait); }
.chart { width: 25%; position: relative; font-variant-numeric: tabular-nums; }
.chart i { position: absolute; left: 0; top: 15%; height: 70%; background: var(--bar); opacity: .3;
  border-radius: 2px; min-width: 1px; }
.chart span { position: relative; }
.completed { color: var(--good); } .failed, .timed_out, .cancelled { color: var(--bad); }
details { border: 1px solid var(--line); border-radius: 6px; padding: .4rem .8rem;
  margin: .5rem 0; }
summary { cursor: pointer; overflow-wrap: anywhere; }
p { margin: .3rem 0; opacity: .7; }
.use { display: grid; grid-template-columns: 4.5rem 12rem 1fr; gap: .8rem; align-items: center; }
.use b { font-weight: 400; opacity: .7; }
.meter { height: .6rem; border-radius: 3px; background: var(--line); overflow: hidden; }
.meter i { display: block; height: 100%; background: var(--bar); min-width: 1px; }
pre { overflow-x: auto; max-height: 30rem; background: #8881; padding: .5rem; margin: 0;
  border-radius: 4px; }
"""
