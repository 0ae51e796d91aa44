"""The linter as a language server: findings as you type. Needs the extra ``lsp``; nothing else of the linter does."""
