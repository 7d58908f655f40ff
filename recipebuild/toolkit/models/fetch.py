"""A model from the Hugging Face hub, at a revision, or a quick and plain answer why not.

    snapshot("nvidia/segformer-b0-finetuned-cityscapes-640-1280", "main", allow_pickle=False, progress=progress)

huggingface_hub does the work, so HF_HOME, HF_ENDPOINT, HF_HUB_OFFLINE and tokens count by its own rules, and what is
in its cache is not downloaded again. A commit (40 hex digits) that is in the cache needs no network.

The library's own patience is no match for a dead network: its HEAD requests are tried again with 60 s each, its
listings have no time limit, and nothing bounds a name look-up. So the first contact (the list of files, and
config.json) has to succeed within ``REACH_SECONDS`` by the wall clock. After that its own retries are right.
"""

from __future__ import annotations

import errno
import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar
from urllib.parse import urlsplit

from recipebuild.errors import MissingError, RecipeError, StepError, UnreachableError, reason
from recipebuild.toolkit.models.checkpoint import (
    CONFIG,
    DESCRIBING,
    check_folder,
    file_names,
    needed_files,
    tokenizer_files,
)
from recipebuild.toolkit.models.meter import Meter

logger = logging.getLogger(__name__)

REACH_SECONDS = 6.0
WAYS_OUT = """one of these will do:
  - set HF_ENDPOINT to a mirror of the hub that this machine can reach, such as https://hf-mirror.com
  - download the model from ModelScope (modelscope.cn), and point model.source at that folder
  - point model.source at a local folder in Hugging Face layout
  - run with --weights random: the architecture without the trained weights"""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Snapshot:
    """A model in the hub's cache on this machine.

    Attributes:
        folder: Where its files are; read-only.
        commit: The commit (40 hex digits) that the revision was resolved to.
    """

    folder: Path
    commit: str


def snapshot(
    hub_id: str,
    revision: str | None,
    *,
    allow_pickle: bool,
    progress: Callable[[float, str], None],
    tokenizer: bool = False,
) -> Snapshot:
    """Download what a build needs of the model ``hub_id`` into the hub's cache.

    Args:
        hub_id: ``owner/name``.
        revision: A commit, branch or tag; ``None`` for the main branch.
        allow_pickle: Whether pickled weights will do where there are no safetensors.
        progress: Told how much has come, in bytes, and which file is coming.
        tokenizer: Whether the files of its tokenizer are needed, too.

    Raises:
        MissingError: If the hub does not answer within ``REACH_SECONDS``, or has no such model or revision for us.
        UnreachableError: If the hub fails to answer (HTTP 5xx, 429), or a download breaks off.
        RecipeError: If ``hub_id`` cannot be the name of a model.
        StepError: If the model lacks files that a build needs, or the cache cannot be written.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    cached = _cached(hub_id, revision)
    if (
        cached is not None
        and _COMMIT.fullmatch(revision or "")
        and _is_complete(cached, allow_pickle=allow_pickle, tokenizer=tokenizer)
    ):
        return cached
    try:
        commit, sizes = _within(REACH_SECONDS, lambda: _first_contact(hub_id, revision))
    except Exception as error:  # whatever a network, a proxy, a portal page or the library makes of it
        if cached is None or _is_answer(error) or not _is_complete(cached, allow_pickle=True, tokenizer=tokenizer):
            _give_up(hub_id, revision, error)
        logger.warning("RB801 the hub cannot be reached (%s): taking %s from the cache", reason(error), cached.commit)
        return cached
    files = needed_files(sizes, allow_pickle=allow_pickle, where=f"{hub_id} at {commit}", tokenizer=tokenizer)
    meter = Meter({name: sizes[name] for name in files}, progress)
    try:
        for name in files:
            path = Path(hf_hub_download(hub_id, name, revision=commit, tqdm_class=meter.of(name)))
            meter.arrived(name)
    except Exception as error:
        _give_up(hub_id, revision, error, reached=True)
    return Snapshot(path.parent, commit)


@dataclass(frozen=True)
class Listing:
    """A model on the hub, without its weights.

    Attributes:
        folder: Where its config.json is and, if it has one, its preprocessor_config.json; read-only.
        commit: The commit (40 hex digits) that the revision was resolved to.
        names: The files that it has on the hub; if that cannot be reached, those that are in the cache.
    """

    folder: Path
    commit: str
    names: frozenset[str]


def look_up(hub_id: str, revision: str | None) -> Listing:
    """Fetch what describes the model ``hub_id``, and none of its weights; from the cache if the hub is out of reach.

    Raises:
        MissingError: If the hub does not answer within ``REACH_SECONDS``, or has no such model or revision for us.
        RecipeError: If ``hub_id`` cannot be the name of a model.
        StepError: If the model has no config.json, or the cache cannot be written.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    cached = _cached(hub_id, revision)
    try:
        commit, sizes = _within(REACH_SECONDS, lambda: _first_contact(hub_id, revision))
        names = frozenset(sizes)
        if CONFIG not in names:
            raise StepError(f"{hub_id} on the hub has no {CONFIG}", remedy="name a model in transformers' layout")
        for name in names & {CONFIG, *DESCRIBING}:
            path = Path(hf_hub_download(hub_id, name, revision=commit))
    except StepError:
        raise
    except Exception as error:  # whatever a network, a proxy, a portal page or the library makes of it
        if cached is None or _is_answer(error):
            _give_up(hub_id, revision, error)
        logger.warning("RB801 the hub cannot be reached (%s): taking %s from the cache", reason(error), cached.commit)
        return Listing(cached.folder, cached.commit, frozenset(file_names(cached.folder)))
    return Listing(path.parent, commit, names)


def _first_contact(hub_id: str, revision: str | None) -> tuple[str, dict[str, int]]:
    """The commit of ``revision`` and its files with their bytes (0 where the hub does not say).

    config.json is fetched to see that files come, too.
    """
    from huggingface_hub import HfApi, hf_hub_download

    info = HfApi().model_info(hub_id, revision=revision, timeout=REACH_SECONDS, files_metadata=True)
    sizes = {sibling.rfilename: sibling.size or 0 for sibling in info.siblings or ()}
    if CONFIG in sizes:
        hf_hub_download(hub_id, CONFIG, revision=revision)  # a branch's name: so the cache learns its commit, too
    return str(info.sha), sizes


def _within(seconds: float, call: Callable[[], _Result]) -> _Result:
    """What ``call`` returns or raises, if it does so within ``seconds``; else TimeoutError.

    A thread is what can be left behind: no time limit of an HTTP client covers name look-ups and dripping servers.
    """
    results: list[_Result] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(call())
        except BaseException as error:  # carried over to the caller's thread
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True, name="first contact with the hub")
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return results[0]


def _cached(hub_id: str, revision: str | None) -> Snapshot | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        folder = Path(snapshot_download(hub_id, revision=revision, allow_patterns=[CONFIG], local_files_only=True))
    except HFValidationError as error:
        raise RecipeError(
            f"{hub_id} cannot be a hub id: {reason(error)}",
            field="model.source",
            remedy="model.source is a hub id (owner/name), a folder, or an .onnx file",
        ) from error
    except Exception:
        return None  # not in the cache, or not readable there: the hub will tell
    return Snapshot(folder, folder.name)


def _is_complete(cached: Snapshot, *, allow_pickle: bool, tokenizer: bool) -> bool:
    try:
        files = check_folder(cached.folder, allow_pickle=allow_pickle, where="the cache", tokenizer=tokenizer)
    except StepError:
        return False
    return not tokenizer or bool(tokenizer_files(files))


def _status(error: Exception) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _is_answer(error: Exception) -> bool:
    """Whether the hub was reached and said no, so that the cache is no substitute."""
    return _status(error) in (401, 403, 404)


def _give_up(hub_id: str, revision: str | None, error: Exception, *, reached: bool = False) -> NoReturn:
    """Raise the error of ours that ``error`` comes to."""
    from huggingface_hub import constants
    from huggingface_hub.errors import RevisionNotFoundError

    # The name of the host only: an address may hold a password.
    host = urlsplit(constants.ENDPOINT).netloc.rpartition("@")[2] or constants.ENDPOINT
    if isinstance(error, OSError) and (error.filename or error.errno in (errno.ENOSPC, errno.EDQUOT)):
        raise StepError(
            f"the hub's cache {constants.HF_HUB_CACHE} cannot be written: {reason(error)}",
            remedy="set HF_HOME to a folder that can be written and has room",
        ) from error
    if isinstance(error, RevisionNotFoundError):
        raise MissingError(
            f"{hub_id} on {host} has no commit, branch or tag {revision or 'main'}",
            field="model.revision",
            remedy=f"correct model.revision; or {WAYS_OUT}",
        ) from error
    if _is_answer(error):
        raise MissingError(
            f"{hub_id} is not on {host}, or it is private or gated (HTTP {_status(error)})",
            field="model.source",
            remedy=f"correct model.source, or log in with a token that may read it (HF_TOKEN); or {WAYS_OUT}",
        ) from error
    # A hub that was there and then fails may be back in a moment; one that was never there will not.
    kind = UnreachableError if reached or _status(error) else MissingError
    raise kind(
        f"the Hugging Face hub ({host}) cannot be reached for {hub_id}: {reason(error)}", remedy=WAYS_OUT
    ) from error
