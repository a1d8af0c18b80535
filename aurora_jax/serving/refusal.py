"""Requests that are not obeyed: they change nothing, and the answer says why."""

from http import HTTPStatus


class Refusal(Exception):
    """A request that was refused and changed nothing; the client reads it as problem+json (RFC 9457).

    Attributes:
        status: HTTP status.
        detail: one sentence that names the field, the value found and the remedy.
        facts: further members for a program to read, e.g. `expected_seq`.
    """

    def __init__(self, status: HTTPStatus, detail: str, **facts: object):
        super().__init__(detail)
        self.status, self.detail, self.facts = status, detail, facts

    def problem(self) -> dict:
        """Return the body of the answer."""
        return {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
            **self.facts,
        }


def invalid(detail: str) -> Refusal:
    """Return the refusal of a request whose content cannot be used (422)."""
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def conflict(detail: str, **facts: object) -> Refusal:
    """Return the refusal of a request that does not fit where the stream stands (409)."""
    return Refusal(HTTPStatus.CONFLICT, detail, **facts)


def not_ready(detail: str) -> Refusal:
    """Return the refusal of a request that may be sent again in a moment (503)."""
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, detail)
