"""The HTTP interface of an `Application`, for any ASGI server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from .application import Application
from .refusal import Refusal, not_ready
from .schemas import PredictRequest, PredictResponse, Problem
from .sentence import sentences
from .worker import Worker

MAX_WAITING = 64
"""Requests that may wait for the one thread; more are told to come back."""

TIMEOUT_S = 10.0
"""How long a request waits for its answer."""

_RETRY_AFTER_S = 1
_PROBLEM = "application/problem+json"
_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text, "content": {_PROBLEM: {}}}
    for status, text in {
        400: "The body could not be read.",
        404: "There is no such stream.",
        409: "The bar is not the one that comes next; the stream stays where it is.",
        422: "The content cannot be used; names the field and the value.",
        503: "Not ready, or too much to do; send the same request again.",
    }.items()
}
_NOT_READY: dict[int | str, dict[str, Any]] = {503: _REFUSALS[503]}


def make_api(application: Application, *, max_waiting: int = MAX_WAITING, timeout_s: float = TIMEOUT_S) -> FastAPI:
    """Return the HTTP interface; starting it loads the application, stopping it closes the journal.

    Args:
        application: not loaded yet.
        max_waiting: requests that may wait; one more is refused with 503.
        timeout_s: after it a request is answered 503; its decision may still be taken and is then repeated for the same
            seq.
    """
    worker = Worker(max_waiting=max_waiting, timeout_s=timeout_s)

    @contextlib.asynccontextmanager
    async def lifespan(_api: FastAPI) -> AsyncIterator[None]:
        # Not awaited: the interface answers (alive, not ready) while everything is compiled.
        worker.submit(application.load)
        yield
        await asyncio.get_running_loop().run_in_executor(None, worker.stop, application.close)

    api = FastAPI(
        title="AURORA",
        summary="Certified, regime-aware decisions: a bar in, a forecast with its certificate out.",
        version="1",
        lifespan=lifespan,
    )
    _add_errors(api)
    _add_decisions(api, application, worker)
    _add_reports(api, application)
    return api


def _add_decisions(api: FastAPI, application: Application, worker: Worker) -> None:
    async def predict(request: PredictRequest) -> Response:
        """Take in a finished bar and decide about the next one. Sending the same request again repeats the answer."""
        arrival = application.arrival()
        if not application.readiness.ready:
            raise not_ready(f"not ready: {application.readiness.detail}.")
        body = await worker.run(application.predict, request, arrival)
        return Response(body, media_type="application/json")

    for path in ("/predict", "/inference"):
        api.post(path, response_model=PredictResponse, responses=_REFUSALS, operation_id=path[1:])(predict)


def _add_reports(api: FastAPI, application: Application) -> None:
    async def alive() -> dict:
        """Return that the process answers."""
        return {"status": "alive"}

    for path in ("/healthz", "/health"):
        api.get(path, operation_id=path[1:])(alive)

    @api.get("/readyz", responses=_NOT_READY)
    async def ready() -> dict:
        """Return that decisions are given, or why not (503)."""
        if not application.readiness.ready:
            raise not_ready(f"not ready: {application.readiness.detail}.")
        return {"status": "ready"}

    @api.get("/state", responses=_NOT_READY)
    async def state() -> dict:
        """Return where every stream and the journal stand."""
        return application.state()

    @api.get("/regime/current", responses=_NOT_READY)
    async def regimes() -> dict:
        """Return the regime of every stream."""
        return application.regimes()

    @api.get("/model/info", responses=_NOT_READY)
    async def model() -> dict:
        """Return what the artifact is and where it came from."""
        return application.model()

    @api.get("/metrics", responses=_NOT_READY)
    async def metrics() -> Response:
        """Return the metrics in Prometheus' text format."""
        body, content_type = application.metrics()
        return Response(body, headers={"content-type": content_type})


def _add_errors(api: FastAPI) -> None:
    @api.exception_handler(Refusal)
    async def refused(_request: Request, refusal: Refusal) -> Response:
        headers = {"Retry-After": str(_RETRY_AFTER_S)} if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE else None
        return _problem(refusal, headers)

    @api.exception_handler(RequestValidationError)
    async def unusable(_request: Request, error: RequestValidationError) -> Response:
        return _problem(Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, sentences(error.errors())))

    @api.exception_handler(HTTPException)
    async def not_served(request: Request, error: HTTPException) -> Response:
        detail = f"{request.method} {request.url.path}: {error.detail}."
        return _problem(Refusal(HTTPStatus(error.status_code), detail), dict(error.headers or {}))

    @api.exception_handler(Exception)
    async def failed(_request: Request, _error: Exception) -> Response:
        detail = "an internal error, told in the service's log; the stream stays where it was."
        return _problem(Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, detail))


def _problem(refusal: Refusal, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(refusal.problem(), int(refusal.status), headers=headers, media_type=_PROBLEM)
