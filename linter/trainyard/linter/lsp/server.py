"""Speaks the Language Server Protocol over standard input and output. Wiring only: what is said is decided elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from trainyard.linter.lsp import actions
from trainyard.linter.lsp.completion import Completer
from trainyard.linter.lsp.diagnostics import diagnostics
from trainyard.linter.lsp.hover import hover
from trainyard.linter.lsp.session import Open, Session
from trainyard.linter.lsp.text import ClientText

if TYPE_CHECKING:
    from pygls.server import ServerErrors

    from trainyard.linter.engine.report import Report
    from trainyard.linter.lsp.ports import Judge

_SETTINGS_FILES = ("**/trainlint.toml", "**/pyproject.toml", "**/*.hardware.json")
NAME = "trainlint"


class TrainlintServer(LanguageServer):
    """The server; ``shut_down`` tells whether the client said good-bye before it left."""

    def __init__(self, judge: Judge, version: str) -> None:
        # Whole texts: a spec is a few kilobytes, and what a line is need not be agreed on to apply an edit.
        super().__init__(NAME, version, text_document_sync_kind=types.TextDocumentSyncKind.Full)
        self.shut_down = False
        self.session = Session(judge, self._publish, self._complain, _later)

    def text(self, written: str) -> ClientText:
        """Return a text in the units of this client."""
        return ClientText(written, str(getattr(self.workspace.position_encoding, "value", self.workspace.position_encoding)))

    def changed(self, text: ClientText, changes: Sequence[types.TextDocumentContentChangeEvent]) -> ClientText:
        """Return the text after a client's changes: whole texts, as it was asked for, or ranges all the same."""
        for change in changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                start, end = text.offset(change.range.start), text.offset(change.range.end)
                text = self.text(text.text[:start] + change.text + text.text[max(start, end) :])
            else:
                text = self.text(change.text)
        return text

    def watch_settings(self) -> None:
        """Ask the client to tell when a file with settings changes, if it can."""
        watching = self.client_capabilities.workspace and self.client_capabilities.workspace.did_change_watched_files
        if not watching or not watching.dynamic_registration:
            return
        watchers = [types.FileSystemWatcher(pattern) for pattern in _SETTINGS_FILES]
        options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
        registration = types.Registration("settings", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
        self.client_register_capability(types.RegistrationParams([registration]))

    @property
    def knows_snippets(self) -> bool:
        """Whether the client can fill in places."""
        text = self.client_capabilities.text_document
        item = text.completion.completion_item if text and text.completion else None
        return bool(item and item.snippet_support)

    def report_server_error(self, error: Exception, source: ServerErrors) -> None:
        """Tell the client's log, not the person: a broken message is the client's fault, anything else is ours."""
        message = f"{type(error).__name__}: {error} ({getattr(source, '__name__', source)})"
        self.window_log_message(types.LogMessageParams(types.MessageType.Error, message))

    def _publish(self, document: Open) -> None:
        report = document.report
        shown = [] if report is None else diagnostics(report.findings, document.text)
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(document.uri, shown, document.version))
        for crash in report.crashes if report is not None else ():
            message = f"{crash.appeal}.\n{crash.traceback}"
            self.window_log_message(types.LogMessageParams(types.MessageType.Error, message))

    def _complain(self, complaint: str) -> None:
        self.window_show_message(types.ShowMessageParams(types.MessageType.Error, f"trainlint: {complaint}"))


def build(judge: Judge, version: str) -> TrainlintServer:
    """Return a server, ready to be started."""
    server = TrainlintServer(judge, version)
    _follow_documents(server)
    _answer(server)
    return server


def _follow_documents(server: TrainlintServer) -> None:
    session = server.session

    @server.feature(types.INITIALIZED)
    def _initialized(_: types.InitializedParams) -> None:
        server.watch_settings()

    @server.feature(types.SHUTDOWN)
    def _shutdown(_: None) -> None:
        server.shut_down = True

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def _opened(params: types.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        session.open(document.uri, str(document.language_id), server.text(document.text), document.version)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def _changed(params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        document = session.find_stale(uri)
        if document is not None:
            session.change(uri, server.changed(document.text, params.content_changes), params.text_document.version)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def _closed(params: types.DidCloseTextDocumentParams) -> None:
        if session.close(params.text_document.uri) is not None:
            server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(params.text_document.uri, []))

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def _settings_changed(
        _: types.DidSaveTextDocumentParams | types.DidChangeWatchedFilesParams | types.DidChangeConfigurationParams,
    ) -> None:
        session.refresh()


def _answer(server: TrainlintServer) -> None:
    session = server.session

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def _hover(params: types.HoverParams) -> types.Hover | None:
        document = session.find(params.text_document.uri)
        if document is None:
            return None
        findings = document.report.findings if document.report is not None else ()
        return hover(document.outline, findings, document.text, params.position, document.plugins)

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=['"', ":"]))
    def _completion(params: types.CompletionParams) -> types.CompletionList | None:
        document = session.find(params.text_document.uri)
        if document is None:
            return None
        findings = document.report.findings if document.report is not None else ()
        completer = Completer(document.text, document.outline, findings, fill_in=server.knows_snippets, plugins=document.plugins)
        return completer.at(params.position)

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=actions.KINDS))
    def _code_action(params: types.CodeActionParams) -> list[types.CodeAction] | None:
        document = session.find(params.text_document.uri)
        if document is None or document.report is None:
            return None
        fixer = actions.Fixer(document.uri, document.text, document.report)
        return fixer.actions(params.range, params.context.only, partial(_rejudged, session, document))


def _rejudged(session: Session, document: Open, raw: bytes) -> Report:
    report = session.rejudge(document, raw)
    assert report is not None and document.report is not None  # noqa: S101, PT018 - the settings did not leave it out before
    return report


def _later(seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, call)


def serve(judge: Judge, version: str) -> bool:
    """Serve the client at standard input until it leaves; return whether it said good-bye first."""
    # What pygls logs are the client's broken messages, with tracebacks; what matters goes to the client's log.
    logging.getLogger("pygls").addHandler(logging.NullHandler())
    logging.getLogger("pygls").propagate = False
    server = build(judge, version)
    # The server closes what it writes to; standard output itself stays open for whoever started us.
    # What a plugin prints must not get between the messages.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out, contextlib.redirect_stdout(sys.stderr):
        server.start_io(sys.stdin.buffer, out)
    return server.shut_down
