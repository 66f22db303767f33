"""Loaded by schemathesis: lets valid requests reach past validation, with slots and tokens that exist.

SAMTID_API_SLOTS and SAMTID_API_TOKENS hold them, separated by spaces.
"""

import os
from itertools import cycle
from typing import Any

import schemathesis
from schemathesis import Case, GenerationMode, HookContext

slots = cycle(os.environ.get("SAMTID_API_SLOTS", "").split())
tokens = cycle(os.environ.get("SAMTID_API_TOKENS", "").split())


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: Any) -> None:
    """Put a real slot in place of a made-up one, where the request was meant to be valid."""
    meta = case.meta
    if meta is None or meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if "token" in case.path_parameters:
        case.path_parameters["token"] = next(tokens)
    body = case.body
    if isinstance(body, dict) and body.get("slot"):
        body["slot"] = next(slots)
        body["modality"] = "phone"
        if "municipality" in body:
            body["municipality"] = "1266"
        if "contact" in body:
            body |= {"hold": None, "expecting": True, "child": None}
            body["contact"] = {"name": "Kim", "phone": "070-123 45 67"}
