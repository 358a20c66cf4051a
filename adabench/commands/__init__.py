"""The commands: one file each. Words and flags in, a request out; the work is done in the rooms below."""
