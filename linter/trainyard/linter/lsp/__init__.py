"""The linter as a language server: findings, hover, fixes and completion as you type.

Needs the extra ``lsp``; nothing else of the linter does. What governs a file is asked of a ``Judge``; this room
knows no configuration files and reads no disk.
"""
