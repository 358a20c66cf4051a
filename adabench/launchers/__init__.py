"""Where jobs run. A launcher takes jobs and yields their events; nothing else knows where that was."""
