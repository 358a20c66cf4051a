"""Where jobs run. A launcher takes jobs and yields their events; nothing else knows where that was.

`local` is the front: this process for one job at a time, a `crew` of `worker` processes for several.
"""
