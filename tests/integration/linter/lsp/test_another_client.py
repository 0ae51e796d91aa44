"""The server as pygls' own client meets it: typed messages on both sides, so that what we send is what the protocol says."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from lsprotocol import types
from pygls.lsp.client import LanguageClient


async def _visit(folder: Path) -> tuple[types.PublishDiagnosticsParams, types.Hover, types.CompletionList, list[types.CodeAction]]:
    client = LanguageClient("an editor", "1")
    published: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)  # type: ignore[untyped-decorator]  # pygls gives it no types
    def _published(params: types.PublishDiagnosticsParams) -> None:
        published.put_nowait(params)

    await client.start_io(sys.executable, "-m", "trainyard.linter.cli.main", "lsp")
    await client.initialize_async(types.InitializeParams(capabilities=types.ClientCapabilities(), root_uri=folder.as_uri()))
    client.initialized(types.InitializedParams())
    uri = (folder / "a.trainspec.json").as_uri()
    text = '{"version": "v1", "task": "clasification"}'
    client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "json", 1, text)))
    found = await asyncio.wait_for(published.get(), 60)
    document, position = types.TextDocumentIdentifier(uri), types.Position(0, 30)
    shown = await client.text_document_hover_async(types.HoverParams(document, position))
    offered = await client.text_document_completion_async(types.CompletionParams(document, position))
    context = types.CodeActionContext(found.diagnostics)
    actions = await client.text_document_code_action_async(types.CodeActionParams(document, found.diagnostics[0].range, context))
    await client.shutdown_async(None)
    client.exit(None)
    await asyncio.wait_for(client.stop(), 60)  # type: ignore[no-untyped-call]  # nor this
    assert isinstance(shown, types.Hover)
    assert isinstance(offered, types.CompletionList)
    assert actions is not None
    return found, shown, offered, [action for action in actions if isinstance(action, types.CodeAction)]


def test_a_typed_client_understands_everything(tmp_path: Path) -> None:
    found, shown, offered, actions = asyncio.run(_visit(tmp_path))
    assert [(diagnostic.code, diagnostic.severity) for diagnostic in found.diagnostics] == [("SPEC004", types.DiagnosticSeverity.Error)]
    assert isinstance(shown.contents, types.MarkupContent)
    assert "What is predicted" in shown.contents.value
    assert "classification" in [item.label for item in offered.items]
    assert actions[0].edit is not None
    assert actions[0].edit.changes is not None
